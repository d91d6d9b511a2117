"""Promotions: which model counts on which day, and how its files come to executors."""

from __future__ import annotations

import pytest

from jobs import models
from jobs.errors import UsageError
from jobs.models import EVER, listed, promote, promoted, promotions, sent, shared
from jobs.settings import load
from jobs.store import Store
from models.specs import ModelError, SpecError
from models.store import ModelStore
from tests.models.folders import plain
from udfs.engine.archives import local_folder


@pytest.fixture
def lake(spark, warehouse):
    return Store(spark, str(warehouse))


@pytest.fixture
def folders(tmp_path):
    """Two models."""
    return [plain(tmp_path / name, more__txt=name) for name in ("one", "two")]


def settings(tmp_path, **values):
    return load({"models_cache": str(tmp_path / "models cache"), **values}, {"PINLAKE_CONFIG": "/dev/null"})


def silent(line):
    pass


def test_before_the_first_promotion_the_setting_counts_and_later_days_keep_what_was_promoted(lake, tmp_path, folders):
    one, two = (f"path:{folder}" for folder in folders)
    mine = settings(tmp_path, models={"encoder": one})
    assert [(p.since, p.spec, p.named) for p in promotions(lake, mine, "encoder")] == [(EVER, one, "flag")]
    done = promote(lake, mine, "encoder", two, "2026-01-05", 1e9, silent)
    promote(lake, mine, "captioner", one, "2026-01-01", 1e9, silent)
    promote(lake, mine, "encoder", one, "2026-01-09", 1e9, silent)
    specs = {day: promoted(lake, mine, "encoder", day).spec for day in ("2026-01-04", "2026-01-05", "2026-01-08", "2026-01-09")}
    assert specs == {"2026-01-04": one, "2026-01-05": two, "2026-01-08": two, "2026-01-09": one}
    other = settings(tmp_path, models={"encoder": "none"})
    assert promoted(lake, other, "encoder", "2026-01-06") == done, "an edit of the settings changes no day that a promotion covers"
    assert promoted(lake, other, "encoder", "2026-01-04") is None


def test_of_two_promotions_of_one_day_the_later_written_counts_and_both_rows_stay(lake, tmp_path, folders):
    one, two = (f"path:{folder}" for folder in folders)
    mine = settings(tmp_path, models={"encoder": "none"})
    for spec, now in ((one, 2e9), (two, 1e9)):
        promote(lake, mine, "encoder", spec, "2026-01-05", now, silent)
    assert [p.spec for p in promotions(lake, mine, "encoder")] == [one]
    rows = lake.frame(models.ops.MODELS).orderBy("promoted_at").collect()
    assert [(r.name, r.promoted_ds, r.spec, r.metrics) for r in rows] == [("encoder", "2026-01-05", s, None) for s in (two, one)]


def test_what_cannot_be_a_model_is_not_promoted(lake, tmp_path, folders):
    mine = settings(tmp_path)
    (folders[0] / "evil.py").write_text("import os")
    cases = {
        ("captionr", f"path:{folders[1]}", "2026-01-01"): (
            UsageError,
            "'captionr' is nothing that a model is asked as; there are captioner",
        ),
        ("encoder", "hf:a/b@main", "2026-01-01"): (SpecError, "'main' is not a commit"),
        ("encoder", f"path:{folders[0]}", "2026-01-01"): (ModelError, "can run code"),
        ("encoder", f"path:{folders[1]}", "tomorrow"): (ValueError, "'tomorrow' is not a day"),
    }
    for (name, spec, day), (error, reason) in cases.items():
        with pytest.raises(error, match=reason):
            promote(lake, mine, name, spec, day, 1e9, silent)
    assert lake.commits(models.ops.MODELS) == []
    with pytest.raises(UsageError, match="'captionr' is nothing"):
        promotions(lake, settings(tmp_path, models={"captionr": "none"}), "encoder")


def test_the_list_fetches_nothing_and_says_where_each_model_is_named(lake, tmp_path, folders):
    mine = settings(tmp_path, models={"captioner": "none"})
    promote(lake, mine, "encoder", f"path:{folders[0]}", "2026-01-05", 1e9, silent)
    result, text = listed(lake, mine)
    assert [p["named"] for p in result["models"]["encoder"]] == ["default", "ops.models"]
    assert result["models"]["captioner"] == []
    assert "not here yet" in text
    assert "not connected" in text


def test_executors_of_one_machine_or_of_shared_storage_read_the_folder_itself(spark, tmp_path, folders):
    mine = settings(tmp_path)
    found = ModelStore(mine.models_cache).resolved(f"path:{folders[0]}")
    assert shared(spark, mine, found) == local_folder(str(found.folder)) == str(found.folder)


def test_elsewhere_an_archive_is_sent_once_a_session_and_unpacked_where_tasks_run(spark, tmp_path, folders):
    cache = settings(tmp_path).models_cache
    found = ModelStore(cache).resolved(f"path:{folders[0]}")
    before = len(spark.sparkContext.listArchives)
    place = sent(spark, cache / "archives", found)
    assert sent(spark, cache / "archives", found) == place
    assert len(spark.sparkContext.listArchives) == before + 1

    def names(batches):
        from pathlib import Path

        import pyarrow as pa

        for _ in batches:
            folder = Path(local_folder(place))
            yield pa.RecordBatch.from_pydict(
                {"name": sorted(f.name for f in folder.iterdir()), "text": [(folder / "more.txt").read_text()] * 3}
            )

    rows = spark.range(1).mapInArrow(names, "name string, text string").collect()
    assert [(r.name, r.text) for r in rows] == [("config.json", "one"), ("model.safetensors", "one"), ("more.txt", "one")]
