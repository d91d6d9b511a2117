from __future__ import annotations

from pathlib import Path

from features.logs import kept
from jobs.store import Store


def test_a_run_keeps_rows_in_a_folder_of_its_own_and_gives_the_session_its_folder_back(spark, tmp_path):
    context = spark.sparkContext
    store = Store(spark, str(tmp_path / "lake"))
    for before in (None, str(tmp_path / "own")):
        context._jsc.sc().setCheckpointDir(before)
        with store.keeping("run_1"):
            assert "_staging/run_1/kept" in context.getCheckpointDir()
            assert {Path(file).parent.parent.parent.name for file in kept(spark.range(3)).inputFiles()} == {"kept"}
        after = context.getCheckpointDir()
        assert after is None if before is None else f"/{Path(before).name}/" in after
        assert not (tmp_path / "lake/_staging/run_1/kept").exists()
    assert kept(spark.range(3)).count() == 3
    context._jsc.sc().setCheckpointDir(None)


def test_of_two_jobs_that_keep_rows_at_the_same_time_the_last_one_clears_the_folder(spark, tmp_path):
    store = Store(spark, str(tmp_path / "lake"))
    beside = store.through(spark.newSession())
    with store.keeping("run_1"):
        with beside.keeping("run_1"):
            rows = kept(spark.range(3))
        assert rows.count() == 3
    assert not (tmp_path / "lake/_staging/run_1/kept").exists()
    assert spark.sparkContext.getCheckpointDir() is None
