"""Two thin faces of the operator: an iterator pandas UDF, which jobs, notebooks and SQL call, and `mapInArrow`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark import SparkContext, TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_type

from udfs.engine import cache, threads
from udfs.engine.operator import answered
from udfs.engine.precision import chosen
from udfs.engine.sharing import shared
from udfs.engine.task import Asking, Columns, Task

REFUSED, PRECISION = "refused", "precision"


def asked_udf(asking: Asking, answer: str, kind: T.DataType) -> Any:
    """An iterator pandas UDF over the input columns: a struct of the answer (a field of that name and type), `refused` and `precision`.

    Nondeterministic for Spark, which would otherwise call it twice for a row; never filter after it in the same query.
    """

    def ask(batches: Iterator[tuple[pd.Series, ...]]) -> Iterator[pd.DataFrame]:
        # Of one column, Spark gives the series themselves.
        source = ([pa.Array.from_pandas(one) for one in (batch if isinstance(batch, tuple) else (batch,))] for batch in batches)
        for table in _answers(source, asking, answer, kind):
            yield table.to_pandas(split_blocks=True)

    function: Any = F.pandas_udf(ask, _struct(answer, kind))  # type: ignore[attr-defined]
    function = function.asNondeterministic()
    with shared(asking):
        if SparkContext._active_spark_context:
            function._unwrapped._judf  # noqa: B018 - given to Spark now, with the environment of now
    return function


def ask_in_arrow(rows: DataFrame, inputs: Sequence[str], asking: Asking, answer: str, kind: T.DataType) -> DataFrame:
    """The rows with the answer, `refused` and `precision` in place of the input columns, by `mapInArrow`."""
    kept = [field for field in rows.schema if field.name not in inputs]
    schema = T.StructType([*kept, *_struct(answer, kind)])
    with shared(asking):
        return rows.mapInArrow(partial(_mapped, inputs=tuple(inputs), asking=asking, answer=answer, kind=kind), schema)


def _struct(answer: str, kind: T.DataType) -> T.StructType:
    return T.StructType([T.StructField(answer, kind), T.StructField(REFUSED, T.StringType()), T.StructField(PRECISION, T.StringType())])


def _mapped(
    batches: Iterator[pa.RecordBatch], inputs: tuple[str, ...], asking: Asking, answer: str, kind: T.DataType
) -> Iterator[pa.RecordBatch]:
    """The batches with answers in place of inputs; what is kept of a batch waits in a list that is as short as the window is."""
    waiting: list[pa.RecordBatch] = []

    def source() -> Iterator[Columns]:
        for batch in batches:
            waiting.append(batch.drop_columns(list(inputs)))
            yield [batch.column(name) for name in inputs]

    for table in _answers(source(), asking, answer, kind):
        kept = waiting.pop(0)
        yield pa.RecordBatch.from_arrays([*kept.columns, *table.columns], [*kept.schema.names, *table.schema.names])


def _answers(source: Iterator[Columns], asking: Asking, answer: str, kind: T.DataType) -> Iterator[pa.RecordBatch]:
    """The answer, `refused` and `precision` of every batch of the source."""
    threads.apply(asking.plan)  # in the thread that runs the model: OpenMP keeps its number by thread
    device = threads.device(asking.plan, _resources())
    wanted = to_arrow_type(kind)
    ran = [asking.precision]

    def task(inputs: Columns) -> Task:
        few = [column.slice(0, asking.probe_rows) for column in inputs]
        found = cache.cached(asking, device, lambda: chosen(asking, device, few))
        ran[0] = found.precision
        return found

    for answers, refused in answered(source, task, asking.budget.on(device)):
        precision = pa.array([ran[0]]).take(pa.array([0] * len(refused))) if len(refused) else pa.array([], pa.string())
        precision = pa.compute.if_else(refused.is_null(), precision, pa.scalar(None, pa.string()))
        answers = answers if answers.type == wanted else answers.cast(wanted)
        yield pa.RecordBatch.from_arrays([answers, refused, precision], [answer, REFUSED, PRECISION])


def _resources() -> dict[str, list[str]]:
    """Addresses of the accelerators that Spark gave to this task, by name; empty outside a task."""
    context = TaskContext.get()
    return {} if context is None else {name: list(one.addresses) for name, one in context.resources().items()}
