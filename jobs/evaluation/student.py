"""How well a student agrees with people: it is measured by what they graded alone, never by labels of its teacher."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from jobs.errors import Refused
from jobs.evaluation.teacher import Judgement, compared, judging, of_pairs
from udfs.engine.task import Asking
from udfs.student import ASKS

STUDENT = "student"


def graded(rows: Path | pa.Table) -> pa.Table:
    """The rows of training.student_examples that people graded."""
    table = rows if isinstance(rows, pa.Table) else ds.dataset(rows, format="parquet").to_table()
    return table.filter(pc.field("labelled_by") == "human")


def measures(rows: Path | pa.Table, asking: Asking, say: Callable[[str], None]) -> dict[str, Any]:
    """{mean_auroc, pairs, data_sets} of a student on test queries, with all that tables know of the pairs."""
    return of_pairs(judging(graded(rows)), asking, say, ASKS)


def judged(rows: Path, new: Mapping[str, Any], old: Asking | None, encoder: Path, say: Callable[[str], None]) -> Judgement:
    """A new student, by what `measures` found of it, beside the one that counts."""
    return compared(judging(graded(rows)), new, old, STUDENT, encoder, say, ASKS)


def refuse_own_labels(rows: pa.Table, model_revision: str) -> None:
    """Nothing; Refused where the model of that revision labelled some of the rows by which it would be judged."""
    if "model_revision" not in rows.column_names:
        return
    own = pc.sum(pc.equal(rows["model_revision"], model_revision)).as_py() or 0
    if own:
        raise Refused(
            f"{own} of {len(rows)} labels were made by the model that they would judge ({model_revision}): measure it by people's grades"
        )
