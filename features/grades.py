"""Grades: what raters said on their own scales, as probabilities of five grades."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

GRADES = 5
SCALE = r"^(mean|median)_(\d)_(\d)$"
"""How an aggregate names its statistic and its lowest and highest level, such as `median_1_4`."""
FLOOR = 0.35
"""The least spread of a target, in levels of the raters' scale: three raters who agree may still be wrong."""


def on_grades(level: Column, low: Column, high: Column) -> Column:
    """A level of the scale low .. high on the scale of grades 1 .. 5: its ends are 1 and 5, and what lies between is spread evenly."""
    return 1 + (level - low) * (GRADES - 1) / F.nullif(high - low, F.lit(0))


def target(mean: Column, spread: Column) -> Column:
    """Probabilities of the grades 1 .. 5 around a mean: those of a normal density of that spread at the five grades, made to sum to 1."""
    weights = [F.exp(-((F.lit(float(grade)) - mean) ** 2) / (2 * spread**2)) for grade in range(1, GRADES + 1)]
    total = sum(weights[1:], weights[0])
    return F.array(*(weight / total for weight in weights))


def likeliest(probabilities: Column) -> Column:
    """The most probable grade (int), the lowest of equals; null where there are no probabilities."""
    return F.array_position(probabilities, F.array_max(probabilities)).cast("int")


def expected(probabilities: Column) -> Column:
    """The mean of the grades by their probabilities (double); null where there are none."""
    parts = [probabilities[n].cast("double") * (n + 1) for n in range(GRADES)]
    return sum(parts[1:], parts[0])


def aggregated(labels: DataFrame) -> DataFrame:
    """One row a day, query and entity: (ds, query, entity_type, entity_id, level_low, level_high, level, mean, spread, grade, raters,
    agreement, target), or `refused` with the reason.

    `labels`: raw.human_labels, one row a rater on the scale of grades, or aggregates whose `scale` is SCALE. Raters who could not tell are
    left out. Several aggregates of one pair and day count alike, since it is seldom known how many raters stand behind each.
    """
    pair = ["ds", "query", "entity_type", "entity_id"]
    is_aggregate = F.col("grade_mean").isNotNull()
    grades = F.sort_array(F.collect_list(F.when(~is_aggregate, F.col("grade"))))
    one = F.struct("grade_mean", "grade_std", "grade", "raters", "scale")
    aggregates = F.sort_array(F.collect_list(F.when(is_aggregate, one)))
    rows = labels.groupBy(*pair).agg(grades.alias("grades"), aggregates.alias("aggregates"))
    rows = rows.withColumn("given", _together(F.col("aggregates")))
    n = F.size("grades")
    known = F.nullif(n, F.lit(0))
    low, high = (F.regexp_extract("given.scale", SCALE, group).try_cast("int") for group in (2, 3))
    has = F.col("given").isNotNull()
    rows = rows.withColumns({"level_low": F.when(has, low).otherwise(1), "level_high": F.when(has, high).otherwise(GRADES)})
    total = F.aggregate("grades", F.lit(0), lambda so_far, grade: so_far + grade)
    squares = F.aggregate("grades", F.lit(0), lambda so_far, grade: so_far + grade * grade)
    level = F.when(has, F.col("given.grade_mean")).otherwise(total / known)
    # n^2 times the variance is a whole number: two raters who agree have a spread of exactly 0.
    spread = F.when(has, F.col("given.grade_std")).otherwise(F.sqrt((n * squares - total * total).cast("double")) / known)
    rows = rows.withColumns({"level": level, "level_spread": spread, "raters": F.when(has, F.col("given.raters")).otherwise(n)})
    rows = rows.withColumn("refused", _refusal())
    width = (GRADES - 1) / F.nullif(F.col("level_high") - F.col("level_low"), F.lit(0))
    mean = on_grades(F.col("level"), F.col("level_low"), F.col("level_high"))
    middle = F.element_at("grades", ((n + 1) / 2).cast("int"))
    return rows.select(
        *pair,
        "level_low",
        "level_high",
        "level",
        mean.alias("mean"),
        (F.col("level_spread") * width).alias("spread"),
        F.when(has, F.col("given.grade")).when(n > 0, middle).alias("grade"),
        "raters",
        F.when(~has, _agreement(F.col("grades"))).alias("agreement"),
        target(mean, F.greatest(F.coalesce("level_spread", F.lit(0.0)), F.lit(FLOOR)) * width).alias("target"),
        "refused",
    )


def _together(aggregates: Column) -> Column:
    """Aggregates of one scale as one: their mean, the spread of all raters together, the grade that all of them have; null for none."""
    n = F.nullif(F.size(aggregates), F.lit(0))

    def total(of: Callable[[Column], Column]) -> Column:
        return F.aggregate(aggregates, F.lit(0.0), lambda so_far, one: so_far + of(one))

    mean = total(lambda one: one["grade_mean"]) / n
    square = total(lambda one: F.coalesce(one["grade_std"], F.lit(0.0)) ** 2 + one["grade_mean"] ** 2) / n
    first, grades = F.get(aggregates, F.lit(0)), F.array_distinct(aggregates["grade"])
    several = F.struct(
        mean.alias("grade_mean"),
        F.sqrt(F.greatest(F.lit(0.0), square - mean**2)).alias("grade_std"),
        F.when(F.size(grades) == 1, F.get(grades, F.lit(0))).alias("grade"),
        # A sum with an unknown number is unknown.
        F.aggregate(aggregates["raters"], F.lit(0), lambda so_far, one: so_far + one).alias("raters"),
        first["scale"].alias("scale"),
    )
    return F.when(n == 1, first).when(n > 1, several)


def _refusal() -> Column:
    """Why the labels of a pair make no example; null where they do."""
    has, scale = F.col("given").isNotNull(), F.coalesce("given.scale", F.lit("none"))
    bad_scale = ~scale.rlike(SCALE) | F.col("level_low").isNull() | (F.col("level_low") >= F.col("level_high"))
    outside = ~F.col("level").between(F.col("level_low"), F.col("level_high"))
    return (
        F.when(F.trim("query") == "", F.lit("empty query"))
        .when(F.size(F.array_distinct("aggregates.scale")) > 1, F.lit("aggregates on several scales of one pair on one day"))
        .when(has & (F.size("grades") > 0), F.lit("an aggregate and single raters of one pair on one day"))
        .when(has & bad_scale, F.concat(F.lit("unknown scale "), scale, F.lit(": write mean_LOW_HIGH or median_LOW_HIGH")))
        .when(has & (F.isnan("given.grade_mean") | outside), F.lit("grade_mean lies outside its scale"))
        .when(~has & (F.size("grades") == 0), F.lit("no rater could tell"))
    )


def _agreement(grades: Column) -> Column:
    """The share of pairs of raters who gave the same grade; null for one rater."""
    n = F.size(grades)
    same = [F.size(F.array_remove(grades, grade)) for grade in range(1, GRADES + 1)]
    same = [n - others for others in same]
    pairs = sum((k * (k - 1) for k in same[1:]), same[0] * (same[0] - 1))
    return F.when(n > 1, pairs / F.nullif(n * (n - 1), F.lit(0)))
