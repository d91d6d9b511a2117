"""The algebra of change logs: how logs are opened, joined, merged, gathered and reduced to true changes.

A log holds, per key and day, a row where the entity's values differ from its newest earlier row. As an input of a job it has the columns
(ds, key..., values..., deleted): opening rows, with ds before the range, and the changes in the range. Every function here treats all days
of a range at once, by windows over ds, and gives the same rows however the range is cut into steps (tests/features/test_logs.py).
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

END = "9999-12-31"


def opened(stored: DataFrame, first: str, key: Sequence[str]) -> DataFrame:
    """The newest row of every live entity before `first`; `stored` must reach back to a base day (a month's or the table's first)."""
    newest = F.row_number().over(W.partitionBy(*key).orderBy(F.desc("ds")))
    return stored.where(F.col("ds") < first).withColumn("_n", newest).where("_n = 1 and not deleted").drop("_n", "changed")


def as_log(stored: DataFrame, first: str, last: str, key: Sequence[str]) -> DataFrame:
    """A stored log as jobs read it: opening rows and the changes from `first` to `last`; base rows that repeat are left out.

    All opening rows stand on the day before `first`, as a constant: whoever asks for the changes alone reads no opening row.
    """
    within = stored.where(F.col("ds").between(first, last) & F.col("changed")).drop("changed")
    day_before = str(dt.date.fromisoformat(first) - dt.timedelta(days=1))
    return opened(stored, first, key).withColumn("ds", F.lit(day_before)).unionByName(within)


def near(rows: DataFrame, keys: DataFrame, on: Sequence[str]) -> DataFrame:
    """The rows whose `on` stands in `keys`, a frame with these columns; rows with a null in it are left out.

    A semi join written as a filter. Spark takes filters below the window that finds opening rows, where `on` is a part of the key: so the
    few that are touched are shuffled and sorted instead of all there are. It does not do that for a join.
    """
    at = F.struct(*on) if len(on) > 1 else F.col(on[0])
    return rows.where(at.isin(keys.select(*on)))


def kept(rows: DataFrame) -> DataFrame:
    """The same rows, computed now and kept as files for the step: what is built on them is planned without their past.

    For what a build reads several times. A plan in which a long past stands many times costs more than the rows of a night do, since Spark
    tells its copies apart at every further operation; a cache keeps the rows but not the planner from that. A checkpoint does both, but is
    taken to be as large as the tables it came from: Parquet files have a size, so few keys are sent to the tables that they are looked up
    in, and not the tables to the keys.
    """
    spark = rows.sparkSession
    folder = spark.sparkContext.getCheckpointDir()
    if folder is None:
        return rows.localCheckpoint()
    path = f"{folder}/{uuid.uuid4().hex}"
    rows.write.parquet(path)
    return spark.read.schema(rows.schema).parquet(path)


def until(key: Sequence[str]) -> Column:
    """The day on which the row's successor begins, END for the newest: a row is valid on [ds, until)."""
    return F.coalesce(F.lead("ds").over(W.partitionBy(*key).orderBy("ds")), F.lit(END))


def valued(log: DataFrame, key: Sequence[str], values: Sequence[str]) -> DataFrame:
    """(ds, key..., value): the row's values as one struct, null where it is a tombstone. What `joined` and `merged` take."""
    return log.select("ds", *key, F.when(~F.col("deleted"), F.struct(*values)).alias("value"))


def joined(left: DataFrame, right: DataFrame, key: Sequence[str], on: Mapping[str, str]) -> DataFrame:
    """A log by the left's key of what the right log says of the entity that the left row points to.

    `left`: (ds, key..., the columns named in `on`), these null where nothing is pointed to; `right`: (ds, its own key, value). `on` maps
    the left's columns to the right's key. Returns (ds, key..., value): a row wherever the pointer or what it points to changed.
    """
    # Under another name, since a pointer may be part of the key. What points to nothing is spread by its own key, not met under one null.
    own = F.concat_ws("\x1f", *(F.col(c).cast("string") for c in key))
    at = [expression for c in on for expression in (F.col(c).alias(f"_at_{c}"), F.coalesce(F.col(c), own).alias(f"_by_{c}"))]
    pointers = left.select("ds", *key, *at, until(key).alias("_until"))
    targets = right.select(
        F.col("ds").alias("_right_ds"),
        *(F.col(r).alias(f"_on_{r}") for r in on.values()),
        until(tuple(on.values())).alias("_right_until"),
        F.struct("value").alias("_value"),
    )
    same = [(F.col(f"_by_{a}") == F.col(f"_on_{b}")) & F.col(f"_at_{a}").isNotNull() for a, b in on.items()]
    overlap = (F.col("ds") < F.col("_right_until")) & (F.col("_right_ds") < F.col("_until"))
    met = pointers.join(targets, [*same, overlap], "left")
    # Two rows for each: what is said when the pointer begins, null where nothing is yet; and what is said from when both stand.
    begun = F.struct("ds", F.when(F.col("_right_ds") <= F.col("ds"), F.col("_value")).alias("_value"))
    stands = F.struct(F.greatest("ds", "_right_ds").alias("ds"), "_value")
    points = met.select(*key, F.inline(F.array(begun, stands))).groupBy("ds", *key).agg(F.max("_value").alias("_value"))
    # At most one target is valid at a point, so max only prefers the known value over null.
    return points.select("ds", *key, F.col("_value.value").alias("value"))


def merged(logs: Mapping[str, DataFrame], key: Sequence[str]) -> DataFrame:
    """(ds, key..., one struct a log by its name): each log's newest value carried forward, null before its first row or after a tombstone.

    One row for every key and day on which any of the logs has a row; every log is (ds, key..., value).
    """
    rows: DataFrame | None = None
    for name, one in logs.items():
        others = [n for n in logs if n != name]
        part = one.select("ds", *key, F.struct("value").alias(name), *(F.lit(None).alias(n) for n in others))
        rows = part if rows is None else rows.unionByName(part)
    if rows is None:
        raise ValueError("merged needs at least one log")
    by_day = rows.groupBy("ds", *key).agg(*(F.max(n).alias(n) for n in logs))
    so_far = W.partitionBy(*key).orderBy("ds").rowsBetween(W.unboundedPreceding, W.currentRow)
    carried = by_day.select("ds", *key, *(F.last(n, ignorenulls=True).over(so_far).alias(n) for n in logs))
    return carried.select("ds", *key, *(F.col(f"{n}.value").alias(n) for n in logs))


def gathered(children: DataFrame, parent: Sequence[str], key: Sequence[str], first: str, points: DataFrame | None = None) -> DataFrame:
    """The children valid at every point: a parent's day, from `first` on, with a change among its children (or one of `points`).

    `children`: a log (ds, key..., values..., deleted) whose key holds the parent's. Returns (parent..., ds, the children's other columns):
    a row for each live child, or one row of nulls where the parent has none left. `points` adds (parent..., ds).
    """
    changed = children.where(F.col("ds") >= first).select(*parent, "ds")
    at = (changed if points is None else changed.unionByName(points.select(*parent, "ds"))).distinct()
    valid = children.withColumn("_until", until(key)).where("not deleted").drop("deleted").withColumnRenamed("ds", "_from").alias("c")
    at = at.alias("p")
    same = [F.col(f"p.{c}") == F.col(f"c.{c}") for c in parent]
    covered = (F.col("c._from") <= F.col("p.ds")) & (F.col("p.ds") < F.col("c._until"))
    rest = [f"c.{c}" for c in children.columns if c not in (*parent, "ds", "deleted")]
    return at.join(valid, [*same, covered], "left").select(*(F.col(f"p.{c}") for c in (*parent, "ds")), *rest)


def as_of(wanted: DataFrame, log: DataFrame, key: Sequence[str], values: Sequence[str | Column]) -> DataFrame:
    """(ds, key..., values...): what a log says of entities on the days on which they are wanted; none of those that did not live then.

    `wanted`: (ds, key...), each once.
    """
    valid = near(log, wanted.select(*key).distinct(), key).withColumn("_until", until(key)).where("not deleted")
    valid = valid.select(F.col("ds").alias("_from"), "_until", *key, *values)
    within = (F.col("_from") <= F.col("ds")) & (F.col("ds") < F.col("_until"))
    return wanted.join(valid, list(key)).where(within).drop("_from", "_until")


def summed(children: DataFrame, parent: Sequence[str], key: Sequence[str], numbers: Sequence[str]) -> DataFrame:
    """(ds, parent..., sums): the sums over the children that live, after every day on which one of them changed.

    `children`: a log (ds, key..., numbers..., deleted) whose key holds the parent's, whole for each of its parents.
    """
    now = [F.when(F.col("deleted"), 0).otherwise(F.coalesce(name, F.lit(0))).alias(name) for name in numbers]
    by_child, by_parent = W.partitionBy(*key).orderBy("ds"), W.partitionBy(*parent).orderBy("ds")
    moved = children.select("ds", *key, *now)
    moved = moved.select("ds", *parent, *((F.col(n) - F.coalesce(F.lag(n).over(by_child), F.lit(0))).alias(n) for n in numbers))
    by_day = moved.groupBy("ds", *parent).agg(*(F.sum(n).alias(n) for n in numbers))
    so_far = by_parent.rowsBetween(W.unboundedPreceding, W.currentRow)
    return by_day.select("ds", *parent, *(F.sum(n).over(so_far).alias(n) for n in numbers))


def touched(log: DataFrame, key: Sequence[str], first: str) -> DataFrame:
    """The distinct keys with a row from `first` on."""
    return log.where(F.col("ds") >= first).select(*key).distinct()


def changes(
    states: DataFrame, before: DataFrame, key: Sequence[str], values: Sequence[str], days: Sequence[str], was: Sequence[str] = ()
) -> DataFrame:
    """The rows of a CHANGES table for the days from `days[0]` to `days[-1]`: true changes, and the base on each month's first.

    `states`: (ds, key..., values..., deleted), at most one row a key and day, complete for every day on which an entity may have changed;
    `before`: the opening rows of the table itself: of all keys where a base is written, else of those in `states`.
    Returns (ds, key..., values..., deleted, changed) and, where some of the values are named, `was`: those before a true change, null
    where the entity did not live before.
    """
    first, last = days[0], days[-1]
    columns = ["ds", *key, *values, "deleted"]
    beside = ["was"] if was else []
    states = states.where(F.col("ds").between(first, last)).select(
        "ds", *key, *(F.when(~F.col("deleted"), F.col(v)).alias(v) for v in values), "deleted"
    )
    month_firsts = [day for day in days if day.endswith("-01")]
    by_day = W.partitionBy(*key).orderBy("ds")
    now = F.struct("deleted", *values)
    rows = before.select(*columns).unionByName(states).withColumn("_before", F.lag(now).over(by_day)).withColumn("_now", now)
    gone = F.col("deleted") & F.coalesce(F.col("_before.deleted"), F.lit(True))
    if was:
        lived_before = F.struct(*(F.col(f"_before.{name}") for name in was))
        rows = rows.withColumn("was", F.when(~F.col("_before.deleted"), lived_before))
    kept = rows.where((F.col("ds") < first) | (~F.col("_now").eqNullSafe(F.col("_before")) & ~gone)).select(*columns, *beside)
    changed = kept.where(F.col("ds") >= first).withColumn("changed", F.lit(True))
    if not month_firsts:
        return changed
    lived = kept.withColumns({"_until": until(key), **({"was": F.lit(None).cast(kept.schema["was"].dataType)} if was else {})})
    lived = lived.where("not deleted")
    repeated = (
        lived.withColumn("_base", F.explode(F.array(*(F.lit(m) for m in month_firsts))))
        .where((F.col("ds") < F.col("_base")) & (F.col("_base") < F.col("_until")))
        .select(F.col("_base").alias("ds"), *key, *values, "deleted", *beside, F.lit(False).alias("changed"))
    )
    return changed.unionByName(repeated)
