"""Metrics of jobs as a file each."""

from __future__ import annotations

import re

from jobs import prometheus
from jobs.days import Days
from jobs.publication import Publication
from tests.jobs.toys import CHANGED_PINS, PINS

DAYS = Days("2026-01-01", "2026-01-02")


def publication(table, job, **more):
    known = {"rows": 3, "changed": 2, "quarantined": 1, "seconds": 4.0, "version": 0, "digests": {}, "started_ms": 1_000_000}
    return Publication(table, job, DAYS, "r1", **{**known, **more})


def numbers(file):
    found = re.findall(r'^(\w+)\{job="(\w+)",table="([\w.]+)"\} (\S+)$', file.read_text(), re.MULTILINE)
    return {name.removeprefix("pinlake_"): float(value) for name, _, _, value in found}


def test_every_job_has_a_file_with_the_sums_of_its_steps(tmp_path):
    done = [publication(PINS, "toy_pins"), publication(PINS, "toy_pins", asked=5, kept=7), publication(CHANGED_PINS, "toy_counts")]
    prometheus.write(tmp_path / "new", done, {PINS: "2026-01-02"})
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == ["pinlake_toy_counts.prom", "pinlake_toy_pins.prom"]
    found = numbers(tmp_path / "new" / "pinlake_toy_pins.prom")
    assert {name: found[name] for name in ("rows", "changed", "quarantined", "seconds", "asked", "kept", "unusual", "refused")} == {
        "rows": 6, "changed": 4, "quarantined": 2, "seconds": 8, "asked": 5, "kept": 7, "unusual": 0, "refused": 0,
    }  # fmt: skip
    assert found["ended_timestamp_seconds"] == 1004
    assert found["newest_day_timestamp_seconds"] == 1767312000  # 2026-01-02
    assert "newest_day_timestamp_seconds" not in numbers(tmp_path / "new" / "pinlake_toy_counts.prom")


def test_a_refused_run_is_seen_and_replaces_the_file_before(tmp_path):
    prometheus.write(tmp_path, [publication(PINS, "toy_pins")], {})
    prometheus.write(tmp_path, [publication(PINS, "toy_pins", refused="three rows repeat a key", unusual=("one", "two"))], {})
    found = numbers(tmp_path / "pinlake_toy_pins.prom")
    assert (found["refused"], found["unusual"]) == (1, 2)
    assert "repeat" not in (tmp_path / "pinlake_toy_pins.prom").read_text()
