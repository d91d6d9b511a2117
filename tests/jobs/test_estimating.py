"""How long a plan may take."""

from __future__ import annotations

import pytest

from jobs import estimating
from jobs.days import Days
from jobs.planner import Todo
from tests.jobs.toys import JOBS


@pytest.mark.parametrize(
    ("past", "days", "wanted"),
    [
        ([], 5, None),
        ([(1, 10.0)], 1, 10.0),
        ([(1, 10.0), (1, 12.0), (1, 100.0)], 1, 12.0),
        ([(31, 62.0)], 62, 124.0),
        ([(31, 62.0)], 1, 62.0),  # how much of it is start is not known
        ([(1, 12.0), (31, 72.0)], 16, 42.0),  # 10 to start and 2 a day
        ([(1, 12.0), (31, 72.0), (11, 32.0), (21, 500.0)], 16, 42.0),  # one slow run does not count
        ([(1, 20.0), (31, 5.0)], 31, 12.5),  # never less than nothing a day
    ],
)
def test_a_step_takes_a_start_and_so_much_a_day(past, days, wanted):
    assert estimating.seconds("job", days, {"job": past}) == (None if wanted is None else pytest.approx(wanted))


def test_only_the_newest_runs_count():
    assert estimating.seconds("job", 1, {"job": [(1, 5.0)] * estimating.NEWEST + [(1, 999.0)] * 50}) == 5.0


def test_a_plan_takes_all_its_steps_and_names_what_never_ran():
    todo = [Todo(job, Days("2026-01-01", "2026-01-02"), "missing") for job in JOBS]
    assert estimating.total(todo, {"toy_pins": [(1, 2.0)]}) == (4.0, ["toy_counts"])


@pytest.mark.parametrize(("seconds", "words"), [(4.4, "4 s"), (600, "10 min"), (9000, "2.5 h")])
def test_durations_are_told_for_people(seconds, words):
    assert estimating.words(seconds) == words
