"""Tables as frozen values: name, kind, key, columns, meaning and checks, spelt once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]{0,62}$")
DDL_TYPE = re.compile(
    r"^(string|boolean|tinyint|smallint|int|bigint|float|double|date|timestamp|binary|decimal\(\d+,\d+\)|(array|map|struct)<.+>)$"
)


class Kind(Enum):
    """What a day of a table is, and so how it is written and read (docs/architecture.md)."""

    DAILY = "the rows of that day"
    CHANGES = "the entities whose row differs from their newest earlier one; a month's first day repeats all live rows"
    ANSWERS = "a model's words, inserted once by model revision and input hash, never changed"
    OPS = "appended by the runner under a run's id"


DAILY, CHANGES, ANSWERS, OPS = Kind.DAILY, Kind.CHANGES, Kind.ANSWERS, Kind.OPS


@dataclass(frozen=True)
class Column:
    """One column: its DDL type, its meaning and what its values must satisfy.

    `private` columns hold what must not leave the table: they never reach a log, a report or the quarantine unmasked.
    `minimum` and `maximum` bound numbers, and the length of strings, arrays and maps.
    """

    name: str
    type: str
    doc: str
    required: bool = False
    private: bool = False
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] = ()
    pattern: str | None = None

    def __post_init__(self) -> None:
        if not IDENTIFIER.match(self.name):
            raise ValueError(f"column name {self.name!r}: must match {IDENTIFIER.pattern}")
        if not DDL_TYPE.match(self.type):
            raise ValueError(f"column {self.name}: {self.type!r} is not a DDL type in lower case, such as 'bigint' or 'array<string>'")
        if not self.doc:
            raise ValueError(f"column {self.name}: a column says what it means")
        if (self.allowed or self.pattern) and self.type not in ("string", "array<string>"):
            raise ValueError(f"column {self.name}: allowed values and patterns are for strings, not {self.type}")
        if self.pattern is not None:
            re.compile(self.pattern)


@dataclass(frozen=True)
class Rule:
    """What a row satisfies beyond its single columns. `broken`: an SQL condition that is true of a row that does not; `says` goes on from
    `3 rows ...`. Tombstones are left out."""

    name: str
    says: str
    broken: str

    def __post_init__(self) -> None:
        if not IDENTIFIER.match(self.name):
            raise ValueError(f"rule {self.name!r}: must match {IDENTIFIER.pattern}")


@dataclass(frozen=True)
class Watch:
    """A number of every day that is held against the 14 days before (jobs/watching.py): `mean`, an SQL number, over the day's rows, or
    how many rows there are where it is None. Of a change log, over what changed on the day and lives.

    `of_live`: of a change log, the mean over all that lives on the day, of which only a fall is unusual: what changed is added to the day
    before, what it was is taken off. `mean` then has `{}` before every column, and reads columns of the table's `was` alone.

    `apart`: how far from the median of those days is usual: for rows a factor, for a mean a distance, `of_live` a share of the median.
    `least`: a mean below it is unusual whatever it was before. `critical`: what is unusual is not published; else it is only told.
    """

    name: str
    says: str
    mean: str | None
    apart: float
    critical: bool = True
    of_live: bool = False
    least: float | None = None

    def __post_init__(self) -> None:
        if not IDENTIFIER.match(self.name):
            raise ValueError(f"watch {self.name!r}: must match {IDENTIFIER.pattern}")
        if self.apart <= (0 if self.mean else 1):
            raise ValueError(f"watch {self.name}: apart is above {0 if self.mean else 1}, got {self.apart}")
        if self.of_live and (not self.mean or "{}" not in self.mean or self.apart >= 1):
            raise ValueError(f"watch {self.name}: of_live, apart is below 1 and every column of its mean has {{}} before it")


DS = Column("ds", "string", "the day, YYYY-MM-DD, UTC", required=True, pattern=r"^\d{4}-\d{2}-\d{2}$")
DELETED = Column("deleted", "boolean", "a tombstone: the entity left on this day, its values are null", required=True)
CHANGED = Column("changed", "boolean", "false where a month's first day repeats a row that did not change on it", required=True)
MODEL_REVISION = Column("model_revision", "string", "hash of the model and of how it is asked", required=True, pattern="^[0-9a-f]{16}$")
BUCKET = Column("bucket", "string", "first hex digit of input_hash: the partition", required=True, pattern="^[0-9a-f]$")
INPUT_HASH = Column("input_hash", "string", "sha256 over the exact input, hex", required=True, pattern="^[0-9a-f]{64}$")
REFUSED = Column("refused", "string", "why the model gave no answer; null where it gave one")
PRECISIONS = ("fp32", "bf16", "int8")
"""The numbers that models run with, the most exact first; a loader may know fewer."""
PRECISION = Column("precision", "string", "numbers the model ran with; null where it was refused", allowed=PRECISIONS)
ANSWER_KEY = ("model_revision", "input_hash")


@dataclass(frozen=True)
class Table:
    """One table: `layer.table`, its kind, the key of a day's row, its columns (ds and the columns of its kind are implied).

    The key of an ANSWERS table is always (model_revision, input_hash): a question that was refused has a row too.

    `events`: an event table. It has every day from its first, so a missing day between others is an error; and as events are delivered at
    least once, a key may repeat on a day. `rules` and `watches` are further checks.

    `was`: of a change log, values of which rules and watches see the ones before, too, as `was.NAME` (null where there were none): staged
    beside the rows, and not published.

    `versions_days`: for so many days after it was replaced an old version can still be read; then `pinlake housekeeping` removes its files.
    """

    name: str
    kind: Kind
    doc: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    events: bool = False
    rules: tuple[Rule, ...] = ()
    watches: tuple[Watch, ...] = ()
    versions_days: int = 7
    was: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        layer, _, table = self.name.partition(".")
        if not (IDENTIFIER.match(layer) and IDENTIFIER.match(table)):
            raise ValueError(f"table name {self.name!r}: must be layer.table, each matching {IDENTIFIER.pattern}")
        names = [c.name for c in self.fields]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"{self.name}: columns named twice or reserved by its kind: {', '.join(twice)}")
        if not self.key or len(set(self.key)) != len(self.key):
            raise ValueError(f"{self.name}: a key names each of its columns once, got {self.key}")
        for k in self.key:
            if k not in names or not self.column(k).required:
                raise ValueError(f"{self.name}: key column {k} must be a required column of the table")
        if not self.doc:
            raise ValueError(f"{self.name}: a table says what it is")
        for kind, ones in (("rules", self.rules), ("watches", self.watches)):
            if len({one.name for one in ones}) != len(ones):
                raise ValueError(f"{self.name}: two {kind} have one name")
        if self.versions_days < 7:
            raise ValueError(f"{self.name}: versions_days is at least 7, since a run may read one for days; got {self.versions_days}")
        if self.watches and not self.by_day:
            raise ValueError(f"{self.name}: only tables by day are watched")
        if (self.was or any(watch.of_live for watch in self.watches)) and (self.kind is not CHANGES or set(self.was) - set(self.values)):
            raise ValueError(f"{self.name}: only a change log has values before (`was`), and only of its own values")
        if self.kind is ANSWERS and self.key != ANSWER_KEY:
            raise ValueError(f"{self.name}: answers are kept by {', '.join(ANSWER_KEY)}, not by {', '.join(self.key)}")

    @cached_property
    def fields(self) -> tuple[Column, ...]:
        """All columns as stored: what the kind begins with, the declared ones, what the kind ends with."""
        if self.kind is DAILY:
            return (DS, *self.columns)
        if self.kind is CHANGES:
            return (DS, *self.columns, DELETED, CHANGED)
        if self.kind is ANSWERS:
            return (MODEL_REVISION, BUCKET, INPUT_HASH, *self.columns, REFUSED, PRECISION)
        return self.columns

    @cached_property
    def values(self) -> tuple[str, ...]:
        """Names of the declared columns that are not in the key: what a change log compares."""
        return tuple(c.name for c in self.columns if c.name not in self.key)

    @property
    def by_day(self) -> bool:
        """True where rows belong to days (DAILY and CHANGES)."""
        return self.kind in (DAILY, CHANGES)

    @property
    def ddl(self) -> str:
        """The schema as DDL: `ds string, pin_id string, ...`."""
        return ", ".join(f"{c.name} {c.type}" for c in self.fields)

    @property
    def staged_ddl(self) -> str:
        """The schema of staged rows: the table's, and `was`."""
        before = ", ".join(f"{name}: {self.column(name).type}" for name in self.was)
        return f"{self.ddl}, was struct<{before}>" if self.was else self.ddl

    def column(self, name: str) -> Column:
        """The column of that name; KeyError names the table."""
        for c in self.fields:
            if c.name == name:
                return c
        raise KeyError(f"{self.name} has no column {name}")
