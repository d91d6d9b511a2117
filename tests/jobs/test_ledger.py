"""Ledgers: what is published is read back from commits alone."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from jobs.days import Days, shifted
from jobs.ledger import ABSENT, Commit, Ledger, Published

FIRST = "2026-01-01"


def commit(version, run, **days):
    counts = {"refusals": "", "rows": 1, "refused": 0, "made_from": {"a": "x"}}
    found = {day.replace("d", "2026-01-0"): {"digest": digest, **counts} for day, digest in days.items()}
    metadata = json.dumps({"run": run, "job": "j", "days": found})
    return Commit.parsed(version, {"operation": "WRITE", "timestamp": 5, "userMetadata": metadata})


def test_a_later_commit_replaces_exactly_its_days():
    ledger = Ledger.replayed([commit(0, "r1", d1="a", d2="b"), commit(1, "r2", d2="c"), Commit(2, "OPTIMIZE", 6, None)])
    assert (ledger.version, ledger.first, ledger.last, ledger.foreign) == (2, "2026-01-01", "2026-01-02", False)
    assert [(p.digest, p.run_id, p.version) for p in ledger.days.values()] == [("a", "r1", 0), ("c", "r2", 1)]
    assert ledger.missing(Days("2026-01-01", "2026-01-04")) == ["2026-01-03", "2026-01-04"]


def test_somebody_elses_commits_are_told_apart():
    assert Ledger.replayed([Commit.parsed(0, {"operation": "WRITE", "userMetadata": "hello"})]).foreign
    assert Ledger.replayed([Commit.parsed(0, {"operation": "MERGE", "userMetadata": "[1]"})]).foreign
    assert not Ledger.replayed([Commit.parsed(0, {"operation": "OPTIMIZE"})]).foreign
    assert not Ledger().connected


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=40), st.data())
def test_a_fingerprint_changes_exactly_when_a_digest_of_its_days_does(digests, data):
    def made(values):
        return Ledger(0, {shifted(FIRST, n): Published(v, "", 0, 0, {}, "", "", 0) for n, v in enumerate(values)})

    start = data.draw(st.integers(0, len(digests) - 1))
    end = data.draw(st.integers(start, len(digests) - 1))
    changed = data.draw(st.integers(0, len(digests) - 1))
    days = Days(shifted(FIRST, start), shifted(FIRST, end))
    other = [*digests[:changed], digests[changed] + "!", *digests[changed + 1 :]]
    same = made(digests).fingerprint(days) == made(other).fingerprint(days)
    assert same == (not start <= changed <= end)
    assert made(digests).fingerprint(Days("2025-01-01", "2025-12-31")) == ABSENT
    assert made(digests).fingerprint(None) == ABSENT
