"""The window of the totals."""

from __future__ import annotations

from jobs.queries.engagement_totals import WINDOW_DAYS
from jobs.registry import job


def test_the_registry_reads_the_day_that_leaves_the_window() -> None:
    assert job("engagement_totals").inputs["expiring"].read.lag == WINDOW_DAYS
