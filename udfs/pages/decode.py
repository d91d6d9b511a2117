"""Bytes to text: which encoding a page is in, when it says so, says nothing or is wrong."""

from __future__ import annotations

import codecs
import re

from udfs.pages.guard import RefusedPage

_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Browsers look for a declaration in the first kilobyte; real pages put scripts before it.
_HEAD = 8192
_META_CHARSET = re.compile(rb"<meta\b[^<>]{0,300}?\bcharset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.\-]{2,40})", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"^\s*<\?xml\b[^<>]{0,200}?\bencoding\s*=\s*[\"']([a-zA-Z0-9_:.\-]{2,40})", re.IGNORECASE)
_LANGUAGE = re.compile(rb"<html\b[^<>]{0,500}?\blang\s*=\s*[\"']?([a-zA-Z]{2,3})", re.IGNORECASE)
# What browsers read under a label is often a superset of what the label names (WHATWG Encoding Standard).
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "utf-16": "utf-8",
    "utf-16-le": "utf-8",
    "utf-16-be": "utf-8",
}
_MULTI_BYTE = frozenset(("cp932", "gb18030", "cp949", "big5hkscs", "euc_jp", "iso2022_jp"))
_SINGLE_BYTE_OF = {
    **dict.fromkeys(("cs", "sk", "pl", "hu", "hr", "sl", "ro", "sq", "bs"), "cp1250"),
    **dict.fromkeys(("ru", "uk", "bg", "be", "mk", "sr", "kk"), "cp1251"),
    **dict.fromkeys(("et", "lv", "lt"), "cp1257"),
    **{"el": "cp1253", "tr": "cp1254", "he": "cp1255", "ar": "cp1256", "fa": "cp1256", "th": "cp874", "vi": "cp1258"},
}
_DEFAULT = "cp1252"
_BINARY = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"PK\x03\x04", "an archive"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd"),
)
# More than this share of control characters is no text, whatever the encoding.
_MOST_CONTROLS = 0.05
# Escape is left out: ISO-2022-JP is made of it.
_CONTROLS = bytes(code for code in range(0x20) if code not in b"\t\n\x0b\x0c\r\x1b")
# First bytes of everyday characters (kana, first-level Han, Hangul, punctuation): read in a wrong encoding, text falls outside.
# Where shares are equal the first counts: Hangul bytes are also Chinese ones, not the other way round.
_COMMON_LEADS = {
    "cp949": ((0xA1, 0xA1), (0xA3, 0xA3), (0xB0, 0xC8)),
    "cp932": ((0x81, 0x83), (0x88, 0x97)),
    "euc_jp": ((0xA1, 0xA1), (0xA4, 0xA5), (0xB0, 0xCF)),
    "gb18030": ((0xA1, 0xA1), (0xA3, 0xA3), (0xB0, 0xD7)),
    "big5hkscs": ((0xA1, 0xC6),),
}
_SURE = 0.8
_SAMPLE = 2000
_NOT_ASCII = re.compile("[^\x00-\x7f]")
_LETTER_RUNS = re.compile(rb"[\xc0-\xff]+")
_CYRILLIC_RUN = 2.5
_WEB_NAMES = {"cp932": "shift_jis", "euc_jp": "euc-jp", "cp949": "euc-kr", "big5hkscs": "big5", "cp874": "windows-874"}
# A page cut or damaged in a few places is still UTF-8: at most one bad place for this many good characters.
_GOOD_FOR_BAD = 20


def decoded(body: bytes) -> tuple[str, str]:
    """The text and the name of its encoding; RefusedPage where the bytes are not text."""
    for magic, kind in _BINARY:
        if body.startswith(magic):
            raise RefusedPage(f"the body is {kind}, not text")
    encoding = _encoding(body)
    text = body.decode(encoding, "replace").removeprefix("\ufeff")
    plain = text.encode("utf-8", "replace") if encoding.startswith("utf-16") else body
    if len(plain) - len(plain.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(plain):
        raise RefusedPage("the body is binary, not text")
    return text, _web_name(encoding)


def _encoding(body: bytes) -> str:
    """The Python name of the encoding: byte order mark, declaration (unless the bytes contradict it), UTF-8, then a guess."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return encoding
    if (wide := _wide(body)) is not None:
        return wide
    declared = _declared(body)
    valid_utf8 = _decodes(body, "utf-8")
    # Any bytes are valid in a single-byte encoding; hardly any but UTF-8 are valid UTF-8. So UTF-8 wins over such a declaration.
    if valid_utf8 and not body.isascii() and declared not in _MULTI_BYTE:
        return "utf-8"
    if declared is not None and _decodes(body, declared):
        return declared
    if valid_utf8 or _damaged_utf8(body):
        return "utf-8"
    return _guessed(body)


def _declared(body: bytes) -> str | None:
    """The encoding that the page names in a meta tag or XML declaration, as browsers understand the name; None where it names none."""
    for pattern in (_META_CHARSET, _XML_ENCODING):
        if found := pattern.search(body[:_HEAD]):
            try:
                name = codecs.lookup(found[1].decode("ascii")).name
            except LookupError:
                continue
            # Codecs that are not text encodings (rot13, zlib) are registered under names too.
            return _SUPERSETS.get(name, name) if _is_text_encoding(name) else None
    return None


def _is_text_encoding(name: str) -> bool:
    """True for codecs that turn bytes into text and keep ASCII as it is."""
    try:
        return b"<a>".decode(name) == "<a>" or name.startswith("utf-16")
    except (LookupError, UnicodeError):
        return False


def _wide(body: bytes) -> str | None:
    """UTF-16 without a byte order mark, seen by the zero bytes between the first ASCII characters; else None."""
    head = body[:400]
    if len(head) < 4 or head.count(0) < len(head) // 3:
        return None
    return "utf-16-le" if head[1::2].count(0) > head[0::2].count(0) else "utf-16-be"


def _decodes(body: bytes, encoding: str) -> bool:
    """True where every byte is valid in the encoding."""
    try:
        body.decode(encoding)
    except UnicodeError:
        return False
    return True


def _damaged_utf8(body: bytes) -> bool:
    """True where nearly all that is not ASCII is valid UTF-8."""
    text = body.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = len(_NOT_ASCII.findall(text)) - bad
    return good >= _GOOD_FOR_BAD * bad


def _guessed(body: bytes) -> str:
    """The likeliest encoding of what is not UTF-8: a multi-byte one that makes everyday characters of it, else by the page's language."""
    shares = {encoding: _common_share(body, encoding) for encoding in _COMMON_LEADS}
    likeliest = max(shares, key=lambda encoding: shares[encoding])
    if shares[likeliest] > _SURE:
        return likeliest
    said = _LANGUAGE.search(body[:_HEAD])
    language = said[1].decode("ascii").lower() if said else ""
    if language in _SINGLE_BYTE_OF:
        return _SINGLE_BYTE_OF[language]
    return _cyrillic(body) or _DEFAULT


def _common_share(body: bytes, encoding: str) -> float:
    """The share of everyday characters among the first that are not ASCII; 0 where the bytes are not valid in the encoding."""
    try:
        text = body.decode(encoding)
    except UnicodeError:
        return 0.0
    foreign = _NOT_ASCII.findall(text)[:_SAMPLE]
    codes = [character.encode(encoding) for character in foreign]
    # Two characters may be one code in big5hkscs; what does not encode back is not an everyday character.
    common = sum(1 for code in codes if len(code) == 2 and any(first <= code[0] <= last for first, last in _COMMON_LEADS[encoding]))
    return common / len(codes) if codes else 0.0


def _cyrillic(body: bytes) -> str | None:
    """cp1251 or koi8-r where letters beyond ASCII come in runs, as in Cyrillic words; None where they stand alone, as in Western ones."""
    runs = _LETTER_RUNS.findall(body)
    if not runs or sum(map(len, runs)) / len(runs) < _CYRILLIC_RUN:
        return None
    # Small letters, the most of any text, are the upper half of the block in one and the lower half in the other.
    upper = sum(1 for run in runs for byte in run if byte >= 0xE0)
    return "cp1251" if 2 * upper > sum(map(len, runs)) else "koi8-r"


def _web_name(encoding: str) -> str:
    """The name that pages use for the encoding."""
    return _WEB_NAMES.get(encoding, encoding.replace("cp125", "windows-125").replace("iso8859", "iso-8859").replace("_", "-"))
