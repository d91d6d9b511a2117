"""The vocabulary: the most frequent tokens of what lives on a day, numbered without a gap."""

from __future__ import annotations

from pyspark.sql import SparkSession

from jobs.days import Days
from jobs.registry import job
from schemas import embeddings
from tests.replay import frame, replay

ROWS = [
    {"ds": "2026-01-05", "entity_type": "pin", "entity_id": "a", "title": "Red vase, red VASE", "image_caption": "a red lamp"},
    {"ds": "2026-01-05", "entity_type": "product", "entity_id": "a", "brand": "lamp lamp"},
    {"ds": "2026-01-06", "entity_type": "pin", "entity_id": "a", "title": "blue"},
    {"ds": "2026-01-06", "entity_type": "product", "entity_id": "a", "deleted": True},
]
DAYS = Days("2026-01-05", "2026-01-06")


def made(spark: SparkSession, **params: int) -> list[tuple[str, str, str, int, int]]:
    """(ds, gram, token, n, idx) of both days."""
    given = {embeddings.ENTITY_INPUTS: frame(spark, embeddings.ENTITY_INPUTS, ROWS)}
    rows = replay(spark, [job("vocabulary")], given, [DAYS], {"vocabulary": params})[embeddings.VOCABULARY]
    return sorted((r.ds, r.gram, r.token, r.n, r.idx) for r in rows.collect())


def test_tokens_are_counted_over_what_lives_and_numbered_by_their_counts(spark: SparkSession) -> None:
    rows = made(spark, least=1)
    words = [row[2:] for row in rows if row[:2] == ("2026-01-05", "unigram")]
    assert sorted(words, key=lambda row: row[2]) == [("lamp", 3, 0), ("red", 3, 1), ("vase", 2, 2), ("a", 1, 3)]
    pairs = {token: n for day, gram, token, n, _ in rows if (day, gram) == ("2026-01-05", "bigram")}
    assert pairs == {"red#vase": 2, "vase#red": 1, "a#red": 1, "red#lamp": 1, "lamp#lamp": 1}
    trigrams = [row for row in rows if row[:2] == ("2026-01-05", "char_trigram")]
    assert sorted(row[4] for row in trigrams) == list(range(len(trigrams)))
    assert {row[2] for row in rows if row[:2] == ("2026-01-06", "unigram")} == {"blue"}, "a field that is gone is not counted"


def test_the_most_frequent_are_kept_and_rare_ones_left_out(spark: SparkSession) -> None:
    rows = made(spark, unigrams=2, bigrams=3, char_trigrams=1, least=1)
    assert [row[2:] for row in rows if row[:2] == ("2026-01-05", "unigram")] == [("lamp", 3, 0), ("red", 3, 1)]
    pairs = [row[2:] for row in rows if row[:2] == ("2026-01-05", "bigram")]
    assert sorted(pairs, key=lambda row: row[2]) == [("red#vase", 2, 0), ("a#red", 1, 1), ("lamp#lamp", 1, 2)], "of equals the smaller one"
    assert {row[2] for row in made(spark) if row[1] == "unigram"} == {"lamp", "red", "vase"}
