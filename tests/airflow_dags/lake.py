"""Small sample lakes for tests of the DAGs, in the jobs' environment: `python -m tests.airflow_dags.lake FOLDER whole|begun|corrupt`.

whole: three days of which all but the last are made. begun: nine days of which SOME is made of the first three.
corrupt: of a lake that was begun, nearly all events of the last day are lost, as where another system's job broke.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from deltalake import DeltaTable

from airflow_dags.pipelines import pipelines
from jobs.commands import Lake
from jobs.days import Days, shifted
from jobs.demo import SPARK
from jobs.planner import Wanted
from jobs.registry import job
from jobs.settings import load
from tests.models.folders import encoder

DAYS = {"whole": Days("2026-01-30", "2026-02-01"), "begun": Days("2026-01-27", "2026-02-04")}
PINS, SEED = 300, 7
SOME = ("pins", "query_users", "engagement_daily", "engagement_totals")
PARAMS = {
    "train_teacher": {"minutes": 0.1, "warm_pairs": 64, "epochs": 1},
    "teacher_examples": {"validation": 0.2, "test": 0.3},
    "candidates": {"size": 40},
    "train_student": {"encoder_minutes": 0.1, "epochs": 2},
    "teacher_scores": {"bias_most": 4.0, "agreement_least": -1.0, "rise_most": 4.0},
    "public_queries": {"k": 2},
    "random_negatives": {"cycle_days": 2},
    "vocabulary": {"least": 1},
    "train_embeddings": {
        "gap_days": 0,
        "week_days": 1,
        "width": 16,
        "table": 500,
        "hidden": 32,
        "query_layers": 1,
        "batch_size": 32,
        "epochs": 2,
        "sketch": 1024,
        "warm_queries": 200,
    },
}


def write(folder: Path, which: str) -> None:
    """The lake and its pinlake.toml."""
    settings = {
        "warehouse": str(folder / "ware house"),
        "master": "local[2]",
        "driver_memory": "2g",
        "engine": {"threads": 1, "precision": "fp32"},
        "models": {"encoder": f"path:{encoder(folder / 'encoder', 'cls')}"},
        "spark": SPARK,
        "params": PARAMS,
    }
    (folder / "pinlake.toml").write_text(_toml(settings))
    lake, days = Lake(load(settings)), DAYS[which]
    lake.sample(PINS, days, SEED)
    if which == "whole":
        names = [step.name for page in pipelines() if page.name != "weekly" for step in page.steps]
        before = Days(days.first, shifted(days.last, -1))
    else:
        names, before = list(SOME), Days(days.first, shifted(days.first, 2))
    lake.runner.run(Wanted(tuple(job(name) for name in names), before, upstream=False, force=False))


def corrupt(folder: Path) -> None:
    """Deletes the events of the last day but for one in ten."""
    table = DeltaTable(str(folder / "ware house" / "raw" / "search_events"))
    table.delete(f"ds = '{DAYS['begun'].last}' and event_id not like '%0-_'")


def _toml(settings: dict[str, object], name: str = "") -> str:
    """Tables and values; a JSON string, number or boolean is one of TOML, too."""
    values = [f"{json.dumps(key)} = {json.dumps(one)}" for key, one in settings.items() if not isinstance(one, dict)]
    lines = [f"[{name}]", *values] if name and values else values
    for key, one in settings.items():
        if isinstance(one, dict):
            lines += ["", _toml(one, f"{name}.{json.dumps(key)}" if name else json.dumps(key))]
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[2] == "corrupt":
        corrupt(Path(sys.argv[1]))
    else:
        write(Path(sys.argv[1]), sys.argv[2])
