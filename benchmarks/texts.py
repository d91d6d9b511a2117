"""Texts to measure with: what pins of the sample lake say, from a few words to some paragraphs, in nine languages, without Spark."""

from __future__ import annotations

from itertools import product

from jobs.sample.vocabulary import COLORS, LANGUAGES, STYLES
from jobs.sample.wording import WORDING


def pin_texts(rows: int) -> list[str]:
    """So many distinct texts, always the same ones; their lengths spread as those of pins do: a third has no description."""
    found: list[str] = []
    for copy in range(-(-rows // (len(COLORS) * len(STYLES) * len(LANGUAGES[0].objects) * len(LANGUAGES)))):
        for n, (color, style, thing, language) in enumerate(
            product(range(len(COLORS)), range(len(STYLES)), range(len(LANGUAGES[0].objects)), LANGUAGES)
        ):
            words = WORDING[language.code]
            phrase = f"{language.colors[color]} {language.styles[style]} {language.objects[thing]}"
            topic = language.topics[thing // 3]
            lines = [f"title: {words.titles[n % 3].format(p=phrase, t=topic)}{f' {copy}' if copy else ''}"]
            if n % 3:
                lines.append(f"description: {words.descriptions[n % len(words.descriptions)].format(p=phrase, t=topic)}")
            if n % 5 == 0:
                lines.append("page: " + " ".join(one.format(p=phrase, t=topic) for one in words.paragraphs[: 1 + n % 3]))
            if n % 2:
                lines.append("boards: " + ", ".join(board.format(p=phrase, t=topic) for board in words.boards))
            found.append("\n".join(lines))
    # Neighbours in a table are not alike: a fixed stride that shares no factor with the number of texts mixes them.
    stride = 7_919
    while len(found) % stride == 0:
        stride += 2
    return [found[(place * stride) % len(found)] for place in range(rows)]
