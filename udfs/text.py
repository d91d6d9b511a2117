"""Texts that were decoded in a wrong encoding, read as they were meant: a Column function over ftfy."""

from __future__ import annotations

import re
import unicodedata
from html.entities import name2codepoint

import ftfy
import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

# Only what was decoded wrongly is repaired: quotes, widths and ligatures are the author's.
_CONFIG = ftfy.TextFixerConfig(explain=False)

_LATIN = ("latin-1", "cp1252", "cp1250", "cp1254", "cp1257", "iso-8859-2")
_UNSEEN = r"\x00-\x08\x0E-\x1F\x7F\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB"


def _bytes(first: int, last: int, *encodings: str) -> str:
    """A class of the characters that the bytes from `first` to `last` are in any of these encodings."""
    codes = sorted({ord(char) for encoding in encodings for char in bytes(range(first, last + 1)).decode(encoding, "ignore")})
    starts = [code for code in codes if code - 1 not in codes]
    ends = [code for code in codes if code + 1 not in codes]
    return "[" + "".join(rf"\x{{{start:X}}}-\x{{{end:X}}}" for start, end in zip(starts, ends, strict=True)) + "]"


def _suspicion() -> str:
    """A pattern of the JVM: found in every text that was UTF-8 and was decoded in one of the encodings that ftfy knows, and in few others.

    A byte that begins a character and those that go on with it stand side by side. Where they are letters of one alphabet, as in the
    encodings of Cyrillic and Greek, a pair is a common word's, so two are asked for. The JVM tries the ranges of a class one by one: what
    begins a branch is a single range or a few letters, so that most characters cost one comparison a branch.
    """
    rest = _bytes(0x80, 0xBF, *_LATIN)
    two, three, four = (_bytes(*span, *_LATIN) for span in ((0xC2, 0xDE), (0xE0, 0xEF), (0xF0, 0xF4)))
    cyrillic, greek, mac, dos = (_bytes(0x80, 0xBF, name) for name in ("cp1251", "cp1253", "mac-roman", "cp437"))
    branches = (
        r"[\x80-\x9F]",
        # What is not seen may stand in between, and is taken out before a second look.
        rf"(?=[\xC2-\u017F])(?:{two}{rest}|{three}{rest}{{2}}|{four}{rest}{{3}}|{_bytes(0xC2, 0xF4, *_LATIN)}{rest}{{0,2}}[{_UNSEEN}])",
        f"[ВГРС]{cyrillic}[ВГРС]|вЂ|а[¤¦§Ё]|рџ",
        f"[ΒΓΞΟ]{greek}[ΒΓΞΟ]|β€|ΓÇ",
        f"[√≈]{mac}|‚Ä",
        rf"(?=[\u2500-\u259F]){_bytes(0xC2, 0xDF, 'cp437')}{dos}",
    )
    return rf"(?=[^\x00-\x7F])(?:{'|'.join(branches)})"


_SUSPICIOUS = _suspicion()
# Named and numbered characters beyond ASCII: the bytes of a character may have been escaped one by one.
_ASCII_NAMES = r"amp;|lt;|gt;|quot;|apos;|nbsp;|#0*(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6]);"
_ENTITY = rf"&(?:amp;)*(?!{_ASCII_NAMES})(?:([A-Za-z]{{2,8}}[0-9]{{0,2}})|#([0-9]{{3,7}})|#[xX]([0-9A-Fa-f]{{2,6}}));"
_ENTITIES = re.compile(_ENTITY)


def may_be_garbled(column: Column) -> Column:
    """True where `repaired` may change the text: a test in the JVM, so that other texts are not sent to Python."""
    return column.rlike(_SUSPICIOUS) | (F.contains(column, F.lit("&")) & column.rlike(_ENTITY))


def ungarbled(text: str) -> str:
    """The text with characters that were decoded in a wrong encoding (once or several times over) as they were meant."""
    read = _ENTITIES.sub(_character, text)
    fixed = _fixed(read)
    return text if fixed == read else fixed


def repaired(column: Column) -> Column:
    """The text as it was meant where it was decoded in a wrong encoding; other texts as they are. Only those that may be such are sent
    to Python; the rest costs the test."""
    text = F.make_valid_utf8(column)
    return F.coalesce(_udf(F.when(may_be_garbled(text), text)), column)


def _fixed(text: str) -> str:
    """The text as ftfy reads it, and reads it again without what cleaning takes out of every text, so that this uncovers nothing."""
    fixed = ftfy.fix_encoding(text, _CONFIG)
    kept = "".join(char for char in fixed if unicodedata.category(char) not in ("Cc", "Cf") or char.isspace())
    seen = " ".join(kept.split())
    return fixed if ftfy.fix_encoding(seen, _CONFIG) == seen else _fixed(seen)


def _character(entity: re.Match[str]) -> str:
    name, decimal, hexadecimal = entity.groups()
    code = name2codepoint.get(name, 0) if name else int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if 0x80 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else entity[0]


def _answered(texts: pa.Array) -> pa.Array:
    """The texts that are there, repaired; nulls stay."""
    if texts.null_count == len(texts):
        return texts
    return pa.array([ungarbled(text) if text is not None else None for text in texts.to_pylist()], pa.string())


_udf = F.arrow_udf(_answered, StringType())  # type: ignore[attr-defined]  # missing in the stubs only
