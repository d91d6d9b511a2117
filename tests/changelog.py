"""What a CHANGES table must hold, from complete snapshots of every day: the oracle of tests that replay jobs over cut ranges."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, Row

from schemas.contract import Table

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


def lives(luck: random.Random, days: Sequence[str], keys: Sequence[Any], made: Callable[[], Any]) -> dict[str, dict[Any, Any]]:
    """What is live on each day, of entities that come, change, leave and return."""
    live: dict[Any, Any] = {}
    found = {}
    for day in days:
        live = dict(live)
        for key in keys:
            if luck.random() < 0.35:
                live[key] = made()
            elif luck.random() < 0.15:
                live.pop(key, None)
        found[day] = live
    return found


def log_rows(table: Table, by_day: Mapping[str, Mapping[Any, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The rows of a CHANGES table of what is live on each day, as dicts of its columns."""
    found = []
    for (day, key), (value, deleted, changed) in change_rows(by_day).items():
        names = dict(zip(table.key, key if isinstance(key, tuple) else (key,), strict=True))
        found.append({"ds": day, **names, **(value or {}), "deleted": deleted, "changed": changed})
    return found


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
