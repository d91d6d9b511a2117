"""Clean text: what may be seen, without markup, addresses and personal data, and lines that a model reads. Column expressions only.

Every pattern is read in time proportional to the text: no two quantifiers compete for the same characters. None repeats a group of
changing length without a bound: the JVM's matcher calls itself for each repetition, and a long text would end its stack. A dear pattern is
asked only where a cheap test says that it may match: most texts have no entity, no address and no invisible character.
"""

from __future__ import annotations

from collections.abc import Callable
from html.entities import name2codepoint

from pyspark.sql import Column
from pyspark.sql import functions as F

MASK = "***"  # not white space and no part of an address or number, so that masking never joins what stood around it to a new one

# Controls but white space, soft hyphens, zero-width and direction marks, interlinear marks, and tag characters, which can smuggle
# invisible text to a model. The tag sequences of regional flags (group 1) stay.
_INVISIBLE = (
    r"(\x{1F3F4}\x{E0067}\x{E0062}[\x{E0061}-\x{E007A}]{3}\x{E007F})|[\x00-\x08\x0E-\x1B\x7F-\x84\x86-\x9F\u00AD\u061C\u180E"
    r"\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\x{E0000}-\x{E007F}]"
)
# A joiner means something between emoji and inside words of cursive and Indic scripts; elsewhere it only hides differences.
_PLAIN_LETTERS = r"\p{IsLatin}\p{IsGreek}\p{IsCyrillic}\p{IsHan}\p{IsHiragana}\p{IsKatakana}\p{IsHangul}"
_JOINED = rf"(?:[\p{{M}}\p{{So}}\x{{1F3FB}}-\x{{1F3FF}}]|[\p{{L}}&&[^{_PLAIN_LETTERS}]])"
_JOINER = rf"({_JOINED}[\u200C\u200D](?=[\p{{L}}\p{{M}}\p{{So}}\u2194]))|[\u200C\u200D]"
# With the blanks of Braille and Hangul.
_ODD_SPACE = r"\t-\r\x1C-\x1F\x85\xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\u2800\u3164\uFFA0"
_SPACE = rf"[ {_ODD_SPACE}]{{2,}}|[{_ODD_SPACE}]"

_REGIONAL = r"[\x{1F1E6}-\x{1F1FF}]"

_AMPERSANDS = r"&(?:amp;)+"  # markup escaped several times over
_NAMES = {**{name: chr(code) for name, code in name2codepoint.items()}, "apos": "'", "nbsp": " ", "shy": "", "zwj": " ", "zwnj": " "}
_NAMED = "\n".join(f"{name}\t{char}" for name, char in sorted(_NAMES.items()))
_DECIMAL, _HEXADECIMAL = r"^#[0-9]{1,7}$", r"^#[xX][0-9A-Fa-f]{1,6}$"
_TAG = r"</?[A-Za-z!?][^<>]*>"
_TAG_START = r"<(?=[A-Za-z/!?])"

# Words of scripts without spaces may touch an address; they are no part of it.
_LETTER = r"[\p{L}\p{M}&&[^\p{IsHan}\p{IsHiragana}\p{IsKatakana}\p{IsHangul}\p{IsThai}]]"
_LOCAL = rf"[{_LETTER}\p{{Nd}}._%+\-]"
_EMAIL = rf"(?<!{_LOCAL}){_LOCAL}++[@\uFF20][\p{{L}}\p{{M}}\p{{Nd}}\-]++(?:\.[\p{{L}}\p{{M}}\p{{Nd}}\-]+){{0,8}}\.{_LETTER}{{2,}}"
# The sign written out, as people do to hide an address from machines; in brackets only: `at` alone is a word.
_HIDDEN_AT, _DOT = r" ?+[(\[{] ?(?iu:at|arroba) ?[)\]}] ?", r"(?: ?[(\[{] ?(?iu:dot|punkt|punto|point) ?[)\]}] ?|\.)"
_HIDDEN_EMAIL = rf"(?<!{_LOCAL}){_LOCAL}++{_HIDDEN_AT}[\p{{L}}\p{{Nd}}\-]++(?:{_DOT}[\p{{L}}\p{{Nd}}\-]++){{1,4}}"
_BETWEEN = r"[ \u00A0.\-\u2010-\u2013()/]{0,2}"
_GROUP = r"[ \u00A0.\-]?"
_CALL = (
    r"tel|phone|telephone|call|mobile|cell|fax|whats ?app|telefono|teléfono|telefon|handy|tél|portable"
    r"|тел|телефон|电话|電話|전화|هاتف|फोन"
)
_CARD = (
    rf"(?:2[2-7]|[3-6]\p{{Nd}}|8[12])\p{{Nd}}{{2}}(?:{_GROUP}\p{{Nd}}{{4}}){{2}}"
    rf"{_GROUP}\p{{Nd}}{{1,4}}(?:{_GROUP}\p{{Nd}}{{1,3}})?(?!\p{{Nd}})"
)
_DATE = r"0[1-9][./\-]\p{Nd}{1,2}[./\-](?:19|20)\p{Nd}{2}(?!\p{Nd})"
_NUMBERS = (
    # Payment cards: 13 to 19 digits in groups, with the first digits that issuers have (years in a row have others); Amex 4-6-5.
    rf"(?<!\p{{Nd}}){_CARD}",
    rf"(?<!\p{{Nd}})3[47]\p{{Nd}}{{2}}{_GROUP}\p{{Nd}}{{6}}{_GROUP}\p{{Nd}}{{5}}(?!\p{{Nd}})",
    r"(?<!\p{Nd})\p{Nd}{10,}",
    # Telephones: international, North American, national with a leading nought (but for dates), and whatever follows `tel`.
    # Masking twice must mask no more: no match ends before a digit, and a mask behind `tel` keeps it from the next number.
    rf"(?:(?<![\p{{L}}+])\+{_GROUP}|(?<![\p{{Nd}}.,:])00{_GROUP})[1-9](?:{_BETWEEN}\p{{Nd}}){{6,14}}(?!\p{{Nd}})",
    r"(?<!\p{Nd})\(?[2-9]\p{Nd}{2}\)?[ \u00A0.\-/]{0,2}\p{Nd}{3}[ \u00A0.\-]\p{Nd}{4}(?!\p{Nd})",
    rf"(?<![\p{{Nd}}.,:])\(?(?!{_DATE})0[1-9](?:{_BETWEEN}\p{{Nd}}){{7,10}}(?!\p{{Nd}})",
    rf"(?<=(?<!\p{{L}})(?iu:{_CALL})[^\p{{L}}\p{{Nd}}*]{{0,4}})[+(]?\p{{Nd}}(?:{_BETWEEN}\p{{Nd}}){{5,40}}\p{{Nd}}*+",
)
# A bar code is no telephone where its name stands before it, and an ISBN begins as no telephone does.
_CODE = (
    r"(?:(?<=(?<!\p{L})(?iu:ean|gtin|upc|isbn|jan|barcode|bar code)[^\p{L}\p{Nd}]{0,3})\p{Nd}{8,14}|(?<!\p{Nd})97[89]\p{Nd}{10})(?!\p{Nd})"
)
_NUMBER = rf"(?=[+(\p{{Nd}}])(?!{_CODE})(?:{'|'.join(_NUMBERS)})"
# An address with a scheme or `www.`, up to what ends a sentence; `node.js` and `example.com` are words.
_UNSPACED = r"\p{IsHan}\p{IsHiragana}\p{IsKatakana}\p{IsHangul}\p{IsThai}"
_URL = (
    rf"(?<!{_LETTER}|[\p{{Nd}}*])(?iu:(?:https?|ftp)://|www\.)(?=[\p{{L}}\p{{N}}])"
    rf"[\p{{L}}\p{{M}}\p{{N}}/=&#%_~+$@\-.,:;!?'()\[\]|&&[^{_UNSPACED}]]*[\p{{L}}\p{{M}}\p{{N}}/=&#%_~+$@\-&&[^{_UNSPACED}]]"
)

# A hashtag as a token: the sign at its start (marks may stand before it) and words with at least one letter; no colour.
_SIGN = r"[#\uFF03]"
_TAG_WORD = rf"{_SIGN}++(?![0-9A-Fa-f]{{6}}(?<=\p{{Nd}}[A-Fa-f]{{0,5}})(?![\p{{L}}\p{{N}}_]))(?=[\p{{N}}_]*+\p{{L}})"
_HASHTAG = rf"^([^\p{{L}}\p{{M}}\p{{N}}#\uFF03&/@<\\=*]*+){_TAG_WORD}"
_ONLY_WORDS = r"^[^\p{L}\p{N}]*+[\p{L}\p{M}\p{N}_ \u200C\u200D]++[^\p{L}\p{N}]*+$"
# `homeDecor` and `DIYIdeas` are two words; `iPhone`, `eBay` and `McLaren` are one.
_CAMEL = r"(?<=\p{Ll}\p{Ll})(?=\p{Lu})|(?<=\p{Lu}\p{Lu})(?=\p{Lu}\p{Ll}\p{Ll})|_++"

# Marks that say no more when they are repeated; a line of marks is as good short. What a mask is made of is none.
_SHOUTED, _MIXED, _LISTED = r"([!?\xA1\xBF\uFF01\uFF1F\u061F])\1+", r"[!?]{3,}", r"([,;\u060C\u2026])\1{2,}"
_RULED = r"([.\-_=~+|\u2022\xB7\u2014\u2013])\1{3,}"
_REPEATED = r"[!?\xA1\xBF\uFF01\uFF1F\u061F]{2}|([,;\u060C\u2026.\-_=~+|\u2022\xB7\u2014\u2013])\1\1"

_SIX_DIGITS = r"\p{Nd}(?:[^\p{L}\p{Nd}]{0,3}\p{Nd}){5}"


def has_pii(column: Column) -> Column:
    """True where the text holds an e-mail address, a telephone or a payment card number; null for null."""
    return F.transform(
        F.array(column),
        lambda text: (
            (_may_have_email(text) & text.rlike(_EMAIL)) | text.rlike(_HIDDEN_EMAIL) | (text.rlike(_SIX_DIGITS) & text.rlike(_NUMBER))
        ),
    )[0]


def without_pii(column: Column) -> Column:
    """The text with e-mail addresses, telephone and payment card numbers masked."""
    no_email = _where(column, _may_have_email, lambda text: F.regexp_replace(text, _EMAIL, MASK))
    no_hidden = _where(no_email, lambda text: text.rlike(_HIDDEN_AT), lambda text: F.regexp_replace(text, _HIDDEN_EMAIL, MASK))
    return _where(no_hidden, lambda text: text.rlike(_SIX_DIGITS), lambda text: F.regexp_replace(text, _NUMBER, MASK))


def squeezed(column: Column) -> Column:
    """The text on one line: runs of white space of any script as one space, none at the ends; null where nothing is left."""
    return _unless_empty(_on_one_line(column))


def cleaned(column: Column) -> Column:
    """The text as people see it, on one line: no invisible characters, entities, tags, addresses, hash signs, repeated marks or personal
    data; null where nothing is left.

    Cleaning twice changes nothing more. Joiners that emoji and scripts need stay. The order matters: what a step takes out must not put
    together what an earlier one looks for.
    """
    column = F.make_valid_utf8(column)
    seen = _visible(_where(_visible(column), _has("&"), _unescaped))
    # What this has put together (`&am&#112;;`) is dropped rather than read, or a second cleaning would read it.
    plain = _where(seen, _has("&"), lambda text: _each_entity(text, lambda char: F.lit(" ")))
    text = F.regexp_replace(F.regexp_replace(plain, _TAG, " "), _TAG_START, " ")
    words = _on_one_line(_where(_without_urls(text), _has_hash, _without_hashes))
    return _unless_empty(F.trim(_with_joiners(without_pii(_without_repeats(words)))))


def labelled_lines(**fields: Column) -> Column:
    """One `label: value` line per field that has a value, in the order given; empty where none has."""
    return F.concat_ws("\n", *(F.concat(F.lit(f"{label}: "), squeezed(value)) for label, value in fields.items()))


def shortened(column: Column, characters: Column) -> Column:
    """The text cut to at most `characters`, between words where one ends near, never inside a character that people see as one."""
    both = F.struct(column.alias("text"), characters.alias("room"))
    return F.transform(F.array(both), lambda given: _cut(given["text"], given["room"]))[0]


def _cut(text: Column, room: Column) -> Column:
    head, after = F.substring(text, F.lit(1), room), F.substring(text, room + 1, F.lit(1))
    unfinished = after.rlike(r"[\p{M}\u200C\u200D\x{1F3FB}-\x{1F3FF}\x{E0020}-\x{E007F}]") | head.rlike(r"\u200D$")
    # Regional letters make flags two by two, from the left.
    half = after.rlike(_REGIONAL) & (F.char_length(F.regexp_extract(head, f"{_REGIONAL}*$", 0)) % 2 == 1)
    whole = F.when(unfinished, F.regexp_replace(head, r"\X$", "")).when(half, F.substring(head, F.lit(1), room - 1)).otherwise(head)
    # A script without spaces may have its only one far back: then the cut stays where it is.
    words = F.when(after.rlike(r"\s"), whole).otherwise(F.regexp_replace(whole, r"\s\S{0,39}$", ""))
    return F.when(F.char_length(text) <= room, text).when(room <= 0, F.lit("")).otherwise(F.rtrim(words))


def _where(column: Column, test: Callable[[Column], Column], step: Callable[[Column], Column]) -> Column:
    # A lambda's variable is a value: with the column itself, the whole expression before this step would be repeated at each use.
    return F.transform(F.array(column), lambda text: F.when(test(text), step(text)).otherwise(text))[0]


def _has(part: str) -> Callable[[Column], Column]:
    return lambda text: F.contains(text, F.lit(part))


def _may_have_email(text: Column) -> Column:
    return F.contains(text, F.lit("@")) | F.contains(text, F.lit("\uff20"))


def _has_hash(text: Column) -> Column:
    return F.contains(text, F.lit("#")) | F.contains(text, F.lit("\uff03"))


def _without_urls(column: Column) -> Column:
    def may(text: Column) -> Column:
        return F.contains(text, F.lit("://")) | text.rlike("[wW]\\.")

    return _where(column, may, lambda text: F.regexp_replace(text, _URL, " "))


def _without_hashes(text: Column) -> Column:
    """The text with the words of its hashtags in place of them; `C#` and `#1` stay."""
    tokens = F.split(_on_one_line(text), " ")
    return F.array_join(F.transform(tokens, lambda token: F.when(token.rlike(_HASHTAG), _untagged(token)).otherwise(token)), " ")


def _untagged(token: Column) -> Column:
    words = F.regexp_replace(F.regexp_replace(token, _HASHTAG, "$1"), _TAG_WORD, " ")
    return F.when(words.rlike(_ONLY_WORDS), F.regexp_replace(words, _CAMEL, " ")).otherwise(words)


def _without_repeats(column: Column) -> Column:
    def short(text: Column) -> Column:
        once = F.regexp_replace(F.regexp_replace(F.regexp_replace(text, _SHOUTED, "$1"), _MIXED, "?!"), _LISTED, "$1")
        return F.regexp_replace(once, _RULED, "$1$1$1")

    return _where(column, lambda text: text.rlike(_REPEATED), short)


def _visible(column: Column) -> Column:
    seen = _where(column, lambda text: text.rlike(r"[^ -~]"), lambda text: F.regexp_replace(text, _INVISIBLE, "$1"))
    return _with_joiners(seen)


def _with_joiners(column: Column) -> Column:
    return _where(column, lambda text: _has("\u200c")(text) | _has("\u200d")(text), lambda text: F.regexp_replace(text, _JOINER, "$1"))


def _on_one_line(column: Column) -> Column:
    return F.trim(F.regexp_replace(column, _SPACE, " "))


def _unless_empty(column: Column) -> Column:
    return F.get(F.filter(F.array(column), lambda text: text != ""), F.lit(0))


def _unescaped(text: Column) -> Column:
    return _each_entity(F.regexp_replace(text, _AMPERSANDS, "&"), lambda char: char)


def _each_entity(text: Column, step: Callable[[Column], Column]) -> Column:
    """The text with every entity replaced by what `step` makes of its character."""

    def read(part: Column) -> Column:
        name = F.when(F.contains(part, F.lit(";")), F.substring_index(part, ";", 1))
        char = F.coalesce(_named(name), F.when(name.startswith("#"), _numbered(name)))
        rest = F.substring(part, F.char_length(name) + 2, F.char_length(part))
        return F.when(char.isNotNull(), F.concat(step(char), rest)).otherwise(F.concat(F.lit("&"), part))

    parts = F.transform(F.split(text, "&"), lambda part, place: F.when(place == 0, part).otherwise(read(part)))
    return F.array_join(parts, "")


def _named(name: Column) -> Column:
    return F.try_element_at(F.str_to_map(F.lit(_NAMED), F.lit("\n"), F.lit("\t")), name)


def _numbered(name: Column) -> Column:
    """The character of `#233` or `#xE9`, a space where there is none; null for what is no number."""
    digits = F.when(name.rlike(_HEXADECIMAL), F.conv(F.substring(name, 3, 6), 16, 10)).when(name.rlike(_DECIMAL), F.substring(name, 2, 7))
    code = digits.try_cast("bigint")
    real = code.between(1, 0xD7FF) | code.between(0xE000, 0x10FFFF)
    char = F.decode(F.unhex(F.lpad(F.hex(code), 8, "0")), "UTF-32")
    return F.when(real, char).when(code.isNotNull(), F.lit(" "))
