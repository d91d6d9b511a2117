"""Checks: facts about staged rows counted in one pass, judged by Great Expectations suites built from the contracts."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs import data_docs, watching
from jobs.days import Days
from jobs.errors import Refused
from jobs.ledger import Watched, short_hash
from jobs.watching import Facts, Measured
from schemas.contract import CHANGES, Column, Table

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_KEYS = 5


@dataclass(frozen=True)
class Check:
    """One way in which a row can break its contract; `broken` is true for such rows."""

    name: str
    says: str
    broken: SparkColumn


def checks(table: Table) -> list[Check]:
    """Every check on single rows that the contract asks for; repeated keys, days and what is watched are checked over all rows."""
    lives = ~F.col("deleted") if table.kind is CHANGES else F.lit(True)
    found = []
    for column in table.fields:
        value = F.col(column.name)
        if column.required:
            in_key = column.name in table.key or column.name in ("ds", "deleted", "changed")
            missing = value.isNull() if in_key else lives & value.isNull()
            found.append(Check(f"null_{column.name}", f"have no {column.name}, which is required", missing))
        found.extend(_of_values(column, value))
    found.extend(Check(f"rule_{rule.name}", rule.says, _true(lives & F.expr(rule.broken))) for rule in table.rules)
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
    one_row = [c.name for c in checks(table)] + watching.names(table)
    by_key = staged.groupBy("ds", *([*table.key] if table.by_day else []), good.alias("_good")).agg(
        F.count(F.lit(1)).alias("_n"),
        *(F.sum(_hashed(table.fields, salt).cast("decimal(20,0)")).alias(f"digest_{salt}") for salt in (0, 1)),
        F.sum(F.xxhash64("refused", F.coalesce("refused_key", F.lit("")), _hashed(table.fields, 0)).cast("decimal(20,0)")).alias(
            "refusals"
        ),
        *(F.count_if(check.broken & good).alias(check.name) for check in checks(table)),
        *(sums.alias(name) for name, sums in watching.sums(table, good).items()),
    )
    outside = ~_true(F.col("ds").between(days.first, days.last))
    by_day = by_key.groupBy("ds").agg(
        F.sum(F.when(F.col("_good"), F.col("_n")).otherwise(0)).alias("rows"),
        F.sum(F.when(~F.col("_good"), F.col("_n")).otherwise(0)).alias("refused"),
        F.sum(F.when(F.col("_good") & (F.col("_n") > 1), F.col("_n")).otherwise(0)).alias("repeated_key"),
        F.sum(F.when(outside, F.col("_n")).otherwise(0)).alias("outside_days"),
        *(F.sum(F.when(F.col("_good"), F.col(f"digest_{s}"))).alias(f"digest_{s}") for s in (0, 1)),
        F.sum(F.when(~F.col("_good"), F.col("refusals"))).alias("refusals"),
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


DOCS: list[Path] = []
"""The folder of Data Docs (jobs/data_docs.py), where one is set."""
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
    """The Great Expectations suite of a contract, over its table of facts (a row a day, a column a fact): no row breaks a rule, and what
    is watched lies within what is usual, by a severity each."""
    context = _context()
    import great_expectations as gx
    from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
    from great_expectations.expectations.metadata_types import FailureSeverity

    judged = [(fact, f"rows that {says}", True) for fact, says in judged_facts(table).items()]
    judged += [(watching.outside(one), f"{one.says}: how far outside of what is usual", one.critical) for one in table.watches]
    made = context.suites.add(gx.ExpectationSuite(name=table.name.replace(".", "_")))
    for fact, says, critical in judged:
        severity = FailureSeverity.CRITICAL if critical else FailureSeverity.WARNING
        made.add_expectation(
            ExpectColumnValuesToBeBetween(column=fact, min_value=0, max_value=0, description=f"{fact}: {says}", severity=severity)
        )
    return made


def facts_frame(found: Facts, table: Table, measured: Sequence[Measured] = ()) -> pd.DataFrame:
    """What the suite judges: a row a day, the day as `ds`, the facts, and how far what is watched lies outside of what is usual."""
    import pandas as pd

    outside = {(one.day, watching.outside(one.watch)): one.outside for one in measured}
    watched = [watching.outside(one) for one in table.watches]
    return pd.DataFrame(
        [
            {"ds": day, **{fact: counts[fact] for fact in judged_facts(table)}, **{name: outside.get((day, name), 0.0) for name in watched}}
            for day, counts in found.items()
        ]
    )


def failed(found: Facts, table: Table, measured: Sequence[Measured] = ()) -> set[str]:
    """The facts of which the suite says that some day breaks them; Refused where an expectation itself broke."""
    frame = facts_frame(found, table, measured)
    with _ONE:
        batch = _batches(table.name).get_batch(batch_parameters={"dataframe": frame})
        verdict = batch.validate(suite(table), result_format="BASIC" if DOCS else "BOOLEAN_ONLY")
        if DOCS:
            data_docs.write(DOCS[0], table.name, list(found), verdict)
    broken = set()
    for result in verdict.results:
        fact = result.expectation_config.kwargs["column"]
        if (result.exception_info or {}).get("raised_exception", False):
            raise Refused(
                f"{table.name}: the check {fact} itself failed: {result.exception_info.get('exception_message')}; nothing was published"
            )
        if not result.success:
            broken.add(fact)
    if not verdict.success and not broken:
        raise Refused(f"{table.name}: the suite failed without naming a check; nothing was published")
    return broken


def judge(staged: DataFrame, table: Table, found: Facts, known: Mapping[str, Watched], accept_unusual: bool = False) -> list[str]:
    """What is unusual about the days and no reason to refuse them, a line each; Refused where the facts break the contract: table, day,
    count, check and sample keys (private values hashed). `known`: what is watched of these days, and of those that are published."""
    measured = watching.measured(table, found, known)
    broken = failed(found, table, measured)
    said = judged_facts(table)
    breaches = [(day, fact, counts[fact]) for fact in said if fact in broken for day, counts in found.items() if counts[fact]]
    unusual = [one for one in measured if watching.outside(one.watch) in broken and one.outside]
    lines = [
        f"{table.name}, {day}: {count} {'row' if count == 1 else 'rows'} {said[fact]} ({_samples(staged, table, day, fact)})"
        for day, fact, count in breaches[:3]
    ]
    critical = [] if accept_unusual else [one for one in unusual if one.watch.critical]
    lines += [f"{table.name}, {one}" for one in critical[: 3 - len(lines)]]
    if lines:
        rest = len(breaches) + len(critical) - len(lines)
        lines += [f"and {rest} more breaches"] if rest else []
        lines += ["if these days are as they should be: the same command with --accept-unusual"] if critical and not breaches else []
        raise Refused("\n".join([*lines, "nothing was published; readers see the table as it was"]))
    return [f"{table.name}, {one}" for one in unusual]


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
