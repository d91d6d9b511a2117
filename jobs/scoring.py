"""`pinlake score`: a teacher or a student over any file of pairs, without tables: the file's rows and columns, and what it says of each."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from features.assembly import BUDGETS, LABELS, Assembly, Line, joined
from features.grades import expected, likeliest
from features.matching import numbers, text_numbers
from jobs.cleaning import clean
from jobs.errors import UsageError
from jobs.imports.read import BROKEN, EXTENSIONS, named_column
from jobs.registry import train
from jobs.spec import Train
from models.kinds import is_student
from schemas.features import NUMBERS, TEXT_NUMBERS
from udfs.engine.faces import ask_in_arrow
from udfs.engine.task import Asking

ADDED = ("p1", "p2", "p3", "p4", "p5", "grade", "expected_grade", "model_revision", "refused")
ORDER = "_order"
"""The place of a row in the file; left out of what is written."""
CARRIED = (ORDER, "given", "broken")
"""What stands for a row of a file while a model is asked: its place, its columns, and whether its line cannot be read."""
STUDENTS, TEACHERS = "train_student", "train_teacher"
_BUDGET = 400
"""Characters of a column that no text source is named like."""


def job_of(folder: Path) -> Train:
    """The job that trains models such as the one in the folder: a student, else a teacher."""
    return train(STUDENTS if is_student(folder) else TEACHERS)


def score(rows: DataFrame, query: str, texts: Sequence[str], asking: Asking, revision: str, out: Path) -> tuple[int, int]:
    """Scores the rows and writes them; how many there are, and how many of them were refused."""
    slots = max(1, rows.sparkSession.sparkContext.defaultParallelism // asking.plan.threads)
    return write(scored(rows, query, texts, asking, revision, slots), out)


def scored(rows: DataFrame, query: str, texts: Sequence[str], asking: Asking, revision: str, slots: int) -> DataFrame:
    """The rows with ADDED: probabilities of the five grades, the most probable one, their mean, the model, and why there is none.

    The text is made as that of a product is: each column cleaned and cut to its budget, a line each, in the order given, its name the
    line's label. `slots`: how many tasks ask. UsageError names a column that is not there or is there already.
    """
    have = [name for name in rows.columns if name != BROKEN]
    missing = [name for name in (query, *texts) if name not in have]
    if missing:
        raise UsageError(f"the file has no column {missing[0]}; it has {', '.join(have)}")
    refuse_taken(have, ADDED)
    if len(set(texts)) != len(texts):
        raise UsageError(f"--text names a column twice: {', '.join(texts)}")
    asked = carried(rows, have, [as_text(rows, name) for name in (query, *texts)]).repartition(slots, ORDER)
    said = clean(asked, **{f"s{n}": f"t{n}" for n in range(len(texts) + 1)})
    lines = [Line(name, LABELS.get(name, name), F.col(f"s{n}"), BUDGETS.get(name, _BUDGET)) for n, name in enumerate(texts, 1)]
    said = joined(said, lines, Assembly.characters).withColumnRenamed("s0", "query")
    # Not as a UDF: Spark leaves one in place whose arguments are made of lambdas over what other UDFs gave.
    asks = _asks(asking)
    given_to = said.select(*CARRIED, *(one.alias(name) for name, one in asks.items()))
    answers = ask_in_arrow(given_to, list(asks), asking, "p", T.ArrayType(T.FloatType()))
    p = F.col("p")
    return answers.select(
        ORDER,
        *given_back(have),
        *(p[n].alias(f"p{n + 1}") for n in range(5)),
        likeliest(p).alias("grade"),
        expected(p).alias("expected_grade"),
        F.lit(revision).alias("model_revision"),
        refusal(F.col("refused")),
    )


def carried(rows: DataFrame, have: Sequence[str], texts: Sequence[Column]) -> DataFrame:
    """The rows of a file as CARRIED, with the texts t0, t1 ... that a model reads."""
    rows = rows.withColumn(ORDER, F.monotonically_increasing_id())  # in the order of the file; on the way to no table
    given = F.struct(*(named_column(name).alias(f"c{n}") for n, name in enumerate(have))).alias("given")
    broken = F.col(BROKEN).isNotNull() if BROKEN in rows.columns else F.lit(False)
    return rows.select(ORDER, given, broken.alias("broken"), *(text.alias(f"t{n}") for n, text in enumerate(texts)))


def given_back(have: Sequence[str]) -> list[Column]:
    """The file's columns, of CARRIED."""
    return [F.col(f"given.c{n}").alias(name) for n, name in enumerate(have)]


def refusal(why: Column) -> Column:
    """Why a row has no answer: its line cannot be read, or `why`."""
    return F.when(F.col("broken"), F.lit("the line cannot be read")).otherwise(why).alias("refused")


def refuse_taken(have: Sequence[str], added: Sequence[str]) -> None:
    """Nothing; UsageError where the file has a column that would be added to it."""
    taken = [name for name in added if name in have]
    if taken:
        raise UsageError(f"the file has a column {taken[0]} already, which would be written over: leave it out")


def _asks(asking: Asking) -> dict[str, Column]:
    """What the model reads of `query` and `text`, by name; what a student would know of a pair from tables is null."""
    pair = {name: F.col(name) for name in ("query", "text")}
    if asking.loader != train(STUDENTS).loader:
        return pair
    told = dict(zip(TEXT_NUMBERS, text_numbers(*pair.values()), strict=True))
    return {**pair, "numbers": numbers(told, NUMBERS), "graph_vector": F.lit(None).cast("array<float>")}


def as_text(rows: DataFrame, name: str) -> Column:
    """A column as text; UsageError where it holds what no text is."""
    kind = rows.schema[name].dataType
    if isinstance(kind, T.StringType):
        return named_column(name)
    if isinstance(kind, T.ArrayType) and isinstance(kind.elementType, T.StringType):
        return F.array_join(named_column(name), ", ")
    if isinstance(kind, T.AtomicType) and not isinstance(kind, T.BinaryType):
        return named_column(name).cast("string")
    raise UsageError(f"column {name} is {kind.simpleString()[:80]}, which is no text")


def write(rows: DataFrame, out: Path) -> tuple[int, int]:
    """Writes the scored rows in the order of the file: one file of the kind that its name ends in, whole or not at all; without an ending
    a folder of Parquet files. Returns how many rows there are, and how many of them were refused.
    """
    unfinished = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        scored, file = unfinished / "scored", unfinished / "file"
        rows.write.parquet(str(scored))  # asked here, by all tasks; what follows only puts the rows in order
        staged = rows.sparkSession.read.parquet(str(scored))
        counts = staged.agg(F.count(F.lit(1)).alias("all"), F.count("refused").alias("refused")).collect()[0]
        kind = out.suffix.lower()
        ordered = staged.orderBy(ORDER).drop(ORDER) if not kind else staged.repartition(1).sortWithinPartitions(ORDER).drop(ORDER)
        if kind == ".jsonl":
            ordered.write.option("ignoreNullFields", "false").json(str(file))
        elif kind == ".csv":
            ordered.write.option("header", "true").option("escape", '"').csv(str(file))
        else:
            ordered.write.parquet(str(file))
        if kind:
            file = next(part for part in file.iterdir() if part.name.startswith("part-"))
        elif out.is_dir():
            shutil.rmtree(out)
        file.replace(out)
        return counts["all"], counts["refused"]
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def refuse_places(file: Path, out: Path) -> None:
    """Nothing; UsageError where the input is not there, or the output cannot be written as it is named."""
    if not file.exists():
        raise UsageError(f"{file}: there is no such file")
    if out.suffix.lower() not in ("", *EXTENSIONS):
        raise UsageError(f"{out}: the name must end in one of {', '.join(EXTENSIONS)}, or be a folder's")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"{out}: there is no folder {out.absolute().parent}")
    if out.exists() and out.resolve() == file.resolve():
        raise UsageError(f"{out} is the file that is read: name another")
