"""How the days of an input follow from those of the output."""

from __future__ import annotations

import pytest

from jobs.days import Days
from jobs.spec import Input, Job, Train, days, frozen, log, opening, window
from schemas import ops, raw, signals, state, training

FIRST = "2026-01-10"


@pytest.mark.parametrize(
    ("read", "of", "span"),
    [
        (days(), Days("2026-02-03", "2026-02-05"), Days("2026-02-03", "2026-02-05")),
        (days(lag=30), Days("2026-02-03", "2026-02-05"), None),
        (days(lag=25), Days("2026-02-03", "2026-02-05"), Days("2026-01-10", "2026-01-11")),
        (window(4), Days("2026-02-03", "2026-02-05"), Days("2026-01-31", "2026-02-05")),
        (window(90), Days("2026-02-03", "2026-02-03"), Days("2026-01-10", "2026-02-03")),
        (frozen(), Days("2026-02-03", "2026-02-05"), Days("2026-02-01", "2026-02-05")),
        (frozen(), Days("2026-01-20", "2026-01-20"), Days("2026-01-10", "2026-01-20")),
        (log(), Days("2026-02-03", "2026-02-05"), Days("2026-02-01", "2026-02-05")),
        (log(), Days("2026-02-01", "2026-02-01"), Days("2026-01-10", "2026-02-01")),
        (log(), Days("2026-01-10", "2026-01-11"), Days("2026-01-10", "2026-01-11")),
        (log(lag=15), Days("2026-03-10", "2026-03-10"), Days("2026-02-01", "2026-02-23")),
        (opening(), Days("2026-02-03", "2026-02-05"), Days("2026-02-01", "2026-02-02")),
        (opening(), Days("2026-02-01", "2026-02-05"), Days("2026-01-10", "2026-01-31")),
        (opening(), Days("2026-01-10", "2026-01-10"), None),
    ],
)
def test_the_stored_days_that_a_step_reads(read, of, span):
    assert read.span(of, FIRST) == span


@pytest.mark.parametrize(
    ("read", "reads"),
    [
        (days(), Days("2026-02-03", "2026-02-03")),
        (window(4), Days("2026-01-31", "2026-02-03")),
        (frozen(), Days("2026-02-01", "2026-02-01")),
        (log(), Days("2026-01-10", "2026-02-03")),
        (log(lag=5), Days("2026-01-10", "2026-01-29")),
        (opening(), Days("2026-01-10", "2026-02-02")),
    ],
)
def test_the_stored_days_that_one_day_depends_on(read, reads):
    assert read.reads("2026-02-03", FIRST) == reads


def test_a_job_that_cannot_be_is_refused_when_it_is_made():
    given = {"updates": Input(raw.PIN_UPDATES, days())}
    with pytest.raises(ValueError, match=r"raw.pin_updates is DAILY and cannot be read as log\(\)"):
        Input(raw.PIN_UPDATES, log())
    with pytest.raises(ValueError, match=r"state.pins is CHANGES and cannot be read as window\(3\)"):
        Input(state.PINS, window(3))
    with pytest.raises(ValueError, match="job name 'Pins'"):
        Job("Pins", build="a:b", output=state.PINS, inputs=given)
    with pytest.raises(ValueError, match="ops.runs is OPS"):
        Job("pins", build="a:b", output=ops.RUNS, inputs=given)
    with pytest.raises(ValueError, match="only opening"):
        Job("pins", build="a:b", output=state.PINS, inputs={"own": Input(state.PINS, log())})
    with pytest.raises(ValueError, match="one_to_one names pages"):
        Job("pins", build="a:b", output=signals.LINK_TEXTS, inputs=given, one_to_one="pages")
    with pytest.raises(ValueError, match="a Train writes a DAILY table with the columns of a trained model, signals.link_texts is another"):
        Train("t", build="a:b", output=signals.LINK_TEXTS, inputs=given, model="teacher")
    with pytest.raises(ValueError, match="a Train names its model, trainer, measure, judge, loader and what it stands beside"):
        Train("t", build="a:b", output=training.TEACHERS, inputs=given, model="teacher")
    with pytest.raises(ValueError, match="a job has inputs"):
        Job("pins", build="a:b", output=state.PINS, inputs={})
