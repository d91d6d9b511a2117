"""Words of any language, as Column expressions: what titles, word match and corpus statistics count."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

# Scripts written without spaces: a run of them is no word, so its pairs of neighbouring characters stand for the words in it.
_UNSPACED = r"[\p{IsHan}\p{IsHiragana}\p{IsKatakana}\p{IsThai}\p{IsLao}\p{IsKhmer}\p{IsMyanmar}\u30FC]+"
_BETWEEN = r"[^\p{L}\p{M}\p{N}\u200C\u200D]+"


def words(text: Column) -> Column:
    """The words of a text in their order, lower-cased, repeats kept; of scripts without spaces, pairs of neighbouring characters.

    Null for null.
    """
    apart = F.regexp_replace(text, f"({_UNSPACED})", " $1 ")
    return F.flatten(F.transform(runs(apart), lambda run: F.when(run.rlike(f"^{_UNSPACED}$"), _pairs(run)).otherwise(F.array(run))))


def distinct_words(text: Column) -> Column:
    """Each word of a text once, in the order in which they come first."""
    return F.array_distinct(words(text))


def runs(text: Column) -> Column:
    """What stands between white space and punctuation, lower-cased; runs without a letter or number are left out."""
    return F.filter(F.split(F.lower(text), _BETWEEN), lambda run: run.rlike(r"[\p{L}\p{N}]"))


def _pairs(run: Column) -> Column:
    starts = F.sequence(F.lit(1), F.greatest(F.char_length(run) - 1, F.lit(1)))
    return F.transform(starts, lambda start: F.substring(run, start, F.lit(2)))
