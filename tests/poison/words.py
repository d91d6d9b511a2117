"""Texts as bytes that are cast to strings: Spark's strings may hold any."""

from __future__ import annotations

import random

_CUT = (b"\xff", b"\xc3", b"\xe2\x82", b"\x80" * 9)
_INVALID = (*_CUT, b"\xc0\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80")
"""Bytes that are no UTF-8: cut characters, overlong ones, halves of surrogate pairs, what is beyond Unicode."""
_MARKS = "\u0327\u0300\u0301\u0303\u0308\u20dd\u0489\u0591\u064b\u0901\u0e48"
_DIRECTIONS = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_HIDDEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\ufff9\ufffb\U000e0001\U000e0041\U000e007f"
_FLAG = "\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in "gbeng") + "\U000e007f"
_JOINED = ("👩\u200d👩\u200d👧\u200d👦", "🧑🏿\u200d🚀", "🤷\u200d♀\ufe0f")
_EMOJI = (_FLAG, *_JOINED, "🇯🇵", "👍🏽", "❤\ufe0f", "☠")
_WORDS = ("apple pie", "苹果派", "アップルパイ", "فطيرة", "яблочный пирог", "सेब पाई", "crème brûlée", "ﬁne ﬂour", "Ⅷ ㎏ ½")
_REPEATED = (
    *("&amp;", "&#x", "<", "<a href=", "#", "@", "a@", "a@b.", "1 ", "+1-", "(", "http://", "http://a.", "!?", ".", "_", "%00", "${x}"),
    *("\\", "'", '"', "4111 1111 1111 1111 ", "\u202e4111", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩"),
)


def long_marks(size: int) -> bytes:
    """About that many bytes of marks on a single letter."""
    return ("a" + _MARKS * (size // len(_MARKS.encode()))).encode()


def _invalid(draw: random.Random) -> bytes:
    return b" ".join(draw.choice((draw.choice(_INVALID), draw.choice(_WORDS).encode())) for _ in range(draw.randint(1, 12)))


def _random(draw: random.Random) -> bytes:
    return draw.randbytes(draw.choice((1, 8, 200, 4_000)))


def _cut(draw: random.Random) -> bytes:
    data = "".join(draw.choice((*_WORDS, *_EMOJI)) for _ in range(9)).encode()
    return data[draw.randrange(4) : draw.randrange(5, len(data))]


def _controls(draw: random.Random) -> bytes:
    codes = [*range(0x20), *range(0x7F, 0xA0)]
    return "".join(draw.choice((chr(draw.choice(codes)), draw.choice(_WORDS))) for _ in range(40)).encode()


def _hidden(draw: random.Random) -> bytes:
    marks = draw.choice((_DIRECTIONS, _HIDDEN, _MARKS))
    return "".join(letter + draw.choice(marks) * draw.choice((1, 1, 50)) for letter in draw.choice(_WORDS) * 3).encode()


def _emoji(draw: random.Random) -> bytes:
    return draw.choice((draw.choice(_EMOJI) * draw.choice((3, 2_000)), "".join(draw.choice(_EMOJI)[::-1] for _ in range(60)))).encode()


def _trap(draw: random.Random) -> bytes:
    one, other = (draw.choice(_REPEATED) * draw.choice((1, 30, 400)) for _ in range(2))
    return (one + draw.choice(("", " ", draw.choice(_WORDS))) + other).encode()


def _points(draw: random.Random) -> bytes:
    return "".join(chr(draw.choice((draw.randrange(0xD800), draw.randrange(0xE000, 0x110000)))) for _ in range(60)).encode()


def _blank(draw: random.Random) -> bytes:
    return draw.choice(("", " ", "\0", "\0" * 3_000, "\n" * 3_000, "\u3000", "\u2800", "\ufeff", "\u0301")).encode()


KINDS = (_invalid, _random, _cut, _controls, _hidden, _emoji, _trap, _points, _blank)


def damaged(draw: random.Random) -> bytes:
    """A text that somebody should have cleaned."""
    return draw.choice(KINDS)(draw)
