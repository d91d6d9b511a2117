"""The teacher: trained on what people graded up to the day, measured on queries that it never saw."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyspark.sql import DataFrame
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from jobs.lessons import Lesson
from models.recipe import Recipe
from models.specs import ModelError

COLUMNS = ("query", "text", "target", "split", "level", "level_low", "level_high", "grade", "language", "entity_type", "sources")


@dataclass(frozen=True)
class TrainTeacherParams(Recipe):
    """The recipe, and the models that it starts from: specs (docs/models.md), or names of models that count, such as encoder."""

    kind: str = "tuned"
    """tuned, or prompted: a decoder that is asked as it is, and only calibrated."""
    body: str = "encoder"
    """What is tuned: any encoder or decoder of transformers."""
    prior: tuple[str, ...] = ("encoder",)
    """Encoders that read query and text apart and stay as they are; none: ()."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind not in ("tuned", "prompted"):
            raise ModelError(f"kind is tuned or prompted, got {self.kind!r}")

    def starts(self) -> dict[str, str]:
        """The models to start from, by their part."""
        prior = self.prior if self.kind == "tuned" else ()
        return {"body": self.body, **{f"prior_{n}": text for n, text in enumerate(prior)}}

    def recipe(self) -> Recipe:
        """The recipe alone."""
        return Recipe(**{field.name: getattr(self, field.name) for field in fields(Recipe)})


def build(examples: DataFrame) -> DataFrame:
    """What people graded, newest grades of a pair only, as the trainer and the judge read it."""
    return newest(examples).select(*COLUMNS)


def newest(examples: DataFrame) -> DataFrame:
    """The newest example of every pair."""
    place = F.row_number().over(W.partitionBy("example_id").orderBy(F.desc("ds")))
    return examples.withColumn("_place", place).where("_place = 1").drop("_place")


def train(lesson: Lesson) -> dict[str, Any]:
    """Fills the lesson's folder with a teacher; what its card tells of the run."""
    from models.training import Examples
    from models.training import train as trained

    params: TrainTeacherParams = lesson.params
    table = ds.dataset(lesson.rows, format="parquet").to_table(columns=["query", "text", "target", "split"])
    table = table.sort_by([("query", "ascending"), ("text", "ascending")])

    def part(name: str) -> Examples:
        own = table.filter(pc.field("split") == name)
        target = np.asarray(own["target"].combine_chunks().flatten(), np.float64).reshape(-1, 5)
        return Examples(own["query"].to_pylist(), own["text"].to_pylist(), target)

    learnt, looked_at = part("train"), part("validation")
    if not len(learnt) or not len(looked_at):
        raise ModelError(
            f"{len(learnt)} graded pairs of training queries and {len(looked_at)} of validation queries: both are needed. Import more "
            f"labelled queries, or set the shares in [params.teacher_examples]"
        )
    if params.kind == "prompted":
        from models.prompted import PromptedTeacher

        asked = PromptedTeacher.of(lesson.starts["body"].folder, params.max_tokens, "cpu", "fp32")
        calibrated = asked.calibrated(looked_at.queries, looked_at.texts, looked_at.target, lesson.say)
        calibrated.save(lesson.out)
        return {"prompt": calibrated.version, "blend": asdict(calibrated.blend)}
    encoders = [lesson.starts[f"prior_{n}"].folder for n in range(len(params.prior))]
    return trained(learnt, looked_at, lesson.starts["body"].folder, encoders, params.recipe(), lesson.work, lesson.out, lesson.say)
