"""What is published, day by day: read back from the metadata of a table's commits, which is the truth. Standard library only."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jobs.days import Days

Watched = Mapping[str, tuple[int, ...]]
"""What is watched of a day (jobs/watching.py), as integers."""
BACK = 14
"""So many days before it a day is held against."""
ABSENT = "-"
"""Stands for a day without a publication in fingerprints."""


def short_hash(*parts: str) -> str:
    """16 hex digits of a hash over the parts."""
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Published:
    """One published day of a table: digests, counts, and fingerprints of what it was made from, by input name."""

    digest: str
    refusals: str
    rows: int
    refused: int
    made_from: Mapping[str, str]
    run_id: str
    job: str
    version: int
    watched: Watched = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The part that the commit's metadata keeps for the day."""
        return {
            "digest": self.digest,
            "refusals": self.refusals,
            "rows": self.rows,
            "refused": self.refused,
            "made_from": dict(self.made_from),
            **({"watched": {name: list(numbers) for name, numbers in self.watched.items()}} if self.watched else {}),
        }


@dataclass(frozen=True)
class Commit:
    """A commit of a table: its version, what Delta calls the operation, and its metadata where this project wrote it."""

    version: int
    operation: str
    timestamp: int
    metadata: Mapping[str, Any] | None

    @classmethod
    def parsed(cls, version: int, info: Mapping[str, Any]) -> Commit:
        """A commit from Delta's commitInfo; metadata that is not ours is None."""
        metadata = None
        try:
            metadata = json.loads(info.get("userMetadata") or "null")
        except ValueError:
            metadata = None  # somebody else's words: the commit counts as foreign
        ours = isinstance(metadata, dict) and "run" in metadata and "days" in metadata
        return cls(version, str(info.get("operation", "")), int(info.get("timestamp", 0)), metadata if ours else None)

    @property
    def foreign(self) -> bool:
        """True where somebody else changed rows."""
        return self.metadata is None and self.operation not in (
            "OPTIMIZE",
            "VACUUM START",
            "VACUUM END",
            "SET TBLPROPERTIES",
            "CHANGE COLUMN",
        )


@dataclass(frozen=True)
class Ledger:
    """The published days of one table as of a version; `version` is -1 for a table that was never written."""

    version: int = -1
    days: Mapping[str, Published] = field(default_factory=dict)
    foreign: bool = False

    @classmethod
    def replayed(cls, commits: Iterable[Commit]) -> Ledger:
        """The ledger after the commits, oldest first."""
        days: dict[str, Published] = {}
        version, foreign = -1, False
        for commit in commits:
            version = max(version, commit.version)
            foreign = foreign or commit.foreign
            for day, one in (commit.metadata or {}).get("days", {}).items():
                meta = commit.metadata or {}
                days[day] = Published(
                    one["digest"],
                    one["refusals"],
                    one["rows"],
                    one["refused"],
                    one["made_from"],
                    meta["run"],
                    meta["job"],
                    commit.version,
                    {name: tuple(numbers) for name, numbers in one.get("watched", {}).items()},
                )
        return cls(version, days, foreign)

    @property
    def connected(self) -> bool:
        """True where the table was ever written."""
        return self.version >= 0

    @cached_property
    def first(self) -> str | None:
        """The earliest published day."""
        return min(self.days, default=None)

    @cached_property
    def last(self) -> str | None:
        """The newest published day."""
        return max(self.days, default=None)

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.days)

    @cached_property
    def _chain(self) -> dict[str, str]:
        so_far, chain = "", {}
        for day in self._sorted:
            so_far = short_hash(so_far, day, self.days[day].digest)
            chain[day] = so_far
        return chain

    def fingerprint(self, days: Days | None) -> str:
        """A hash over the digests of the days; ABSENT where none of them is published."""
        if days is None or not self.days:
            return ABSENT
        if self.first is not None and days.first <= self.first:  # all history up to a day: a running hash, so that two years cost one step
            known = bisect_right(self._sorted, days.last)
            return self._chain[self._sorted[known - 1]] if known else ABSENT
        found = [f"{day}={self.days[day].digest}" for day in days if day in self.days]
        return short_hash(*found) if found else ABSENT

    def missing(self, days: Iterable[str]) -> list[str]:
        """Those of the days that are not published."""
        return [day for day in days if day not in self.days]
