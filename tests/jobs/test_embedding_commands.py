"""Commands of the joint embedding on a lake of pins, products and searches: real Spark, real Delta, a small model."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from jobs import given
from jobs.commands import Lake
from jobs.days import Days
from jobs.errors import PinlakeError, UsageError
from jobs.planner import Wanted
from jobs.settings import load
from models.served import ServedQueries
from schemas import embeddings, evaluation, raw, training
from schemas.contract import Table
from tests.models.folders import encoder
from tests.replay import frame
from udfs.vectors import as_floats

DAYS = Days("2026-01-30", "2026-02-02")
LAST, BEFORE = Days(DAYS.last, DAYS.last), Days(DAYS.first, "2026-02-01")
WORDS = "blue lamp soup red table".split()
PARAMS = {
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
        "epochs": 20,
        "rate": 1e-2,
        "encoder_rate": 1e-2,
        "sketch": 1024,
        "warm_queries": 200,
        "warm_rate": 1e-2,
    },
}


def raw_rows() -> dict[Table, list[dict[str, Any]]]:
    """Pins and products of five words, and people who ask for a word and save what is of it."""
    pins = [{"pin_id": f"p{n}", "title": f"{WORDS[n % 5]} thing {n}", "language": "en"} for n in range(60)]
    products = [{"product_id": f"s{n}", "title": f"{WORDS[n % 5]} product {n}", "brand": "Acme"} for n in range(20)]
    events = []
    for d, day in enumerate(DAYS):
        when = dt.datetime.fromisoformat(f"{day}T12:00:00+00:00")
        for word in range(5):
            shown = [("pin", f"p{word + 5 * ((3 * d + n) % 12)}", "save") for n in range(3)]
            shown += [("product", f"s{word + 5 * d}", "add_to_cart"), ("query", f"a {WORDS[word]}", "click")]
            for user in range(3):
                asked = {"request_id": f"r{d}{word}{user}", "user_id": f"u{user}", "language": "en", "country": "US", "ts": when}
                for place, (kind, one, action) in enumerate(shown):
                    row = {"entity_type": kind, "entity_id": one, "action": action, "position": place + 1}
                    row["offsite"] = user == 0 and kind == "product"
                    events.append({"ds": day, "event_id": f"e{d}{word}{user}{place}", "query": f"the {WORDS[word]}", **asked, **row})
                followed = {"entity_type": "pin", "entity_id": f"p{word}", "action": "impression", "offsite": False, "position": 1}
                events.append({"ds": day, "event_id": f"f{d}{word}{user}", "query": f"a {WORDS[word]}", **asked, **followed})
    new = {"ds": DAYS.last, "pin_id": "new", "title": "red lamp", "language": "en"}
    return {
        raw.PIN_UPDATES: [{"ds": DAYS.first, **one} for one in pins] + [new],
        raw.PRODUCT_UPDATES: [{"ds": DAYS.first, **one} for one in products],
        raw.SEARCH_EVENTS: events,
    }


@pytest.fixture(scope="module")
def lake(spark, tmp_path_factory):
    """Three days without a model, then one that is trained on the fourth."""
    folder = tmp_path_factory.mktemp("given")
    small = encoder(folder / "encoder", "cls")
    settings = {"warehouse": str(tmp_path_factory.mktemp("ware house")), "master": "local[2]", "params": PARAMS}
    made = Lake(load({**settings, "engine": {"threads": 1, "precision": "fp32"}, "models": {"encoder": f"path:{small}"}}))
    for table, rows in raw_rows().items():
        given.write(made.store, made.runner.run_id, "test", table, frame(spark, table, rows), DAYS)
    with pytest.raises(PinlakeError, match="no joint embedding counts on 2026-02-02; run first: pinlake run embeddings --day 2026-02-02"):
        made.evaluate_embeddings(LAST, 100, False)
    made.trained = made.run("embeddings", LAST, upstream=True, force=True)[0]
    model = made.trained["jobs"]["train_embeddings"]["model"]
    if not model["promoted"]:  # some ten pairs: chance may decide
        made.models_promote("embedder", model["spec"], DAYS.last)
        made.runner.models.forget()
    made.night = made.run("nightly", LAST, upstream=True, force=True)[0]
    return made


def test_all_that_is_trained_on_is_made_and_a_model_is_judged_by_recall(lake):
    jobs = lake.trained["jobs"]
    assert {"entity_inputs", "embedding_pairs", "query_pin", "query_query", "random_negatives", "vocabulary", "train_embeddings"} <= set(
        jobs
    )
    assert "mean recall@10" in jobs["train_embeddings"]["model"]["why"]
    pairs = lake.store.frame(training.QUERY_PIN)
    assert pairs.groupBy("query", "entity_id").count().where("count > 1").isEmpty(), "a pair is given once"
    assert pairs.select("query").distinct().count() == 5
    assert lake.store.frame(training.QUERY_PRODUCT_OFFSITE).count() == 20


def test_a_night_asks_about_what_lives_and_the_same_night_again_asks_nothing(lake):
    jobs = lake.night["jobs"]
    assert jobs["embedding_answers"]["asked"] == 61 + 20 + 10
    tables = (embeddings.PINS, embeddings.PRODUCTS, embeddings.QUERIES)
    counts = {table.name: lake.store.frame(table).where("not deleted").count() for table in tables}
    assert counts == {"embeddings.pins": 61, "embeddings.products": 20, "embeddings.queries": 10}
    length = F.aggregate(as_floats(F.col("vector")), F.lit(0.0), lambda so_far, one: so_far + one.cast("double") * one)
    lengths = lake.store.frame(embeddings.PINS).select(length.alias("n"))
    assert all(abs(row.n - 1) < 0.01 for row in lengths.collect())
    by_sql = lake.spark.sql(f"select size(vector_of(vector)) as n from delta.`{lake.store.path(embeddings.PINS)}` limit 1").collect()
    assert [row.n for row in by_sql] == [16]
    wanted = tuple(lake.lineage.writers[table] for table in tables)
    versions = [lake.store.ledger(table).version for table in tables]
    done = lake.runner.run(Wanted(wanted, LAST, upstream=True, force=True))
    assert all(one.version is None for one in done), "equal days are left alone"
    assert versions == [lake.store.ledger(table).version for table in tables]


def test_recall_is_kept_by_task_and_slice(lake):
    found, text = lake.evaluate_embeddings(LAST, 100, True)
    told = found["data_sets"]["query_pin"]
    assert told["pairs"] == 15
    assert set(told["systems"]) == {"omnisearchsage", "bm25", "untrained encoder"}
    recall = told["systems"]["omnisearchsage"]["recall@10"]
    assert 0 <= recall["lower"] <= recall["value"] <= recall["upper"] <= 1
    assert "omnisearchsage minus" in text
    kept = lake.store.frame(evaluation.METRICS).where("evaluation = 'embeddings' and slice = 'all' and data_set = 'query_pin'")
    assert kept.where("metric = 'omnisearchsage recall@10'").collect()[0].value == pytest.approx(recall["value"], abs=1e-3)
    assert len(found["neighbours"]) == 3


def test_variants_are_trained_and_what_cannot_differ_is_not(lake):
    found, text = lake.evaluate_embeddings(LAST, 100, False, 0.5)
    rows = {row["variant"]: row for row in found["ablations"]}
    assert len(rows) == 21
    assert rows["+ board titles"]["not_run"] == "no entity has board titles"
    assert set(rows["all"]["recall"]) >= {"query_pin", "query_product", "query_pin among existing"}
    assert any(row["variant"].endswith("alone") and "recall" in row for row in found["ablations"])
    assert "without compatibility" in text
    kept = lake.store.frame(evaluation.METRICS).where("evaluation = 'embedding_ablation' and slice = 'all'")
    assert kept.count() == len(rows["all"]["recall"])


def test_the_query_encoder_is_timed_as_a_server_runs_it(lake):
    found, text = lake.evaluate_serving(LAST, 10)
    told = found["query_encoder"]
    assert 0 < told["p50_ms"] <= told["p99_ms"]
    assert told["parity"]["rows"] == 10, "public queries"
    assert told["parity"]["largest_difference"] < 1e-4
    assert "student" not in found
    assert "the query encoder of the joint embedding" in text


def test_any_file_is_embedded_and_keeps_its_rows(lake, tmp_path):
    pd.DataFrame({"query": ["the red", None, "a lamp"], "n": [1, 2, 3]}).to_csv(tmp_path / "queries.csv", index=False)
    told, _ = lake.embed(tmp_path / "queries.csv", "query", "embedder", tmp_path / "out.parquet")
    rows = pd.read_parquet(tmp_path / "out.parquet")
    assert (told["rows"], told["refused"]) == (3, 1)
    assert list(rows.columns) == ["query", "n", "vector", "model_revision", "refused"]
    assert list(rows["refused"]) == [None, "no query", None]
    assert np.linalg.norm(rows["vector"][0]) == pytest.approx(1, abs=1e-3)
    pd.DataFrame({"title": ["red thing 3", None], "board_titles": [["Red", "Things"], None]}).to_parquet(tmp_path / "pins.parquet")
    lake.embed(tmp_path / "pins.parquet", "pin", "embedder", tmp_path / "pins.jsonl")
    pins = pd.read_json(tmp_path / "pins.jsonl", lines=True)
    assert [len(one) if one else 0 for one in pins["vector"]][0] == 16
    for kind, file, why in (("board", "pins", "'board' cannot be embedded"), ("query", "pins", "has no column query")):
        with pytest.raises(UsageError, match=why):
            lake.embed(tmp_path / f"{file}.parquet", kind, "embedder", tmp_path / "none.parquet")
    pd.DataFrame({"words": ["a"]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(UsageError, match="no column that is read of a product"):
        lake.embed(tmp_path / "other.parquet", "product", "embedder", tmp_path / "none.parquet")


def test_training_rows_are_exported_as_the_authors_trainer_reads_them(lake, tmp_path):
    told, _ = lake.export("omnisearchsage", tmp_path / "out", LAST)
    folders = {"query_pin", "query_product", "query_product_offsite", "query_query", "negatives_pin", "negatives_product"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == folders | {"vocabularies"}
    rows = lake.store.frame(training.QUERY_PIN).count()
    assert told["rows"]["query_pin"] == rows == len(pq.read_table(tmp_path / "out" / "query_pin"))
    words = pq.read_table(tmp_path / "out" / "vocabularies" / "unigram")
    assert words.schema.names == ["token", "idx"]
    assert words["idx"].to_pylist() == list(range(len(words)))
    with pytest.raises(UsageError, match="holds something already"):
        lake.export("omnisearchsage", tmp_path / "out", LAST)
    with pytest.raises(PinlakeError, match="features.vocabulary has no 2026-02-01; run first: pinlake run vocabulary --day 2026-02-01"):
        lake.export("omnisearchsage", tmp_path / "other", BEFORE)


def test_the_query_encoder_is_exported_with_its_tokenizer(lake, tmp_path):
    told, _ = lake.export("query_encoder", tmp_path / "served", LAST)
    assert {"query.onnx", "query.json", "tokenizer.json"} <= set(told["bytes"])
    served = ServedQueries(tmp_path / "served").vectors(["the red", "a lamp"])
    pd.DataFrame({"query": ["the red", "a lamp"]}).to_csv(tmp_path / "queries.csv", index=False)
    lake.embed(tmp_path / "queries.csv", "query", "embedder", tmp_path / "out.parquet")
    assert np.abs(served - np.stack(pd.read_parquet(tmp_path / "out.parquet")["vector"])).max() < 1e-4
    with pytest.raises(PinlakeError, match="no joint embedding counts on 2026-02-01"):
        lake.export("query_encoder", tmp_path / "none", BEFORE)
