"""What a CHANGES table must hold, from complete snapshots of every day: the oracle of tests that replay jobs over cut ranges."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from pyspark.sql import DataFrame, Row

Rows = dict[tuple[Any, ...], tuple[Any, ...]]


def change_rows(snapshots: Mapping[str, Mapping[Hashable, Any]]) -> Rows:
    """(ds, key) -> (value, deleted, changed): true changes, and the live rows on each month's first. Snapshots are in order of days."""
    rows: Rows = {}
    before: Mapping[Hashable, Any] = {}
    for day, now in snapshots.items():
        for key in {*before, *now}:
            if key not in now:
                rows[day, key] = (None, True, True)
            elif key not in before or before[key] != now[key]:
                rows[day, key] = (now[key], False, True)
            elif day.endswith("-01"):
                rows[day, key] = (now[key], False, False)
        before = now
    return rows


def plain(value: Any) -> Any:
    """A collected value with rows and lists as tuples, so that it can be compared and hashed."""
    return tuple(plain(v) for v in value) if isinstance(value, (Row, list, tuple)) else value


def stored_rows(table: DataFrame, key: tuple[str, ...], values: tuple[str, ...]) -> Rows:
    """A CHANGES table in the form of `change_rows`; a key of one column stands for itself. AssertionError where a day repeats a key."""
    found: Rows = {}
    for row in table.collect():
        entity = row[key[0]] if len(key) == 1 else tuple(row[k] for k in key)
        value = tuple(plain(row[v]) for v in values)
        if row["deleted"]:
            assert not any(v is not None for v in value), f"a tombstone with values: {row}"
        assert (row["ds"], entity) not in found, f"repeated: {row}"
        found[row["ds"], entity] = (None if row["deleted"] else value, row["deleted"], row["changed"])
    return found
