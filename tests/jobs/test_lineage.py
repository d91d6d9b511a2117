"""Lineage is derived from the jobs' tables; what cannot be a graph is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobs.lineage import Lineage
from jobs.registry import JOBS
from jobs.spec import Input, log
from schemas import raw, signals, state, texts

BY_NAME = {job.name: job for job in JOBS}


def test_every_job_comes_after_those_that_write_its_inputs():
    lineage = Lineage(tuple(reversed(JOBS)))
    seen = set()
    for job in lineage.jobs:
        assert {up.output for up in lineage.above(job)} <= seen
        seen.add(job.output)
    assert len(seen) == len(JOBS)


def test_upstream_downstream_and_roots_follow_the_tables():
    lineage = Lineage(JOBS)
    assert [j.name for j in lineage.upstream([BY_NAME["engaged_queries"]])][-1] == "engaged_queries"
    assert {j.name for j in lineage.upstream([BY_NAME["engaged_queries"]])} == {
        "query_users", "public_queries", "engagement_daily", "engagement_totals", "engaged_queries",
    }  # fmt: skip
    assert {j.name for j in lineage.below(signals.PIN_BOARDS)} == {"word_prevalence", "board_titles"}
    assert lineage.roots(signals.BOARD_TITLES) == {raw.BOARD_SAVES, raw.PIN_UPDATES}
    assert lineage.roots(raw.IMAGES) == {raw.IMAGES}


def test_two_writers_an_orphan_and_a_cycle_are_refused():
    with pytest.raises(ValueError, match="state.pins is written by pins and by other"):
        Lineage((*JOBS, replace(BY_NAME["pins"], name="other")))
    with pytest.raises(ValueError, match="two jobs are named pins"):
        Lineage((*JOBS, BY_NAME["pins"]))
    with pytest.raises(ValueError, match="pin_texts reads state.pins, which no job writes"):
        Lineage((BY_NAME["pin_texts"],))
    looped = replace(BY_NAME["pins"], inputs={**BY_NAME["pins"].inputs, "texts": Input(texts.PINS, log())})
    with pytest.raises(ValueError, match="the jobs form a cycle: .*pin_texts"):
        Lineage((looped, *(job for job in JOBS if job.output != state.PINS)))
