"""Days: ranges of dates without a clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.days import Days, month_first, parse_day, shifted

DATES = st.dates(min_value=parse_day("2020-01-01"), max_value=parse_day("2030-12-31")).map(str)


@pytest.mark.parametrize("text", ["2026-1-1", "2026-02-30", "today", "", "2026-01-01 ", "20260101", "2026-01-01\n"])
def test_what_is_not_a_day_is_refused_by_name(text):
    with pytest.raises(ValueError, match="is not a day"):
        parse_day(text)


def test_a_range_backwards_is_refused():
    with pytest.raises(ValueError, match="2026-01-02 is after the last day 2026-01-01"):
        Days("2026-01-02", "2026-01-01")


@given(DATES, st.integers(0, 800), st.integers(1, 400))
def test_steps_cut_a_range_into_the_same_days(first, more, length):
    days = Days(first, shifted(first, more))
    steps = list(days.steps(length))
    assert [d for s in steps for d in s] == list(days)
    assert all(len(s) <= length for s in steps)
    assert len(days) == more + 1
    assert all(d in days for d in days)
    assert days.month_firsts() == tuple(d for d in days if month_first(d) == d)


@given(DATES, st.integers(0, 60), st.integers(-80, 80), st.integers(0, 60))
def test_the_common_days_are_those_of_both(first, more, by, length):
    one, other = Days(first, shifted(first, more)), Days(shifted(first, by), shifted(first, by + length))
    assert list(one.common(other) or ()) == [d for d in one if d in other]
