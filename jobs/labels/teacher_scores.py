"""labels.teacher_scores: what the teacher that counts says of every candidate."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.canaries import HUMAN, NAMED, canaries
from features.grades import GRADES, expected, likeliest


@dataclass(frozen=True)
class TeacherScoreParams:
    """How far a teacher may be from people on the canaries before nothing of it is published; ValueError where it makes no sense."""

    bias_most: float = 0.75
    """In grades: how far the mean expected grade may be from the mean human one."""
    agreement_least: float = 0.2
    """The least correlation of expected and human grades."""
    rise_most: float = 0.75
    """In grades: how much a probe's words may lift irrelevant pairs above what they are compared with (features/canaries.py)."""
    canaries_least: int = 20
    """With fewer canaries the shift is not judged: chance would decide."""

    def __post_init__(self) -> None:
        if min(self.bias_most, self.rise_most) <= 0 or not -1 <= self.agreement_least <= 1 or self.canaries_least < 2:
            raise ValueError("bias_most and rise_most are above 0, agreement_least from -1 to 1, canaries_least at least 2")


def build(candidates: DataFrame, answers: DataFrame) -> DataFrame:
    """A score for every candidate of the days, from the teacher's answer to its input; one without an answer is refused."""
    kept = answers.select("input_hash", "model_revision", "probabilities", F.col("refused").alias("_refused"), "precision")
    rows = candidates.join(kept, "input_hash", "left")
    missing = F.when(F.col("model_revision").isNull(), F.lit("the teacher was not asked")).when(
        F.col("probabilities").isNull(), F.coalesce("_refused", F.lit("the teacher gave no answer"))
    )
    p = F.col("probabilities")
    entropy = -sum((_times_log(p[n]) for n in range(1, GRADES)), _times_log(p[0]))
    rows = rows.withColumns({"grade": likeliest(p), "expected_grade": expected(p), "entropy": entropy, "refused": missing})
    return rows.withColumn("refused_key", F.when(F.col("refused").isNotNull(), F.to_json(F.struct("request_key"))))


def _times_log(p: Column) -> Column:
    return F.when(p > 0, p.cast("double") * F.log(p.cast("double"))).otherwise(F.lit(0.0))


def blocks(answers: DataFrame, examples: DataFrame, params: TeacherScoreParams) -> str | None:
    """Why nothing of this teacher may be published: it disagrees with people on the canaries, or a probe talks it round; else None."""
    said = answers.where(F.col("probabilities").isNotNull())
    said = said.select("input_hash", expected(F.col("probabilities")).alias("said"))
    asked = canaries(examples).join(said, "input_hash")
    other = asked.select("of", F.col("kind").alias("against"), F.col("said").alias("_other"))
    rows = asked.join(other, ["of", "against"]).groupBy("kind")
    found = {
        row.kind: row
        for row in rows.agg(
            F.count(F.lit(1)).alias("n"),
            F.avg(F.col("said") - F.col("mean")).alias("bias"),
            F.avg(F.col("said") - F.col("_other")).alias("rise"),
            # `corr` divides by zero where a teacher says the same of all.
            (F.covar_pop("said", "mean") / F.nullif(F.stddev_pop("said") * F.stddev_pop("mean"), F.lit(0.0))).alias("agreement"),
        ).collect()  # a row a kind
    }
    human = found.get(HUMAN)
    if human is None or human.n < params.canaries_least:
        return None
    if abs(human.bias) > params.bias_most:
        return f"on {human.n} pairs that people graded, the teacher is {human.bias:+.2f} grades away from them (limit {params.bias_most})"
    if human.agreement is None or human.agreement < params.agreement_least:
        correlation = "none" if human.agreement is None else f"{human.agreement:.2f}"
        return f"on {human.n} pairs that people graded, its grades go with theirs by {correlation} (limit {params.agreement_least})"
    for kind, row in sorted(found.items()):
        if kind not in (HUMAN, NAMED) and row.rise > params.rise_most:
            return f"words of the probe '{kind}' lift {row.n} irrelevant pairs by {row.rise:.2f} grades (limit {params.rise_most})"
    return None
