"""Rows of raw tables from a file, by a mapping; a row whose values cannot be kept is refused with a reason, never made null."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.errors import UsageError
from jobs.imports.mapping import Constant, Expression, Mapping, TableMapping, Transform
from jobs.quality import checks
from schemas import contract
from schemas.contract import Table

EXTENSIONS = (".parquet", ".csv", ".jsonl")
BROKEN = "_broken_record"
_UNIT_SEPARATOR = "\x1f"
_WHOLE = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
_FRACTIONAL = (T.FloatType, T.DoubleType, T.DecimalType)


def frames(spark: SparkSession, mapping: Mapping, path: Path, day: str) -> dict[Table, DataFrame]:
    """Rows of the day by table, each with `refused` and `refused_key`; UsageError where the file does not fit the mapping."""
    rows = read(spark, path)
    return {one.table: _filled(one, rows, path, day) for one in mapping.tables}


def read(spark: SparkSession, path: Path) -> DataFrame:
    """The rows of a file by its extension; plain values of CSV and JSONL are text, `_broken_record` holds lines that cannot be read."""
    kind = path.suffix.lower()
    if kind not in EXTENSIONS:
        raise UsageError(f"{path}: the name must end in one of {', '.join(EXTENSIONS)}")
    # A path is a name here, not a pattern: brackets and stars are what they are.
    name = "".join(f"\\{c}" if c in "*?[]{}\\" else c for c in path.absolute().as_posix())
    if kind == ".parquet":
        return spark.read.parquet(name)
    broken = T.StructField(BROKEN, T.StringType())
    if kind == ".jsonl":
        text = spark.read.option("primitivesAsString", "true").option("columnNameOfCorruptRecord", BROKEN)
        found = text.json(name)
        return found if BROKEN in found.columns else found.withColumn(BROKEN, F.lit(None).cast("string"))
    reader = spark.read.option("header", "true").option("multiLine", "true").option("encoding", "UTF-8")
    reader = reader.option("quote", '"').option("escape", '"').option("columnNameOfCorruptRecord", BROKEN)
    # Only with a schema that has a place for them does Spark keep lines with too few or too many values apart.
    schema = T.StructType([*(T.StructField(column, T.StringType()) for column in _header(path)), broken])
    return reader.schema(schema).csv(name)


def _header(path: Path) -> list[str]:
    """The names in the first line of a CSV file; UsageError where there are none or one is there twice."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            names = next(csv.reader(lines), [])
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text") from error
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names or twice:
        raise UsageError(f"{path}: {f'names the column {twice[0]!r} twice' if twice else 'has no line with the names of its columns'}")
    return names


def _filled(mapping: TableMapping, rows: DataFrame, path: Path, day: str) -> DataFrame:
    """The table's columns, `refused` and `refused_key`."""
    table = mapping.table
    missing = [name for name in mapping.sources() if name not in rows.columns]
    if missing:
        have = ", ".join(c for c in rows.columns if c != BROKEN)
        raise UsageError(f"{path}: {table.name} needs the column {', '.join(missing)}; the file has {have}")
    given = dict(mapping.columns)
    values: list[Column] = [F.lit(day).alias("ds")]
    reasons: list[Column] = []
    if BROKEN in rows.columns:
        reasons.append(F.when(named_column(BROKEN).isNotNull(), "the line cannot be read"))
    for column in table.columns:
        if column.name not in given:
            values.append(F.lit(None).cast(column.type).alias(column.name))
            continue
        value, lost = _value(given[column.name], column, rows, f"{path}: {table.name}.{column.name}")
        values.append(value.alias(column.name))
        reasons.append(F.when(lost, f"{column.name} cannot be read as {column.type}"))
    named = _fingerprint(rows, mapping.sources()).alias("source_sha256")
    checked = _checked(rows.select(*values, F.coalesce(*reasons, F.lit(None)).alias("refused"), named), table)
    return _once(checked, mapping)


def _value(expression: Expression, column: contract.Column, rows: DataFrame, where: str) -> tuple[Column, Column]:
    """The value of a column, and whether one was there and is lost."""
    if isinstance(expression, Constant):
        return F.lit(expression.value).cast(column.type), F.lit(False)
    if isinstance(expression, Transform):
        return _transformed(expression, rows, where)
    source, given = named_column(expression.column), rows.schema[expression.column].dataType
    if isinstance(given, T.StringType) and column.type == "binary":
        raise UsageError(f"{where}: {expression.column} is text, the column is bytes; use the transform to_utf8_bytes or base64_bytes")
    if isinstance(given, T.BinaryType) and column.type != "binary":
        raise UsageError(f"{where}: {expression.column} is bytes, the column is {column.type}")
    # A number of seconds is no timestamp until somebody says so.
    if column.type in ("timestamp", "date") and isinstance(given, (*_WHOLE, *_FRACTIONAL)):
        raise UsageError(f"{where}: {expression.column} is a number, the column is {column.type}; use the transform epoch_timestamp")
    value = _cast(rows, expression.column, column.type, where)
    lost = source.isNotNull() & value.isNull()
    if column.type.startswith("array"):
        lost = lost | (F.size(F.filter(value, F.isnull)) > F.size(F.filter(source, F.isnull)))
    if isinstance(given, _FRACTIONAL) and column.type in ("int", "bigint"):
        lost = lost | (value.cast("double") != source.cast("double"))
    return value, F.coalesce(lost, F.lit(False))


def _cast(rows: DataFrame, name: str, wanted: str, where: str) -> Column:
    """The value as the wanted type, null where it cannot be; UsageError where no value of the column ever could."""
    given = rows.schema[name].dataType
    value = F.trim(named_column(name)) if isinstance(given, T.StringType) and wanted != "string" else named_column(name)
    value = value.try_cast(wanted)
    try:
        rows.select(value)
    except AnalysisException as error:
        said = given.simpleString()[:80]
        raise UsageError(
            f"{where}: {name} is {said} and cannot become {wanted}; a list is made from text by the transform split"
        ) from error
    return value


def _transformed(transform: Transform, rows: DataFrame, where: str) -> tuple[Column, Column]:
    """The value that a transform makes, and whether one was there and is lost."""
    types = {name: rows.schema[name].dataType for name in transform.of}
    odd = [name for name in transform.of if not isinstance(types[name], T.AtomicType) or isinstance(types[name], T.BinaryType)]
    if odd:
        raise UsageError(f"{where}: {transform.name} reads plain values, {odd[0]} is {types[odd[0]].simpleString()[:80]}")
    texts = [named_column(name).cast("string") for name in transform.of]
    present = F.coalesce(*texts).isNotNull()
    first = texts[0]
    separator = F.lit(transform.separator)
    match transform.name:
        case "sha256_id":
            whole = F.concat_ws(_UNIT_SEPARATOR, *(F.coalesce(text, F.lit("")) for text in texts))
            value = F.when(present, F.sha2(whole, 256))
        case "concat":
            value = F.when(present, F.concat_ws(transform.separator or "", *texts))
        case "split":
            # Between \Q and \E a separator is no pattern.
            parts = F.split(first, F.concat(F.lit("\\Q"), separator, F.lit("\\E")))
            value = F.filter(F.transform(parts, lambda part: F.trim(part)), lambda part: part != "")
        case "to_utf8_bytes":
            value = F.encode(first, "UTF-8")
        case "base64_bytes":
            value = F.try_to_binary(first, F.lit("base64"))
        case "utc_timestamp":
            value = F.trim(first).try_cast("timestamp")
        case "epoch_timestamp":
            value = (F.trim(first).try_cast("decimal(20,6)") * 1_000_000).try_cast("bigint")
            value = F.when(value.between(-62_135_596_800_000_000, 253_402_300_799_999_999), F.timestamp_micros(value))
        case _:
            raise AssertionError(f"{transform.name} is listed but not made")
    return value, present & value.isNull()


def _checked(rows: DataFrame, table: Table) -> DataFrame:
    """The rows, refused where a value breaks the contract of its column."""
    breaks = [F.when(check.broken, f"not allowed: rows that {check.says}") for check in checks(table)]
    return rows.withColumn("refused", F.coalesce("refused", *breaks))


def _once(rows: DataFrame, mapping: TableMapping) -> DataFrame:
    """The rows with a key once: equal ones merged where the mapping says so, any other refused."""
    table = mapping.table
    names = [c.name for c in table.columns]
    key = ["ds", *table.key]
    good = F.col("refused").isNull()
    rows = rows.withColumn("good", good).withColumn("values_sha256", _fingerprint(rows, names))
    by_key = Window.partitionBy("good", *key)
    if mapping.merge_equal:
        equal = F.row_number().over(Window.partitionBy("good", *key, "values_sha256").orderBy("source_sha256"))
        rows = rows.withColumn("equal", equal).where(~F.col("good") | (F.col("equal") == 1))
    rows = rows.withColumn("place", F.row_number().over(by_key.orderBy("values_sha256", "source_sha256")))
    again = F.col("good") & (F.col("place") > 1)
    refused = F.when(again, f"repeats the key ({', '.join(table.key)})").otherwise(F.col("refused"))
    # A row without its key has no other name than what it held.
    keyless = F.array_contains(F.array(*(F.col(k).isNull() for k in table.key)), True)
    named = F.when(refused.isNotNull() & keyless, F.to_json(F.struct("source_sha256")))
    return rows.withColumn("refused", refused).select("ds", *names, "refused", named.alias("refused_key"))


def named_column(name: str) -> Column:
    """A column of the file by its exact name."""
    return F.col("`" + name.replace("`", "``") + "`")


def _fingerprint(rows: DataFrame, names: Iterable[str]) -> Column:
    """sha256 (hex) over the values of the columns; bytes by their own hash."""
    parts = []
    for number, name in enumerate(names):
        value = F.sha2(named_column(name), 256) if isinstance(rows.schema[name].dataType, T.BinaryType) else named_column(name)
        parts.append(value.alias(f"_{number}"))
    return F.sha2(F.to_json(F.struct(*parts), {"ignoreNullFields": "false"}), 256)
