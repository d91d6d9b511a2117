"""`pinlake embed`: the joint embedding over any file of queries, pins or products, without tables: its rows and a vector of each."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from features.fields import bounded, columns_of, host
from jobs.cleaning import clean
from jobs.errors import UsageError
from jobs.imports.read import BROKEN
from jobs.scoring import CARRIED, ORDER, as_text, carried, given_back, refusal, refuse_taken, write
from schemas.embeddings import NAMES, VECTORS
from udfs.engine.faces import ask_in_arrow
from udfs.engine.task import Asking
from udfs.joint import ASKS
from udfs.queries import normalised_query

KINDS = ("query", "pin", "product")
ADDED = ("vector", "model_revision", "refused")


def embed(rows: DataFrame, kind: str, asking: Asking, revision: str, out: Path) -> tuple[int, int]:
    """Embeds the rows and writes them; how many there are, and how many of them were refused."""
    slots = max(1, rows.sparkSession.sparkContext.defaultParallelism // asking.plan.threads)
    return write(embedded(rows, kind, asking, revision, slots), out)


def embedded(rows: DataFrame, kind: str, asking: Asking, revision: str, slots: int) -> DataFrame:
    """The rows with ADDED: a vector of length 1, the model, and why there is none. UsageError where no column is any that is read."""
    have = [name for name in rows.columns if name != BROKEN]
    refuse_taken(have, ADDED)
    read = _query(rows, have) if kind == "query" else _entity(rows, kind, have)
    asked = carried(rows, have, list(read.values())).repartition(slots, ORDER)
    none = {name: F.lit(None).cast("binary" if name in VECTORS else "string").alias(name) for name in ASKS}
    if kind == "query":
        asks = none | {"query": F.coalesce(normalised_query("t0"), F.lit("")).alias("query")}
        given_to = asked.select(*CARRIED, *asks.values())
    else:
        said = clean(asked, **{f"s{n}": f"t{n}" for n in range(len(read))})
        fields: dict[str, Column] = {name: F.lit(None).cast("string") for name in NAMES}
        fields |= {name: F.col(f"s{n}") for n, name in enumerate(read)}
        fields |= {name: F.coalesce(fields[name], host(fields["links"])) for name in ("domains", "domain")}
        cut = said.withColumn("_cut", bounded(fields))
        given_to = cut.select(*CARRIED, *(F.col(f"_cut.{n}").alias(n) if n in NAMES else one for n, one in none.items()))
    answers = ask_in_arrow(given_to, list(ASKS), asking, "vector", T.ArrayType(T.FloatType()))
    silent = F.when(F.col("vector").isNull(), F.lit("nothing is known of it"))
    return answers.select(
        ORDER,
        *given_back(have),
        "vector",
        F.lit(revision).alias("model_revision"),
        refusal(F.coalesce("refused", silent)),
    )


def _query(rows: DataFrame, have: list[str]) -> dict[str, Column]:
    if "query" not in have:
        raise UsageError(f"the file has no column query; it has {', '.join(have)}")
    return {"query": as_text(rows, "query")}


def _entity(rows: DataFrame, kind: str, have: list[str]) -> dict[str, Column]:
    """By field, the text of the columns that make it."""
    named = columns_of(kind)
    found = {name: [column for column in columns if column in have] for name, columns in named.items()}
    if not any(found.values()):
        read = ", ".join(dict.fromkeys(column for columns in named.values() for column in columns))
        raise UsageError(f"the file has no column that is read of a {kind}; it has {', '.join(have)}, and what is read is {read}")
    return {name: F.concat_ws("\n", *(as_text(rows, column) for column in columns)) for name, columns in found.items() if columns}
