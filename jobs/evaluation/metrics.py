"""evaluation.metrics: what evaluations found, published as any table is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import functions as F

from jobs.building import REFUSED
from jobs.days import Days
from jobs.publication import Publication, Step, publish
from jobs.store import Store
from schemas.evaluation import METRICS


@dataclass(frozen=True)
class Metric:
    """One number: of which data set, of which part of it, over how many, between which bounds where it is of a sample."""

    data_set: str
    slice: str
    metric: str
    value: float | None
    count: int
    lower: float | None = None
    upper: float | None = None
    model_revisions: Mapping[str, str] | None = None
    table_versions: Mapping[str, int] | None = None


def write(store: Store, run_id: str, evaluation: str, day: str, found: Sequence[Metric]) -> Publication:
    """Publishes what an evaluation found as of a day, instead of what it said of the same data sets that day; all else stays."""
    since = store.ledger(METRICS).version
    values = [(day, evaluation, *(getattr(one, c.name) for c in METRICS.columns if c.name != "evaluation")) for one in found]
    rows = store.spark.createDataFrame(values, METRICS.ddl)
    if since >= 0:
        measured = sorted({one.data_set for one in found})
        again = (F.col("evaluation") == evaluation) & F.col("data_set").isin(*measured)
        rows = rows.unionByName(store.frame(METRICS, since).where((F.col("ds") == day) & ~again))
    rows = rows.select("*", *(F.lit(None).cast("string").alias(name) for name in REFUSED))
    return publish(store, run_id, Step(f"evaluate_{evaluation}", METRICS, Days(day, day), since=since), rows)
