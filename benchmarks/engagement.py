"""Two years of engagement: a day of the totals against their recompute (8), and what one pin with a tenth of all events costs (11)."""

from __future__ import annotations

import math
import statistics
import tempfile

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from benchmarks.lakes import Lake, chance, started
from benchmarks.timing import SCALE, Ratio, keep, seconds
from features.engagement import COUNTS, PAIR
from jobs.days import Days, shifted
from jobs.publication import Step, publish
from jobs.queries.engagement_totals import WINDOW_DAYS
from schemas import raw, signals

A_DAY = int(40_000 * SCALE)
"""Pairs that something happens to on a day."""
RECURS = 240
"""Days until something happens to a pair again: 3 of 730, as in the sample lake (855,000 daily rows of 284,000 live pairs)."""
EVENTS = int(2_000_000 * SCALE)
PAIRS = 5
LAST = "2026-02-01"
"""A month's first: totals begin with a complete day, so that the first night after it reads what every night does."""


def measure() -> list[Ratio]:
    """The ratios."""
    with tempfile.TemporaryDirectory() as folder:
        settings, spark = started(folder)
        found = [_day_to_recompute(Lake(settings, spark, "totals"), Lake(settings, spark, "recomputed"))]
        found.append(_skewed_to_uniform(Lake(settings, spark, "skewed"), Lake(settings, spark, "uniform")))
        spark.stop()
    keep("engagement", found, {"pairs_a_day": A_DAY, "pairs": A_DAY * RECURS, "days": WINDOW_DAYS, "events": EVENTS})
    return found


def _daily(lake: Lake, first: str, days: int) -> None:
    """signals.engagement_daily over days: every pair of the day once, other pairs every day until the first ones come again."""
    day, place = F.floor(F.col("id") / A_DAY), F.col("id") % A_DAY
    pair = F.pmod(place * RECURS + day * 37, F.lit(A_DAY * RECURS))
    rows = lake.spark.range(0, days * A_DAY, 1, max(2, days // 8)).select(
        F.date_add(F.lit(first).cast("date"), day.cast("int")).cast("string").alias("ds"),
        F.lit("pin").alias("entity_type"),
        F.concat(F.lit("pin"), F.floor(pair / 4)).alias("entity_id"),
        F.concat(F.lit("query "), F.pmod(pair, F.lit(50_000))).alias("query"),
        *(F.pmod(F.xxhash64(F.col("id"), F.lit(name)), F.lit(3)).cast("bigint").alias(name) for name in COUNTS),
    )
    lake.give(signals.ENGAGEMENT_DAILY, rows, {shifted(first, n): A_DAY for n in range(days)})
    lake.nothing(raw.SEARCH_EVENTS, [shifted(first, n) for n in range(days)])


def _recomputed(lake: Lake, day: str) -> DataFrame:
    """The totals of the window that ends with the day, from its daily counts."""
    window = F.col("ds").between(shifted(day, 1 - WINDOW_DAYS), day)
    rows = lake.store.frame(signals.ENGAGEMENT_DAILY).where(window).groupBy(*PAIR).agg(*(F.sum(name).alias(name) for name in COUNTS))
    live = rows.where(F.greatest(F.lit(0), *COUNTS) > 0)
    return live.select(F.lit(day).alias("ds"), *PAIR, *COUNTS, F.lit(False).alias("deleted"), F.lit(True).alias("changed"))


def _day_to_recompute(lake: Lake, other: Lake) -> Ratio:
    """8: a night's step of the totals to the sum over two years, both audited and published, and their rows compared."""
    _daily(lake, shifted(LAST, 1 - WINDOW_DAYS), WINDOW_DAYS + PAIRS)
    none = F.lit(None).cast("string")

    def recompute(day: str) -> None:
        rows = _recomputed(lake, day).withColumn("refused", none).withColumn("refused_key", none)
        publish(other.store, f"run{day}", Step("recompute", signals.ENGAGEMENT_TOTALS, Days(day, day)), rows)

    recompute(LAST)
    base = other.store.frame(signals.ENGAGEMENT_TOTALS)
    before = [shifted(LAST, -n) for n in range(1, WINDOW_DAYS)]  # of no interest: a log is read from the newest complete day on
    lake.give(signals.ENGAGEMENT_TOTALS, base, {**dict.fromkeys(before, 0), LAST: base.count()})
    pairs = []
    for n in range(1, PAIRS + 1):
        day = shifted(LAST, n)
        step = seconds(lambda day=day: lake.run(["engagement_totals"], Days(day, day)))  # type: ignore[misc]
        whole = seconds(lambda day=day: recompute(day))  # type: ignore[misc]
        pairs.append((step, whole))
        _refuse_different(lake, other, day)
    a, b = map(statistics.median, zip(*pairs, strict=True))
    return Ratio.of("8_one_day/two_year_recompute", [a / b for a, b in pairs], "1/730; pass .083, aim .02", a, b)


def _refuse_different(lake: Lake, other: Lake, day: str) -> None:
    """Nothing; ValueError where the totals after the day are not those of the recompute."""
    newest = F.max_by(F.struct("deleted", *COUNTS), "ds").alias("newest")
    log = lake.store.frame(signals.ENGAGEMENT_TOTALS).where(F.col("ds") <= day).groupBy(*PAIR).agg(newest)
    live = log.where(~F.col("newest.deleted")).select(*PAIR, *(f"newest.{name}" for name in COUNTS))
    whole = other.store.frame(signals.ENGAGEMENT_TOTALS).where(F.col("ds") == day).select(*PAIR, *COUNTS)
    if live.exceptAll(whole).union(whole.exceptAll(live)).limit(1).count():
        raise ValueError(f"{day}: the totals differ from their recompute")


def _events(lake: Lake, pin: Column) -> None:
    """raw.search_events of one day, and its queries, all public."""
    pins = EVENTS // 10
    user, query = chance(F.col("id"), "user"), chance(F.col("id"), "query")
    action = F.element_at(
        F.array(*(F.lit(name) for name in ("impression", "click", "long_click", "save"))), 1 + (F.col("id") % 4).cast("int")
    )
    rows = lake.spark.range(0, EVENTS, 1, 8).select(
        F.lit(LAST).alias("ds"),
        F.concat(F.lit("e"), F.col("id")).alias("event_id"),
        F.concat(F.lit("u"), F.floor(user * pins)).alias("user_id"),
        F.concat(F.lit("query number "), F.floor(F.exp(query * math.log(20_000)))).alias("query"),
        F.lit("en").alias("language"),
        F.lit("pin").alias("entity_type"),
        F.concat(F.lit("pin"), F.floor(pin)).alias("entity_id"),
        action.alias("action"),
        F.lit(False).alias("offsite"),
        F.lit(f"{LAST} 12:00:00").cast("timestamp").alias("ts"),
    )
    lake.give(raw.SEARCH_EVENTS, rows, {LAST: EVENTS})
    spoken = lake.store.frame(raw.SEARCH_EVENTS).select("ds", "query").distinct()
    public = spoken.select("ds", "query", F.lit(False).alias("deleted"), F.lit(True).alias("changed"))
    lake.give(signals.PUBLIC_QUERIES, public, {LAST: 20_000})


def _skewed_to_uniform(skewed: Lake, uniform: Lake) -> Ratio:
    """11: counts, totals and top queries of a day whose pins follow Zipf's law, the first with a tenth of all events, to uniform ones."""
    pins = EVENTS // 10
    share = chance(F.col("id"), "pin")
    _events(uniform, share * pins)
    _events(skewed, F.when(chance(F.col("id"), "top") < 0.1, F.lit(0.0)).otherwise(F.exp(share * math.log(pins))))
    jobs = ["engagement_daily", "engagement_totals", "engaged_queries"]
    pairs = []
    for n in range(PAIRS + 1):
        times = [seconds(lambda lake=lake: lake.run(jobs, Days(LAST, LAST))) for lake in (skewed, uniform)]  # type: ignore[misc]
        pairs += [times] if n else []  # the first ones publish, the others find the same rows
    a, b = map(statistics.median, zip(*pairs, strict=True))
    return Ratio.of("11_zipf/uniform", [a / b for a, b in pairs], "1; pass 1.25, aim 1.10", a, b)
