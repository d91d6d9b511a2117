"""The commands end to end on a small sample lake: real Spark, real Delta, all jobs."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from jobs import tracing
from jobs.commands import Lake, as_of
from jobs.days import Days
from jobs.demo import SPARK
from jobs.errors import PinlakeError, Refused, UsageError
from jobs.planner import Wanted
from jobs.registry import JOBS
from jobs.registry import job as registered
from jobs.scoring import ADDED
from jobs.settings import load
from jobs.spec import Ask
from schemas import evaluation, features, labels, ops, raw, signals, state, texts, training
from schemas.features import NUMBERS, TEXT_NUMBERS
from tests.models.folders import encoder

ROOT = Path(__file__).parents[2]
PINS, SEED = 300, 7
DAYS = Days("2026-01-30", "2026-02-02")
PARAMS = {
    "train_teacher": {"minutes": 0.1, "warm_pairs": 64, "epochs": 1},
    "teacher_examples": {"validation": 0.2, "test": 0.3},
    "candidates": {"size": 60},
    "train_student": {"encoder_minutes": 0.1, "epochs": 4},
    "teacher_scores": {"bias_most": 4.0, "agreement_least": -1.0, "rise_most": 4.0},
}
SHORT = SPARK["spark.driver.extraJavaOptions"]
MEASURED = ("captions", "teacher", "distillation")
BACKFILLED = "engaged_queries"
ELSEWHERE = ("embedding_answers", "pin_embeddings", "product_embeddings", "query_embeddings")
RUN = tuple(job for job in JOBS if "embeddings" not in job.tags and job.name not in ELSEWHERE)
"""The jobs that are run here: those of the joint embedding are in test_embedding_commands.py."""
PINLAKE = str(Path(sys.executable).with_name("pinlake"))


@pytest.fixture(scope="module")
def lake(spark, tmp_path_factory):
    """A sample lake of four days over a month's first, and the nightly jobs run on it once."""
    # A random encoder of two layers in place of the default one: what counts here is that every part of a training runs.
    small = encoder(tmp_path_factory.mktemp("models") / "encoder")
    made = Lake(
        load(
            {
                "warehouse": str(tmp_path_factory.mktemp("ware house")),
                "master": "local[2]",
                "params": PARAMS,
                "engine": {"threads": 1},
                "models": {"encoder": f"path:{small}"},
            }
        )
    )
    made.sample(PINS, DAYS, SEED)
    made.first_run = made.run("nightly", DAYS, upstream=True, force=True)[0]
    planner = made.runner.planner()
    made.nightly = [job for job in made.lineage.jobs if "nightly" in job.tags and not planner.not_connected(job)]
    last = Days(DAYS.last, DAYS.last)
    made.taught = made.run("teacher", last, upstream=True, force=True)[0]
    if not made.taught["jobs"]["train_teacher"]["model"]["promoted"]:  # a few dozen test pairs: chance may decide
        made.models_promote("teacher", made.taught["jobs"]["train_teacher"]["model"]["spec"], DAYS.last)
        made.runner.models.forget()
    made.labelled = made.run("labels", last, upstream=True, force=True)[0]
    made.learnt = made.run("students", last, upstream=True, force=True)[0]
    if not made.learnt["jobs"]["train_student"]["model"]["promoted"]:
        made.models_promote("student", made.learnt["jobs"]["train_student"]["model"]["spec"], DAYS.last)
        made.runner.models.forget()
    return made


def names(jobs):
    return [job.name for job in jobs]


def interrupted(*told, **options):
    raise InterruptedError


def files(lake):
    root = Path(lake.settings.warehouse)
    return {p for p in root.rglob("*") if p.is_file() and p.relative_to(root).parts[0] not in ("ops", "_staging")}


def test_a_nightly_run_tells_rows_changes_refusals_versions_and_digests_of_every_job(lake):
    jobs = lake.first_run["jobs"]
    assert list(jobs) == [job.name for job in lake.nightly]
    assert len(jobs) >= 16
    for name, told in jobs.items():
        asks = isinstance(registered(name), Ask)
        counts = {"asked", "kept"} if asks else set()
        assert set(told) == {"output", "rows", "changed", "quarantined", "seconds", "version", "digests"} | counts, name
        assert list(told["digests"]) == list(DAYS), name
        # Answers are committed chunk by chunk, all other days of a first run at once.
        assert told["version"] > 0 if asks else told["version"] == 0, name
    assert jobs["pins"]["rows"] > PINS
    assert jobs["engagement_daily"]["quarantined"] > 0
    assert jobs["link_texts"]["quarantined"] > 0


def test_the_same_run_again_has_the_same_digests_and_leaves_no_file(lake):
    """But for the jobs that a killed backfill computes anew, below."""
    before = files(lake)
    backfilled = lake.lineage.upstream([registered(BACKFILLED)])
    jobs = tuple(job for job in lake.nightly if job not in backfilled)
    again, _ = lake.told(lake.runner.run(Wanted(jobs, Days(DAYS.last, DAYS.last), upstream=False, force=True)), 0.0)
    assert files(lake) == before
    assert again["asked"] == 0 < lake.first_run["asked"]
    assert set(again["jobs"]) == {job.name for job in jobs}
    for name, told in again["jobs"].items():
        assert told["changed"] == 0, name
        assert told["digests"] == {DAYS.last: lake.first_run["jobs"][name]["digests"][DAYS.last]}, name
    assert lake.plan("nightly", DAYS, upstream=True)[0]["compute"] == []
    assert lake.run("pin_texts", DAYS, upstream=True, force=False)[0]["jobs"] == {}


def test_every_live_pin_has_a_text_row_and_every_source_is_there(lake):
    def live(table):
        return as_of(lake.store.frame(table), table, DAYS.last, DAYS.first)

    pins, described = live(state.PINS), live(texts.PINS)
    assert described.count() == pins.count() > 0.9 * PINS
    assert described.join(pins, "pin_id", "left_anti").count() == 0
    counts = {source: described.where(f"array_contains(sources, '{source}')").count() for source in texts.SOURCES}
    assert min(counts.values()) > 0, counts
    assert counts["caption"] > 0.95 * described.count(), "a few images are broken"
    bare = described.where("title is null and description is null").count()
    assert 0.2 < bare / described.count() < 0.4


def test_captions_of_the_shipped_captioner_name_what_was_planted_far_above_chance(lake):
    day = Days(DAYS.last, DAYS.last)
    found, text = lake.evaluate_captions(None, day)
    assert found["rows"] >= 0.97 * found["images"] > 250
    for part, least in {"object": 0.8, "color": 0.9, "style": 0.9}.items():
        assert found[part]["share"] >= least
        assert found[part]["shuffled"] < 0.5 * found[part]["share"]
        assert f"{part}: right {found[part]['right']}" in text
    again, _ = lake.evaluate_captions(None, day)
    kept = lake.store.frame(evaluation.METRICS).where("evaluation = 'captions' and metric = 'object_share'").collect()
    assert again == found
    assert [(row.data_set, row.value, row["count"]) for row in kept] == [("sample.truth", found["object"]["share"], found["images"])]


def test_rare_and_private_queries_stay_in_raw_and_the_signals_that_may_hold_them(lake):
    may = {signals.QUERY_USERS, signals.ENGAGEMENT_DAILY, signals.ENGAGEMENT_TOTALS}
    planted = lake.store.frame(raw.SEARCH_EVENTS).where("query like '%zqsecret%'").count()
    assert planted > 0
    for job in RUN:
        if job.output in may:
            continue
        rows = lake.store.frame(job.output)
        words = [c for c, kind in rows.dtypes if "string" in kind]
        found = rows.where(" or ".join(f"cast({c} as string) like '%zqsecret%'" for c in words)).count()
        assert found == 0, job.output.name
    shown = json.dumps(lake.quarantine_show(None, None, 1000)[0])
    assert "zqsecret" not in shown


def test_refused_rows_are_shown_with_reasons_and_can_be_replayed(lake):
    found, text = lake.quarantine_show("engagement_daily", None, 3)
    assert found["quarantined"] == lake.first_run["jobs"]["engagement_daily"]["quarantined"]
    assert "days from its day" in text
    replayed, _ = lake.quarantine_replay("link_texts", DAYS)
    assert replayed["refused_before"] == replayed["refused_after"] > 0
    assert replayed["jobs"]["link_texts"]["changed"] == 0


def test_a_teacher_is_trained_once_for_its_rows_and_counts_from_its_day_on(lake):
    model = lake.taught["jobs"]["train_teacher"]["model"]
    assert not model["kept"]
    assert "mean AUROC" in model["why"]
    card = json.loads((Path(model["spec"].removeprefix("path:")) / "card.json").read_bytes())
    assert card["rows"].keys() == {"train", "validation", "test"}
    assert card["day"] == DAYS.last
    assert card["params"]["warm_pairs"] == PARAMS["train_teacher"]["warm_pairs"]
    assert card["starts_from"]["body"]["spec"] == lake.settings.models["encoder"]
    assert 0 < card["metrics"]["mean_auroc"] <= 1
    before = files(lake)
    again, text = lake.run("teacher", Days(DAYS.last, DAYS.last), upstream=True, force=True)
    assert again["jobs"]["train_teacher"]["model"]["kept"]
    assert again["jobs"]["train_teacher"]["model"]["why"] == f"it counts already, from {DAYS.last} on"
    assert files(lake) == before
    assert [one["since"] for one in lake.models_list()[0]["models"]["teacher"]] == [DAYS.last]


def test_labels_are_asked_once_and_canaries_ride_along(lake):
    jobs = lake.labelled["jobs"]
    scored = jobs["teacher_scores"]["rows"]
    assert scored == jobs["candidates"]["rows"] > 20
    assert jobs["teacher_answers"]["asked"] > scored, "graded pairs and probes are asked too"
    again, _ = lake.run("labels", Days(DAYS.last, DAYS.last), upstream=True, force=True)
    assert (again["asked"], again["jobs"]["teacher_answers"]["kept"]) == (0, jobs["teacher_answers"]["asked"])
    assert again["jobs"]["teacher_scores"]["changed"] == 0
    rows = lake.store.frame(labels.TEACHER_SCORES).collect()
    assert {row.model_revision for row in rows} == {rows[0].model_revision}
    for row in rows:
        p = row.probabilities
        assert sum(p) == pytest.approx(1, abs=1e-5)
        assert row.grade == max(range(5), key=lambda n: p[n]) + 1
        assert row.expected_grade == pytest.approx(sum(n * x for n, x in enumerate(p, 1)), abs=1e-6)


def test_a_shift_on_the_canaries_blocks_the_labels_and_what_was_published_stays(lake):
    strict = Lake(
        load({"warehouse": lake.settings.warehouse, "master": "local[2]", "params": {**PARAMS, "teacher_scores": {"rise_most": 0.0001}}})
    )
    before = lake.store.ledger(labels.TEACHER_SCORES).version
    with pytest.raises(Refused, match=r"labels.teacher_scores, 2026-02-02: .*(grades|lift).*; nothing was published"):
        strict.run("teacher_scores", Days(DAYS.last, DAYS.last), upstream=False, force=True)
    assert lake.store.ledger(labels.TEACHER_SCORES).version == before


def test_a_teacher_is_measured_beside_its_baselines_and_against_what_was_planted(lake):
    found, text = lake.evaluate_teacher(Days(DAYS.last, DAYS.last))
    graded = found["data_sets"]["training.teacher_examples test 1-5"]
    assert set(graded["systems"]) == {"teacher", "prior", "bm25", "cosine", "majority"}
    assert graded["differences"]["prior"]["auroc_3+"]["count"] == graded["pairs"]
    assert graded["systems"]["majority"]["auroc_3+"]["value"] == 0.5
    assert graded["systems"]["bm25"]["auroc_3+"]["value"] > 0.5
    own, other = (graded["systems"][name]["auroc_3+"]["value"] for name in ("teacher", "bm25"))
    assert graded["differences"]["bm25"]["auroc_3+"]["value"] == pytest.approx(own - other, abs=2e-4)
    assert found["data_sets"]["sample.truth"]["pairs"] > 20
    assert "teacher minus" in text
    kept = lake.store.frame(evaluation.METRICS).where("evaluation = 'teacher' and metric = 'teacher auroc_3+' and slice = 'all'")
    assert {row.data_set for row in kept.collect()} == set(found["data_sets"])


def test_a_student_learns_from_its_teachers_labels_and_from_people(lake):
    jobs = lake.learnt["jobs"]
    assert (
        jobs["student_examples"]["rows"]
        == lake.taught["jobs"]["teacher_examples"]["rows"] + lake.labelled["jobs"]["teacher_scores"]["rows"]
    )
    card = json.loads((Path(jobs["train_student"]["model"]["spec"].removeprefix("path:")) / "card.json").read_bytes())
    assert set(card["run"]["labelled_by"]) == {"human", "teacher"}
    assert 0 < card["metrics"]["mean_auroc"] <= 1
    rows = lake.store.frame(training.STUDENT_EXAMPLES).collect()
    assert all(len(row.query_vector) == len(row.text_vector) == 16 for row in rows)
    assert {row.labelled_by for row in rows if row.model_revision} == {"teacher"}
    assert any(row.graph_vector for row in rows)
    numbers = {name: [row.numbers[place] for row in rows] for place, name in enumerate(NUMBERS)}
    assert all(value is not None for name in TEXT_NUMBERS for value in numbers[name])
    for name in ("bm25_title", "share_caption", "search_cosine", "has_boards", "entity_age"):
        assert len({value for value in numbers[name] if value is not None}) > 1, name
    before = files(lake)
    again, _ = lake.run("students", Days(DAYS.last, DAYS.last), upstream=True, force=True)
    assert again["jobs"]["train_student"]["model"]["kept"]
    assert again["asked"] == 0
    assert files(lake) == before


def test_labels_are_asked_of_the_day_alone_whose_students_are_wanted(lake):
    assert list(lake.store.ledger(labels.TEACHER_SCORES).days) == [DAYS.last]
    assert list(lake.store.ledger(training.STUDENT_EXAMPLES).days) == list(DAYS)


def test_students_of_growing_sets_are_measured_beside_their_teacher_and_a_killed_evaluation_goes_on(lake, tmp_path, monkeypatch):
    asked = (Days(DAYS.last, DAYS.last), [0.2, 500.0], tmp_path / "curve.png")
    with monkeypatch.context() as patch:
        patch.setattr("jobs.evaluating.distillation._evaluated", interrupted)
        with pytest.raises(InterruptedError):
            lake.evaluate_distillation(*asked)
    with monkeypatch.context() as patch:
        patch.setattr("models.student_training.train", interrupted)  # what is trained is not trained again
        found, text = lake.evaluate_distillation(*asked)
    assert not list(Path(lake.settings.warehouse).rglob("*.curve"))
    (curve,) = found["curve"].values()
    assert [row["student"] for row in curve][:2] == ["student of people alone", "student 0.2x"]
    assert curve[-1]["student"] == "student 500x"
    assert curve[-1]["projected"]
    assert not curve[1]["projected"]
    assert all(row["accuracy_kept"] > 0 for row in curve)
    assert {"sample.truth"} < set(found["data_sets"])
    assert set(found["data_sets"]["sample.truth"]["systems"]) >= {"teacher", "student of people alone", "student 0.2x"}
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "projected" in text
    kept = lake.store.frame(evaluation.METRICS).where("evaluation = 'distillation' and metric = 'teacher accuracy' and slice = 'all'")
    assert kept.count() == len(found["data_sets"])


def test_the_feed_of_a_months_first_has_no_row_that_only_repeats(lake, tmp_path):
    told, _ = lake.export("entities", tmp_path / "feed", Days("2026-02-01", "2026-02-01"))
    stored = lake.store.frame(features.ENTITIES).where("ds = '2026-02-01'")
    assert told["rows"] == stored.where("changed").count() < stored.count()


def test_a_file_of_pairs_is_scored_row_by_row_in_its_order(lake, tmp_path):
    rows = [("blue lamp", "Blue lamp <b>new</b>", None), ("", "a title", "x"), ("red chair", None, None), ("blue lamp", "Soup", "of peas")]
    frame = pd.DataFrame(rows, columns=["q", "title", "description"]).assign(n=range(4))
    for kind in ("parquet", "csv", "jsonl"):
        given, out = tmp_path / f"pairs.{kind}", tmp_path / f"out.{kind}"
        writers = {
            "parquet": frame.to_parquet,
            "csv": partial(frame.to_csv, index=False),
            "jsonl": partial(frame.to_json, orient="records", lines=True),
        }
        writers[kind](given)
        told, _ = lake.score(given, "teacher", "q", ["title", "description"], out)
        assert (told["rows"], told["refused"]) == (4, 2)
        found = {"parquet": pd.read_parquet, "csv": pd.read_csv}.get(kind, partial(pd.read_json, lines=True))(out)
        # Spark reads the keys of JSON lines in the order of their names.
        own = ["q", "title", "description", "n"]
        assert list(found.columns) == [*(sorted(own) if kind == "jsonl" else own), *ADDED]
        assert found["n"].astype(int).tolist() == [0, 1, 2, 3]
        assert found["refused"].tolist()[1:3] == ["no query", "no text"]
        assert found["p1"].isna().tolist() == [False, True, True, False]
        good = found.iloc[[0, 3]].astype({f"p{n}": float for n in range(1, 6)})
        assert good[[f"p{n}" for n in range(1, 6)]].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-4)
        assert set(good["model_revision"]) == {told["model_revision"]}
        assert sorted(tmp_path.iterdir()) == sorted({*tmp_path.glob("pairs.*"), *tmp_path.glob("out.*")}), "nothing is left beside"
    spec = lake.taught["jobs"]["train_teacher"]["model"]["spec"]
    elsewhere = Lake(load({"warehouse": str(tmp_path / "none"), "master": "local[2]"}))
    assert elsewhere.score(given, spec.removeprefix("path:"), "q", ["title"], tmp_path / "again.jsonl")[0]["rows"] == 4
    assert not (tmp_path / "none").exists(), "no warehouse is needed"


WRONG_FILES = [
    ({"query": "no_such"}, "has no column no_such; it has q, title, description, n"),
    ({"texts": ["title", "title"]}, "--text names a column twice"),
    ({"out": "x.xlsx"}, "must end in one of .parquet, .csv, .jsonl, or be a folder's"),
    ({"model": "techer"}, "neither the name of a model .* nor a folder nor a spec"),
    ({"file": "none.parquet"}, "there is no such file"),
]


def test_what_cannot_be_scored_is_refused_by_name(lake, tmp_path):
    given = tmp_path / "pairs.parquet"
    pd.DataFrame([("a", "b", "c", 1)], columns=["q", "title", "description", "n"]).to_parquet(given)
    for values, why in WRONG_FILES:
        asked = {"file": given.name, "model": "teacher", "query": "q", "texts": ["title"], "out": "out.parquet", **values}
        with pytest.raises(UsageError, match=why):
            lake.score(tmp_path / asked["file"], asked["model"], asked["query"], asked["texts"], tmp_path / asked["out"])


def test_a_label_is_traced_to_its_model_texts_and_log_days_by_a_tree_and_by_the_query_of_the_docs(lake):
    lines = tracing.drawn(lake.traced(labels.TEACHER_SCORES, DAYS.last))
    assert lines[0].startswith(f"labels.teacher_scores {DAYS.last}  v")
    revision = lake.store.frame(labels.TEACHER_SCORES).select("model_revision").distinct().collect()[0].model_revision
    assert any(f"answers.teacher of model {revision}  v" in line for line in lines)
    (query,) = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "lineage.md").read_text(), re.DOTALL)
    query = query.replace("2026-01-15", DAYS.last).replace("WAREHOUSE", lake.settings.warehouse)
    found = {(r.output, r.table): r for r in lake.spark.sql(query).collect()}
    assert found["labels.teacher_scores", "answers.teacher"].model_revision == revision
    events = found["labels.candidates", "raw.search_events"]
    assert (events.first_ds, events.last_ds) == (DAYS.first, DAYS.last)
    version = found["labels.candidates", "texts.pins"].table_version
    assert DAYS.last in lake.store.commits(texts.PINS)[version].metadata["days"]
    with pytest.raises(PinlakeError, match="labels.teacher_scores has no 2026-03-01; published: version"):
        lake.traced(labels.TEACHER_SCORES, "2026-03-01")


def test_the_page_of_a_day_shows_its_jobs_and_pins_and_no_query_that_is_not_public(lake, tmp_path):
    told, _ = lake.report(DAYS.last, tmp_path / "pages" / "page.html", 60, 20)
    page = (tmp_path / "pages" / "page.html").read_text()
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert told["pins"] == len(data["pins"]) == 60
    shown = set(re.findall(r"<tr><td>(\w+)</td>", page))
    assert set(names(RUN)) & {r.job for r in lake.store.frame(ops.RUNS).collect()} <= shown
    assert told["runs"] >= 25
    public = {r.query for r in as_of(lake.store.frame(signals.PUBLIC_QUERIES), signals.PUBLIC_QUERIES, DAYS.last, DAYS.first).collect()}
    asked = {one["query"] for one in data["queries"]} | {one["query"] for pin in data["pins"] for one in pin["labels"]}
    asked |= {query for pin in data["pins"] for query in pin["engaged_queries"] or []}
    assert asked <= public
    assert len(data["queries"]) == min(20, len(public)) > 0
    assert "texts.pins: shares" in page


def test_a_plan_says_how_long_it_may_take_from_what_jobs_took_before(lake):
    later = Days("2026-02-03", "2026-02-03")
    plan, text = lake.plan("pins", later, upstream=False)
    assert plan["compute"][0]["seconds"] > 0
    assert plan["seconds"] == pytest.approx(plan["compute"][0]["seconds"], abs=0.1)
    assert plan["never_ran"] == []
    assert "takes    about" in text


def test_a_lake_with_other_days_is_not_mixed_with_this_one(lake):
    with pytest.raises(UsageError, match="holds a sample lake with other days"):
        lake.sample(PINS, Days("2026-01-31", "2026-02-02"), SEED)


def test_newest_first_is_refused_where_a_change_log_is_computed(lake):
    with pytest.raises(UsageError, match="--newest-first: .*state.pins.* are change logs, which are computed oldest first"):
        lake.run("nightly", DAYS, upstream=True, force=False, newest_first=True)


def test_the_account_of_runs_is_shown_and_rebuilt(lake):
    assert len(lake.runs(5, rebuild=False)[0]["runs"]) == 5
    rebuilt = lake.runs(500, rebuild=True)[0]["runs"]
    assert {r["job"] for r in rebuilt} == {"sample", *(f"evaluate_{name}" for name in MEASURED), *(job.name for job in RUN)}
    assert lake.published(texts.PINS).startswith("version 0, 4 days from 2026-01-30 to 2026-02-02")


def test_a_backfill_killed_in_the_middle_and_begun_again_gives_the_digests_of_an_undisturbed_run(lake, tmp_path):
    """Killed at a moment that the machine chooses: while the job after the second published one is under way."""
    warehouse, below = tmp_path / "ware house", lake.lineage.upstream([registered(BACKFILLED)])
    shutil.copytree(Path(lake.settings.warehouse) / "raw", warehouse / "raw")
    (tmp_path / "pinlake.toml").write_text(f'[spark]\n"spark.driver.extraJavaOptions" = "{SHORT}"\n')
    command = [PINLAKE, "backfill", BACKFILLED, "--upstream", "--first", DAYS.first, "--last", DAYS.last, "--master", "local[2]"]
    killed = subprocess.Popen(
        [*command, "--warehouse", str(warehouse)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=tmp_path,
    )
    told = 0
    for line in killed.stderr:
        told += "published" in line
        if told == 2:
            break
    time.sleep(0.8)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    killed.stderr.close()
    assert told == 2
    other = Lake(load({"warehouse": str(warehouse), "master": "local[2]"}))
    result, _ = other.run(BACKFILLED, DAYS, upstream=True, force=False)
    assert 0 < len(result["jobs"]) < len(below), "what was published before the kill is not computed again"
    for one in below:
        digests = {day: published.digest for day, published in other.store.ledger(one.output).days.items()}
        assert digests == lake.first_run["jobs"][one.name]["digests"], one.name
