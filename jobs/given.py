"""Raw tables written on behalf of a command: the sample lake and imports. Everything else only reads them."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.building import REFUSED
from jobs.days import Days
from jobs.errors import UsageError
from jobs.publication import Publication, Step, publish
from jobs.store import Store
from schemas import raw
from schemas.contract import Table

SAMPLE = "sample"


def write(store: Store, run_id: str, name: str, table: Table, rows: DataFrame, days: Days) -> Publication:
    """Publishes the rows that `name` gives for the days; what others wrote on those days stays.

    A row whose key another writer already has on the day is refused.
    """
    since = store.ledger(table).version
    nothing = [F.lit(None).cast("string").alias(c) for c in REFUSED]
    signed = raw.WRITTEN_BY in table.columns
    rows = rows.select(
        *(F.lit(name).alias(c.name) if c == raw.WRITTEN_BY else F.col(c.name) for c in table.fields),
        *(F.col(c) if c in rows.columns else n for c, n in zip(REFUSED, nothing, strict=True)),
    )
    if signed and since >= 0:
        kept = store.frame(table, since).where(F.col("ds").between(days.first, days.last) & ~F.col("written_by").eqNullSafe(F.lit(name)))
        key = ["ds", *table.key]
        taken = kept.select(*key, F.coalesce("written_by", F.lit("another system")).alias("_owner"))
        reason = F.concat(F.lit("the key was written on this day by "), F.col("_owner"))
        rows = rows.join(taken, key, "left").withColumn("refused", F.coalesce("refused", reason)).drop("_owner")
        rows = rows.select(*(c.name for c in table.fields), *REFUSED).unionByName(kept.select("*", *nothing))
    return publish(store, run_id, Step(name, table, days, since=since), rows)


def refuse_other_lake(store: Store, days: Days) -> None:
    """UsageError where the warehouse holds sample days outside these: a lake is written whole, into a warehouse of its own."""
    for table in raw.TABLES:
        have = [day for day, one in store.ledger(table).days.items() if one.job == SAMPLE and day not in days]
        if have:
            raise UsageError(
                f"{store.warehouse} holds a sample lake with other days ({table.name} has {min(have)}); "
                f"choose another --warehouse, or the same days"
            )


def as_lines(found: dict[str, Any], indent: str = "") -> str:
    """A nested result as indented lines."""
    lines = []
    for name, value in found.items():
        if isinstance(value, dict) and any(isinstance(v, dict) for v in value.values()):
            lines += [f"{indent}{name}:", as_lines(value, indent + "  ")]
        elif isinstance(value, dict):
            lines.append(f"{indent}{name}: " + ", ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in value.items()))
        else:
            lines.append(f"{indent}{name}: {value}")
    return "\n".join(lines)
