"""Checks: facts about staged rows counted in one pass, judged by Great Expectations suites built from the contracts."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.days import Days
from jobs.errors import Refused
from jobs.ledger import short_hash
from schemas.contract import CHANGES, Column, Table

if TYPE_CHECKING:
    import pandas as pd

Facts = Mapping[str, Mapping[str, int]]
"""Counts by day and fact; every day of the step is there."""

SAMPLE_KEYS = 5


@dataclass(frozen=True)
class Check:
    """One way in which a row can break its contract; `broken` is true for such rows."""

    name: str
    says: str
    broken: SparkColumn


def checks(table: Table) -> list[Check]:
    """Every check on single rows that the contract asks for; repeated keys and days are checked over all rows."""
    lives = ~F.col("deleted") if table.kind is CHANGES else F.lit(True)
    found = []
    for column in table.fields:
        value = F.col(column.name)
        if column.required:
            in_key = column.name in table.key or column.name in ("ds", "deleted", "changed")
            missing = value.isNull() if in_key else lives & value.isNull()
            found.append(Check(f"null_{column.name}", f"have no {column.name}, which is required", missing))
        found.extend(_of_values(column, value))
    return found


def _of_values(column: Column, value: SparkColumn) -> Iterable[Check]:
    measured, noun = value, column.name
    if column.type.startswith(("array", "map")):
        measured, noun = F.size(value), f"size of {column.name}"
    elif column.type in ("string", "binary"):
        measured, noun = F.length(value), f"length of {column.name}"
    if column.minimum is not None:
        yield Check(f"below_{column.name}", f"have a {noun} below {column.minimum}", _true(measured < F.lit(column.minimum)))
    if column.maximum is not None:
        yield Check(f"above_{column.name}", f"have a {noun} above {column.maximum}", _true(measured > F.lit(column.maximum)))
    if column.type in ("float", "double"):
        yield Check(f"nan_{column.name}", f"have a {column.name} that is not a number", _true(F.isnan(value)))
    if column.allowed:
        known = F.array(*(F.lit(v) for v in column.allowed))
        odd = ~value.isin(*column.allowed) if column.type == "string" else F.size(F.array_except(value, known)) > 0
        yield Check(f"not_allowed_{column.name}", f"have a {column.name} other than {', '.join(column.allowed)}", _true(odd))
    if column.pattern is not None:
        yield Check(
            f"pattern_{column.name}", f"have a {column.name} that does not match {column.pattern}", _true(~value.rlike(column.pattern))
        )


def _true(condition: SparkColumn) -> SparkColumn:
    return F.coalesce(condition, F.lit(False))


def _hashed(columns: Iterable[Column], salt: int) -> SparkColumn:
    # Spark's hashes skip nulls, so a null flag goes with every value; nested values are hashed as JSON, which keeps theirs.
    parts: list[SparkColumn] = [F.lit(salt)]
    for column in columns:
        value = F.col(column.name)
        if column.type in ("array<float>", "array<double>"):
            parts += [F.size(value), value]
        elif column.type.startswith(("array", "map", "struct")):
            parts += [value.isNull(), F.to_json(value, {"ignoreNullFields": "false"})]
        else:
            parts += [value.isNull(), value]
    return F.xxhash64(*parts)


def facts(staged: DataFrame, table: Table, days: Days) -> Facts:
    """All counts of a step by day, in one pass over its rows (two levels of grouping: by key, then by day)."""
    good = F.col("refused").isNull()
    one_row = [c.name for c in checks(table)]
    by_key = staged.groupBy("ds", *([*table.key] if table.by_day else []), good.alias("good")).agg(
        F.count(F.lit(1)).alias("n"),
        *(F.sum(_hashed(table.fields, salt).cast("decimal(20,0)")).alias(f"digest_{salt}") for salt in (0, 1)),
        F.sum(F.xxhash64("refused", F.coalesce("refused_key", F.lit("")), _hashed(table.fields, 0)).cast("decimal(20,0)")).alias(
            "refusals"
        ),
        *(F.count_if(check.broken & good).alias(check.name) for check in checks(table)),
    )
    outside = ~_true(F.col("ds").between(days.first, days.last))
    by_day = by_key.groupBy("ds").agg(
        F.sum(F.when(F.col("good"), F.col("n")).otherwise(0)).alias("rows"),
        F.sum(F.when(~F.col("good"), F.col("n")).otherwise(0)).alias("refused"),
        F.sum(F.when(F.col("good") & (F.col("n") > 1), F.col("n")).otherwise(0)).alias("repeated_key"),
        F.sum(F.when(outside, F.col("n")).otherwise(0)).alias("outside_days"),
        *(F.sum(F.when(F.col("good"), F.col(f"digest_{s}"))).alias(f"digest_{s}") for s in (0, 1)),
        F.sum(F.when(~F.col("good"), F.col("refusals"))).alias("refusals"),
        *(F.sum(name).alias(name) for name in one_row),
    )
    found = {row["ds"]: {k: int(v or 0) for k, v in row.asDict().items() if k != "ds"} for row in by_day.collect()}  # a row a day
    names = ["rows", "refused", "repeated_key", "outside_days", "digest_0", "digest_1", "refusals", *one_row]
    return {str(day): found.get(day, dict.fromkeys(names, 0)) for day in sorted({*days, *found}, key=str)}


def day_digest(counts: Mapping[str, int]) -> str:
    """The digest of a day's rows, from its facts."""
    return short_hash(str(counts["rows"]), str(counts["digest_0"]), str(counts["digest_1"]))


def refusals_digest(counts: Mapping[str, int]) -> str:
    """The digest of a day's refused rows, from its facts; empty where none was refused."""
    return short_hash(str(counts["refused"]), str(counts["refusals"])) if counts["refused"] else ""


def judged_facts(table: Table) -> dict[str, str]:
    """What a fact above zero says of the rows, by the fact's name."""
    said = {c.name: c.says for c in checks(table)}
    key = ", ".join(table.key)
    repeats = {} if table.events else {"repeated_key": f"repeat a key ({key})"}  # events are delivered at least once
    return {**said, **repeats, "outside_days": "lie outside the days of the run"}


_ONE = threading.Lock()
"""The library's context is one for the process, and jobs run side by side."""


@cache
def _context() -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx

    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context


@cache
def _batches(name: str) -> Any:
    source = _context().data_sources.add_pandas(name=name)
    return source.add_dataframe_asset(name="facts").add_batch_definition_whole_dataframe("step")


@cache
def suite(table: Table) -> Any:
    """The Great Expectations suite of a contract, over its table of facts (a row a day, a column a fact)."""
    context = _context()
    import great_expectations as gx
    from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
    from great_expectations.expectations.metadata_types import FailureSeverity

    name = table.name.replace(".", "_")
    made = context.suites.add(gx.ExpectationSuite(name=name))
    for fact, says in judged_facts(table).items():
        made.add_expectation(
            ExpectColumnValuesToBeBetween(column=fact, min_value=0, max_value=0, meta={"says": says}, severity=FailureSeverity.CRITICAL)
        )
    return made


def facts_frame(found: Facts, table: Table) -> pd.DataFrame:
    """The facts that the suite judges: a row a day, the day as `ds`."""
    import pandas as pd

    return pd.DataFrame([{"ds": day, **{fact: counts[fact] for fact in judged_facts(table)}} for day, counts in found.items()])


def breaches(found: Facts, table: Table) -> list[tuple[str, str, int]]:
    """(day, fact, count) of everything that breaks the suite; Refused where an expectation itself broke."""
    frame = facts_frame(found, table)
    with _ONE:
        batch = _batches(table.name).get_batch(batch_parameters={"dataframe": frame})
        verdict = batch.validate(suite(table), result_format="BOOLEAN_ONLY")
    broken = []
    for result in verdict.results:
        fact = result.expectation_config.kwargs["column"]
        if (result.exception_info or {}).get("raised_exception", False):
            raise Refused(
                f"{table.name}: the check {fact} itself failed: {result.exception_info.get('exception_message')}; nothing was published"
            )
        if not result.success:
            broken += [(day, fact, counts[fact]) for day, counts in found.items() if counts[fact]]
    if not verdict.success and not broken:
        raise Refused(f"{table.name}: the suite failed without naming a day; nothing was published")
    return broken


def refuse_breaches(staged: DataFrame, table: Table, found: Facts) -> None:
    """Refused where the facts break the contract: table, day, count, check and sample keys (private values hashed)."""
    broken = breaches(found, table)
    if not broken:
        return
    said = judged_facts(table)
    lines = [
        f"{table.name}, {day}: {count} {'row' if count == 1 else 'rows'} {said[fact]} ({_samples(staged, table, day, fact)})"
        for day, fact, count in broken[:3]
    ]
    more = f"\nand {len(broken) - 3} more breaches" if len(broken) > 3 else ""
    raise Refused("\n".join(lines) + more + "\nnothing was published; readers see the table as it was")


def _samples(staged: DataFrame, table: Table, day: str, fact: str) -> str:
    rows = staged.where(F.col("refused").isNull() & F.col("ds").eqNullSafe(F.lit(day)))
    if fact == "repeated_key":
        rows = rows.groupBy(*table.key).count().where("count > 1")
    elif fact != "outside_days":
        rows = rows.where(reduce(lambda a, b: a | b, (c.broken for c in checks(table) if c.name == fact)))
    keys = rows.select(F.to_json(masked_struct(table, table.key), {"ignoreNullFields": "false"}).alias("k")).orderBy("k").limit(SAMPLE_KEYS)
    shown = [json.loads(row.k) for row in keys.collect()]  # a handful of keys
    return ", ".join(" ".join(f"{k} = {v}" for k, v in one.items()) for one in shown)


def masked_struct(table: Table, names: Iterable[str]) -> SparkColumn:
    """A struct of the columns, private ones as the first 12 hex digits of a sha256, bytes as their length."""
    parts = []
    for name in names:
        column, value = table.column(name), F.col(name)
        if column.private:
            value = F.concat(F.lit("#"), F.substring(F.sha2(F.to_json(F.struct(value)), 256), 1, 12))
            value = F.when(F.col(name).isNotNull(), value)
        elif column.type == "binary":
            value = F.concat(F.length(value).cast("string"), F.lit(" bytes"))
        parts.append(value.alias(name))
    return F.struct(*parts)
