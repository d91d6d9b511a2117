"""Which pairs trainers are given: each once, no entity in more than its share, whatever the cut."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from features.engagement import COUNTS
from features.pairs import DONE
from jobs.days import Days, shifted
from jobs.registry import job
from schemas import signals, training
from schemas.embeddings import TASKS
from tests.changelog import change_rows, lives, log_rows
from tests.replay import frame, replay

FIRST = "2026-01-30"
DAYS = [shifted(FIRST, n) for n in range(5)]
CUTS = {
    "one step": [Days(DAYS[0], DAYS[-1])],
    "uneven": [Days(DAYS[0], DAYS[0]), Days(DAYS[1], DAYS[2]), Days(DAYS[3], DAYS[4])],
}
QUERIES = ["red vase", "lamp", "oak table", "sofa", "tent", "mail me: ann@example.org"]
MOST = {"pin": 2, "product": 1, "query": 2}
Row = dict[str, Any]


def world(seed: int) -> tuple[list[Row], dict[str, dict[str, Row]]]:
    """(rows of signals.engagement_daily, which queries are public on each day)."""
    luck = random.Random(seed)
    rows = []
    ids = [("pin", "p1"), ("pin", "p2"), ("product", "s1"), ("ad", "a1"), *(("query", one) for one in QUERIES)]
    for day in DAYS:
        for kind, one in ids:
            for query in luck.sample(QUERIES, 4):
                counts = dict.fromkeys(COUNTS, 0) | {"impressions": 3} | {name: luck.randrange(2) for name in luck.sample(COUNTS[1:], 4)}
                rows.append({"ds": day, "entity_type": kind, "entity_id": one, "query": query, **counts})
    return rows, lives(luck, DAYS, QUERIES, dict)


def sha(*parts: str) -> str:
    """As the job hashes."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def expected(rows: list[Row], public: dict[str, dict[str, Row]]) -> dict[str, dict[tuple[str, str], tuple[str, int]]]:
    """On each day, the pairs given so far: (task, pair_hash) -> (entity_hash, place)."""
    given: dict[tuple[str, str], tuple[str, int]] = {}
    held: dict[tuple[str, str], int] = {}
    found = {}
    for day in DAYS:
        new = set()
        for row in (row for row in rows if row["ds"] == day):
            asked = [row["query"], *([row["entity_id"]] if row["entity_type"] == "query" else [])]
            fine = all(one in public[day] and "@" not in one for one in asked) and len(set(asked)) == len(asked)
            for task, kind in TASKS.items():
                if fine and kind == row["entity_type"] and any(row[name] for name in DONE[task]):
                    entity = sha(kind, row["entity_id"])
                    new.add((sha(row["query"], kind, row["entity_id"]), task, entity, MOST[kind]))
        for pair, task, entity, most in sorted(new):
            if (task, pair) not in given and held.get((task, entity), 0) < most:
                held[task, entity] = held.get((task, entity), 0) + 1
                given[task, pair] = (entity, held[task, entity])
        found[day] = dict(given)
    return found


@pytest.mark.parametrize("cut", CUTS)
def test_every_cut_gives_each_pair_once_and_no_entity_more_than_its_share(spark: SparkSession, cut: str) -> None:
    rows, public = world(4)
    wanted = change_rows(expected(rows, public))
    given = {
        signals.ENGAGEMENT_DAILY: frame(spark, signals.ENGAGEMENT_DAILY, rows),
        signals.PUBLIC_QUERIES: frame(spark, signals.PUBLIC_QUERIES, log_rows(signals.PUBLIC_QUERIES, public)),
    }
    most = {f"{kind}_most": limit for kind, limit in MOST.items()}
    table = training.EMBEDDING_PAIRS
    made = replay(spark, [job("embedding_pairs")], given, CUTS[cut], {"embedding_pairs": most})[table].collect()
    found = {(r.ds, (r.task, r.pair_hash)): ((r.entity_hash, r.place), r.deleted, r.changed) for r in made}
    assert len(found) == len(made)
    assert found == wanted
    assert {task for _, (task, _) in found} == set(TASKS), "every task has pairs"
    assert any(value is not None and value[1] == MOST["pin"] for value, _, _ in found.values()), "a share is used up"
