"""The student: trained on what a teacher and people said of pairs up to the day, measured by people on queries that neither saw."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyspark.sql import DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from jobs.lessons import Lesson
from models.recipe import StudentRecipe
from models.specs import ModelError
from schemas.features import NUMBERS, TEXT_NUMBERS
from udfs.queries import normalised_query

COLUMNS = (
    "example_id",
    "labelled_by",
    "model_revision",
    "query",
    "text",
    "target",
    "weight",
    "split",
    "numbers",
    "graph_vector",
    "query_vector",
    "text_vector",
    "level",
    "level_low",
    "level_high",
    "grade",
    "language",
    "entity_type",
    "sources",
)
GRAPH = 256
"""Numbers of the embedding of an entity alone."""


@dataclass(frozen=True)
class TrainStudentParams(StudentRecipe):
    """The recipe, what it starts from, and how much it is given; ModelError where it makes no sense."""

    encoder: str = "encoder"
    """The small language model of the student: a spec (docs/models.md), or the name of a model that counts."""
    multiple: float = 0.0
    """At most so many pairs that a teacher labelled for each training pair that people graded, drawn by hash; 0: all there are."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.multiple < 0:
            raise ModelError(f"multiple is 0 or more, got {self.multiple}")

    def starts(self) -> dict[str, str]:
        """The models to start from, by their part."""
        return {"encoder": self.encoder}

    def recipe(self) -> StudentRecipe:
        """The recipe alone."""
        return StudentRecipe(**{field.name: getattr(self, field.name) for field in fields(StudentRecipe)})


def build(examples: DataFrame) -> DataFrame:
    """What was labelled, the newest label of a pair by whoever labelled it, as the trainer and the judge read it.

    A query that people graded belongs to the part that it has there, whatever the shares of `student_examples`: else a student could learn
    its teacher's labels of queries by which it is measured.
    """
    place = F.row_number().over(W.partitionBy("example_id").orderBy(F.desc("ds")))
    rows = examples.withColumn("_place", place).where("_place = 1").withColumn("_key", normalised_query("query"))
    graded = rows.where(F.col("labelled_by") == "human").groupBy("_key").agg(F.min("split").alias("_graded"))
    rows = rows.join(graded, "_key", "left").withColumn("split", F.coalesce("_graded", "split"))
    return rows.select(*COLUMNS)


def train(lesson: Lesson) -> dict[str, Any]:
    """Fills the lesson's folder with a student; what its card tells of the run."""
    from models.student_training import train as trained

    params: TrainStudentParams = lesson.params
    table = read(lesson.rows)
    learnt, looked_at = parts(table, params)
    told = trained(
        learnt, looked_at, lesson.starts["encoder"].folder, NUMBERS, len(TEXT_NUMBERS), params.recipe(), lesson.work, lesson.out, lesson.say
    )
    by = table.filter(pc.field("split") == "train").group_by("labelled_by").aggregate([([], "count_all")]).to_pylist()
    return {**told, "labelled_by": {row["labelled_by"]: row["count_all"] for row in by}}


def read(rows: Path) -> pa.Table:
    """The staged rows, in an order that does not depend on how they were staged."""
    return ds.dataset(rows, format="parquet").to_table().sort_by("example_id")


def parts(table: pa.Table, params: TrainStudentParams) -> tuple[Any, Any]:
    """(learnt, looked at): training pairs of teachers and people, and validation pairs, of people where they graded any.

    Of teachers' pairs at most `multiple` times as many as people graded, drawn by hash: those of a smaller multiple are among them.
    """
    people, teachers = (table.filter((pc.field("split") == "train") & (pc.field("labelled_by") == by)) for by in ("human", "teacher"))
    if params.multiple:
        teachers = teachers.slice(0, round(params.multiple * len(people)))  # in the order of example_id, which is a hash
    people = people if params.human_weight else people.slice(0, 0)
    weights = teachers["weight"].to_numpy() ** params.sampling
    weights = weights / weights.mean() if len(weights) else weights
    looked_at = table.filter(pc.field("split") == "validation")
    graded = looked_at.filter(pc.field("labelled_by") == "human")
    looked_at = graded if len(graded) else looked_at
    learnt = examples(pa.concat_tables([teachers, people]), np.concatenate([weights, np.full(len(people), params.human_weight)]))
    return learnt, examples(looked_at, np.ones(len(looked_at)))


def examples(rows: pa.Table, weight: np.ndarray) -> Any:
    """The rows as models/student_training.py takes them; weights are those given."""
    from models.columns import vectors_of
    from models.student_training import Examples

    sides = [rows[name].combine_chunks().dictionary_encode() for name in ("query", "text")]
    distinct = [side.dictionary.to_pylist() for side in sides]
    places = [side.indices.to_numpy().astype(np.int64) for side in sides]
    target = vectors_of(rows["target"], 5).astype(np.float64)
    graph = vectors_of(rows["graph_vector"], GRAPH).astype(np.float32)
    numbers = vectors_of(rows["numbers"], len(NUMBERS)).astype(np.float32)
    known = [_first(rows, name, of) for name, of in (("query_vector", places[0]), ("text_vector", places[1]))]
    return Examples(distinct[0], distinct[1], places[0], places[1], target, weight, graph, numbers, known[0], known[1])


def _first(rows: pa.Table, name: str, of: np.ndarray) -> np.ndarray | None:
    """The vector of each distinct text, from the first row that has it, nan where that has none; None where no row has one."""
    from models.columns import vectors_of

    if name not in rows.column_names or rows[name].null_count == len(rows):
        return None
    first = np.unique(of, return_index=True)[1]
    return vectors_of(rows[name].take(pa.array(first))).astype(np.float32)
