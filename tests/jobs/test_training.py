"""A model is trained once for what it is made of, a killed training goes on, and a worse model does not count."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs import given, training
from jobs.days import Days
from jobs.errors import PinlakeError
from jobs.evaluation.teacher import Judgement
from jobs.lessons import Lesson
from jobs.lineage import Lineage
from jobs.model_plan import Models
from jobs.planner import Wanted
from jobs.runner import Runner
from jobs.settings import load
from jobs.spec import Input, Train, past
from jobs.store import Store
from schemas import ops, raw
from schemas.contract import DAILY, Table
from schemas.training import TRAINED
from tests.jobs import toys
from tests.models.folders import plain
from udfs.engine.task import Asking

KINDS = Table("toys.models", DAILY, "Models of counts.", ("model",), TRAINED)
DAY, NEXT, LAST = "2026-01-01", "2026-01-02", "2026-01-03"


@dataclass(frozen=True)
class KindParams:
    """Where it starts from, and how good it comes out."""

    quality: float = 0.5
    die: bool = False

    def starts(self) -> dict[str, str]:
        return {"body": "encoder"}


def rows_of(counts: DataFrame) -> DataFrame:
    return counts.where("n > 0").select("ds", "n", F.lit("train").alias("split"))


def train_kind(lesson: Lesson) -> dict[str, Any]:
    """Counts its calls in the work folder; with `die`, the first one is killed after it has begun."""
    begun = lesson.work / "begun"
    calls = int(begun.read_text()) if begun.is_file() else 0
    begun.write_text(str(calls + 1))
    if lesson.params.die and not calls:
        raise KeyboardInterrupt
    n = ds.dataset(lesson.rows, format="parquet").count_rows()
    plain(lesson.out, seen__txt=f"{n} rows from {lesson.starts['body'].content_hash}")
    return {"calls": calls + 1, "rows": n, "quality": lesson.params.quality}


def measured(rows: Path, asking: Asking, say: Any) -> dict[str, Any]:
    return {"mean_auroc": len((Path(asking.folder) / "seen.txt").read_text()) / 1_000}


def judged(rows: Path, new: Mapping[str, Any], old: Asking | None, encoder: Path, say: Any) -> Judgement:
    quality = json.loads((rows.parent / rows.name.replace(".rows", "") / "card.json").read_bytes())["run"]["quality"]
    other = 0.0 if old is None else json.loads((Path(old.folder) / "card.json").read_bytes())["run"]["quality"]
    return Judgement(quality >= other, f"{quality} beside {other}", {"quality": quality})


KIND = Train(
    "toy_model",
    build="tests.jobs.test_training:rows_of",
    output=KINDS,
    inputs={"counts": Input(toys.CHANGED_PINS, past())},
    params="KindParams",
    model="teacher",
    trainer="tests.jobs.test_training:train_kind",
    measure="tests.jobs.test_training:measured",
    judge="tests.jobs.test_training:judged",
    loader="tests.udfs.engine.toys:load",
    beside="encoder",
)
JOBS = (*toys.JOBS, KIND)


@pytest.fixture
def lake(spark, warehouse, tmp_path):
    settings = load(
        {
            "warehouse": str(warehouse),
            "models_cache": str(tmp_path / "cache"),
            "models": {"encoder": f"path:{plain(tmp_path / 'start')}"},
        },
        {"PINLAKE_CONFIG": "/dev/null"},
    )

    def made(**params):
        store = Store(spark, str(warehouse))
        return Runner(store, Lineage(JOBS), {"toy_model": params}, say=lambda line: None, models=Models(store, settings))

    first = made()
    for day, pins in ((DAY, ["p1", "p2"]), (NEXT, []), (LAST, ["p3"])):
        rows = toys.updates(spark, [(day, pin, f"title {pin}") for pin in pins])
        given.write(first.store, "run_raw", "test", raw.PIN_UPDATES, rows, Days(day, day))
    return made


def trained(runner, day):
    """What became of the model of the day."""
    done = runner.run(Wanted((KIND,), Days(day, day), upstream=True, force=True))
    return next(one for one in done if one.job == "toy_model")


def promotions(runner):
    return [(r.promoted_ds, r.content_hash) for r in runner.store.frame(ops.MODELS).orderBy("promoted_at").collect()]


def test_a_model_is_trained_once_for_its_rows_and_counts_from_its_day(lake):
    first = trained(lake(), DAY)
    assert (first.model["kept"], first.model["promoted"], first.model["why"]) == (False, True, "0.5 beside 0.0")
    folder = Path(first.model["spec"].removeprefix("path:"))
    card = json.loads((folder / "card.json").read_bytes())
    assert (card["model"], card["job"], card["day"], card["run"]["rows"]) == ("teacher", "toy_model", DAY, 1)
    assert card["metrics"]["mean_auroc"] > 0
    assert card["starts_from"]["body"]["spec"].startswith("path:")
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name, f"{folder.name}.lock"], "nothing is left beside"
    again = trained(lake(), DAY)
    assert (again.model["kept"], again.model["why"], again.version) == (True, f"it counts already, from {DAY} on", None)
    quiet = trained(lake(), NEXT)
    assert (quiet.model["kept"], quiet.model["content_hash"]) == (True, first.model["content_hash"]), "a day without new rows"
    more = trained(lake(), LAST)
    assert (more.model["kept"], more.model["promoted"]) == (False, True)
    runner = lake()
    assert promotions(runner) == [(DAY, first.model["content_hash"]), (LAST, more.model["content_hash"])]
    rows = {r.ds: r for r in runner.store.frame(KINDS).collect()}
    assert {day: row.content_hash for day, row in rows.items()} == {
        DAY: first.model["content_hash"],
        NEXT: first.model["content_hash"],
        LAST: more.model["content_hash"],
    }
    assert rows[LAST].rows == {"train": 2}


def test_a_worse_model_is_kept_and_written_down_but_does_not_count(lake):
    good = trained(lake(), DAY)
    worse = trained(lake(quality=0.3), DAY)
    assert (worse.model["promoted"], worse.model["why"]) == (False, "0.3 beside 0.5")
    runner = lake(quality=0.3)
    assert promotions(runner) == [(DAY, good.model["content_hash"])]
    assert [r.content_hash for r in runner.store.frame(KINDS).collect()] == [worse.model["content_hash"]]
    assert Path(worse.model["spec"].removeprefix("path:")).is_dir()


def test_a_killed_training_goes_on_in_its_folder_and_nothing_half_done_is_seen(lake):
    with pytest.raises(KeyboardInterrupt):
        trained(lake(die=True), DAY)
    runner = lake(die=True)
    folder = runner.models.trained() / "teacher"
    assert [path.suffix for path in folder.iterdir() if path.is_dir() and path.suffix != ".rows"] == [".work"]
    assert not runner.store.commits(KINDS)
    after = trained(runner, DAY)
    card = json.loads((Path(after.model["spec"].removeprefix("path:")) / "card.json").read_bytes())
    assert card["run"]["calls"] == 2, "the second call found what the first had left"
    assert after.model["promoted"]


def _hold(work: str, held: Any, over: Any) -> None:
    with training.alone(Path(work), KIND):
        held.set()
        over.wait(30)


def test_two_runs_do_not_train_one_model_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, over = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(tmp_path / "k.work"), held, over))
    other.start()
    assert held.wait(60)
    why = "toy_model: another run trains the same model in .*k.work; wait for it"
    with pytest.raises(PinlakeError, match=why), training.alone(tmp_path / "k.work", KIND):
        pass
    over.set()
    other.join()
    with training.alone(tmp_path / "k.work", KIND):
        pass
