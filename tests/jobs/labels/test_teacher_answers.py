"""Questions to the teacher: the candidates of the days, and the canaries from the day on which people graded them."""

from __future__ import annotations

from features.canaries import PROBES
from jobs.labels.teacher_answers import build
from tests.features.test_canaries import DDL


def test_candidates_and_canaries_are_asked(spark):
    candidates = spark.createDataFrame(
        [("2026-01-09", "h", "q", "t", "x")], "ds string, input_hash string, query string, text string, more string"
    )
    examples = spark.createDataFrame([("2026-01-05", "q", "t2", 1.0, "test"), ("2026-01-05", "q", "t3", 1.0, "validation")], DDL)
    rows = build(candidates, examples).collect()
    assert rows[0].asDict() == {"ds": "2026-01-09", "input_hash": "h", "query": "q", "text": "t"}
    assert {row.ds for row in rows[1:]} == {"2026-01-05"}
    assert len(rows) == 2 + len(PROBES)
    assert len({row.input_hash for row in rows}) == len(rows)
