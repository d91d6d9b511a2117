"""Writes a small sample lake and its pinlake.toml: `python -m tests.airflow_dags.lake FOLDER whole|raw`, in the jobs' environment."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from airflow_dags.pipelines import pipelines
from jobs.commands import Lake
from jobs.days import Days, shifted
from jobs.demo import SPARK
from jobs.planner import Wanted
from jobs.registry import job
from jobs.settings import load
from tests.models.folders import encoder

FIRST = "2026-01-30"
PINS, SEED = 300, 7
LAST = {"whole": shifted(FIRST, 2), "raw": shifted(FIRST, 4)}
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
    """The lake; of `whole` all days but the last are made, of `raw` nothing is."""
    days = Days(FIRST, LAST[which])
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
    lake = Lake(load(settings))
    lake.sample(PINS, days, SEED)
    if which == "whole":
        before = Days(days.first, shifted(days.last, -1))
        steps = [step.name for page in pipelines() if page.name != "weekly" for step in page.steps]
        lake.runner.run(Wanted(tuple(job(name) for name in steps), before, upstream=False, force=False))


def _toml(settings: dict[str, object], name: str = "") -> str:
    """Tables and values; a JSON string, number or boolean is one of TOML, too."""
    values = [f"{json.dumps(key)} = {json.dumps(one)}" for key, one in settings.items() if not isinstance(one, dict)]
    lines = [f"[{name}]", *values] if name and values else values
    for key, one in settings.items():
        if isinstance(one, dict):
            lines += ["", _toml(one, f"{name}.{json.dumps(key)}" if name else json.dumps(key))]
    return "\n".join(lines)


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2])
