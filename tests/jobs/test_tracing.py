"""Trees of lineage: as declared, and from commits."""

from __future__ import annotations

from jobs import tracing
from jobs.ledger import Commit
from jobs.lineage import Lineage
from jobs.spec import Input, Job, days, log
from schemas.contract import CHANGES, DAILY, Column, Table

ID = Column("id", "string", "id", required=True)
EVENTS, STATE, COUNTS, BOTH = (
    Table("raw.events", DAILY, "d", ("id",), (ID,)),
    Table("state.things", CHANGES, "d", ("id",), (ID,)),
    Table("signals.counts", DAILY, "d", ("id",), (ID,)),
    Table("texts.both", DAILY, "d", ("id",), (ID,)),
)
JOBS = (
    Job("things", "a:b", STATE, {"events": Input(EVENTS, days())}),
    Job("counts", "a:b", COUNTS, {"events": Input(EVENTS, days()), "things": Input(STATE, log())}),
    Job("both", "a:b", BOTH, {"counts": Input(COUNTS, days()), "things": Input(STATE, log())}),
)
KNOWN = {table.name: table for table in (EVENTS, STATE, COUNTS, BOTH)}


def test_a_table_is_drawn_down_to_what_is_given_and_each_part_once():
    assert tracing.drawn(tracing.as_json(tracing.declared(Lineage(JOBS), BOTH))) == [
        "texts.both  by both",
        "├── signals.counts  by counts",
        "│   ├── raw.events",
        "│   └── state.things  by things",
        "│       └── raw.events",
        "└── state.things (above)",
    ]


def read(name, version, first, last=None, model=None):
    return {"input": name, "table": name, "version": version, "first": first, "last": last or first, "model_revision": model}


def commit(version, job, on, reads=(), run="r"):
    return Commit(version, "WRITE", 0, {"run": f"{run}{version}", "job": job, "days": {day: {} for day in on}, "reads": list(reads)})


D1, D2 = "2026-01-01", "2026-01-02"
COMMITS = {
    EVENTS: [commit(0, "sample", [D1]), commit(1, "sample", [D2])],
    STATE: [
        commit(0, "things", [D1], [read("raw.events", 0, D1)]),
        commit(1, "things", [D2], [read("raw.events", 1, D2)]),
        commit(2, "things", [D2], [read("raw.events", 1, D2)]),
    ],
    COUNTS: [commit(0, "counts", [D1, D2], [read("raw.events", 1, D1, D2), read("state.things", 1, D1, D2)])],
    BOTH: [commit(0, "both", [D2], [read("signals.counts", 0, D2), read("state.things", 1, D1, D2)])],
}


def test_a_day_is_traced_to_the_versions_that_it_read_not_to_newer_ones():
    assert tracing.drawn(tracing.as_json(tracing.traced(BOTH, D2, KNOWN, COMMITS.__getitem__))) == [
        "texts.both 2026-01-02  v0 by both, run r0",
        "├── signals.counts 2026-01-02  v0 by counts, run r0",
        "│   ├── raw.events 2026-01-01..2026-01-02  v1 by sample, run r1",
        "│   └── state.things 2026-01-01..2026-01-02  v1 by things, run r1",
        "│       └── raw.events 2026-01-02  v1 by sample, run r1 (above)",
        "└── state.things 2026-01-01..2026-01-02  v1 by things, run r1 (above)",
    ]


def test_what_another_system_wrote_is_said_so():
    found = tracing.traced(STATE, D1, KNOWN, lambda table: COMMITS[table] if table is not EVENTS else [Commit(0, "WRITE", 0, None)])
    assert tracing.drawn(tracing.as_json(found))[1] == "└── raw.events 2026-01-01  (no commit of this project: another system wrote it)"
