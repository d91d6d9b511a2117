"""The corpus: bombs first, then rows that are drawn one by one from a seed, so that any number of them is the same every time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tests.poison import pages, pictures, words

Bombs = dict[str, tuple[bytes, str]]


@dataclass(frozen=True)
class Kind:
    """One kind of input: what draws a damaged one, and its bombs with patterns of the reasons for which they must be refused."""

    name: str
    damaged: Callable[[random.Random], bytes]
    bombs: Callable[[], Bombs]

    def rows(self, count: int, seed: int) -> Iterator[tuple[bytes, bytes]]:
        """So many (name, bytes): all bombs, then damaged ones. Names differ; one in fifty is no UTF-8."""
        bombs = {name: data for name, (data, _) in self.bombs().items()}
        yield from ((name.encode(), data) for name, data in bombs.items())
        for n in range(count - len(bombs)):
            name = f"{self.name} {n}".encode()
            yield name + b"\xff\xed\xa0\x80" if n % 50 == 0 else name, self.damaged(random.Random(f"{seed} {self.name} {n}"))


IMAGES = Kind("image", pictures.damaged, pictures.bombs)
PAGES = Kind("page", pages.damaged, pages.bombs)
TEXTS = Kind("text", words.damaged, dict)
LONG_TEXT = partial(words.long_marks, 1 << 20)
"""A megabyte of marks on one letter: too large to be drawn often."""


def shares(rows: int) -> dict[Kind, int]:
    """How many of the rows are of each kind: thirds."""
    third = rows // 3
    return {IMAGES: third, PAGES: third, TEXTS: rows - 2 * third}
