"""Teachers beside their baselines: BM25 by its formula, scales apart, and a worse teacher does not count."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.errors import PinlakeError
from jobs.evaluation import teacher as evaluation
from jobs.evaluation.teacher import DataSet, as_json, baselines, data_sets, evaluated, judged, lines, measures, metrics, system
from tests.models.folders import encoder, teacher, with_prior
from udfs.engine.task import Asking

WORDS = "blue lamp soup red table".split()


def rows(n: int = 400, low: int = 1, high: int = 5, split: str | None = None) -> pa.Table:
    """Pairs whose level is the higher the more words they share."""
    luck = np.random.default_rng(n)
    found = []
    for place in range(n):
        query, text = (" ".join(luck.choice(WORDS, 2, replace=False)) for _ in range(2))
        shared = len(set(query.split()) & set(text.split()))
        level = [low, (low + high) // 2, high][shared]
        grade = round(1 + (level - low) * 4 / (high - low))
        part = split or ("test" if hash_of(query) < 2 else "train")
        found.append(
            {
                "query": query,
                "text": f"{text} {place}",
                "target": np.eye(5)[grade - 1].tolist(),
                "split": part,
                "level": float(level),
                "level_low": low,
                "level_high": high,
                "grade": grade if high == 5 else None,
                "language": ["en", None][place % 2],
                "entity_type": "product",
                "sources": ["title"] if place % 3 else ["title", "caption"],
            }
        )
    kinds = {"level_low": pa.int32(), "level_high": pa.int32(), "grade": pa.int32(), "sources": pa.list_(pa.string())}
    schema = pa.schema([(name, kinds.get(name, pa.array([value]).type)) for name, value in found[0].items()])
    return pa.Table.from_pylist(found, schema)


def hash_of(query: str) -> int:
    return sum(map(ord, query)) % 5


def test_pairs_are_told_apart_by_the_scale_of_their_raters() -> None:
    both = pa.concat_tables([rows(300), rows(200, 1, 4)])
    sets = data_sets(both)
    assert [data.name for data in sets] == ["training.teacher_examples test 1-4", "training.teacher_examples test 1-5"]
    assert [len(data.measured) + len(data.fitted) for data in sets] == [200, 300]
    assert list(sets[0].graded().thresholds) == [2, 3, 4]
    assert not set(sets[0].measured["query"].to_pylist()) & set(sets[0].fitted["query"].to_pylist())
    assert data_sets(rows(50, split="train")) == []


def test_bm25_is_that_of_the_formula() -> None:
    """Lucene's variant (Kamphuis et al. 2020): idf ln(1 + (N - n + .5) / (n + .5)), k1 1.5, b .75."""
    data = data_sets(rows(60))[0]
    fitted, measured = evaluation._bm25(data)
    both = pa.concat_tables([data.fitted, data.measured])
    texts = [text.split() for text in dict.fromkeys(both["text"].to_pylist())]
    mean = np.mean([sum(len(word) > 1 for word in text) for text in texts])

    def score(query: str, text: str) -> float:
        words = [word for word in text.split() if len(word) > 1]
        total = 0.0
        for word in query.split():
            n = sum(word in other for other in texts)
            f = words.count(word)
            total += math.log(1 + (len(texts) - n + 0.5) / (n + 0.5)) * f / (f + 1.5 * (0.25 + 0.75 * len(words) / mean))
        return total

    expected = [score(q, t) for q, t in zip(both["query"].to_pylist(), both["text"].to_pylist(), strict=True)]
    assert np.abs(np.concatenate([fitted, measured]) - expected).max() < 1e-5


def test_a_system_that_knows_beats_its_baselines_with_intervals_above_zero(tmp_path: Path) -> None:
    data = data_sets(rows(600))[0]
    truth = np.asarray(data.measured["target"].combine_chunks().flatten()).reshape(-1, 5) * 0.9 + 0.02
    systems = {"teacher": system(truth, data), **baselines(data, encoder(tmp_path / "e"))}
    found = {data.name: evaluated(data, systems)}
    told = as_json(found)[data.name]
    assert told["systems"]["teacher"]["accuracy"]["value"] == 1.0
    assert told["systems"]["bm25"]["auroc_3+"]["value"] > 0.9, "levels are shared words"
    assert told["systems"]["majority"]["auroc_3+"]["value"] == 0.5
    assert told["differences"]["cosine"]["auroc_3+"]["lower"] > 0
    assert set(told["slices"]) == {"language=en", "language=unknown", "with caption", "without caption"}
    rows_of = metrics(found, {"teacher": "r"}, {"t": 3})
    one = next(m for m in rows_of if (m.slice, m.metric) == ("all", "teacher - bm25 auroc_5+"))
    assert (one.data_set, one.model_revisions, one.table_versions) == (data.name, {"teacher": "r"}, {"t": 3})
    table, minus = lines(found)
    assert table[0][0] == f"{data.name}: {told['pairs']} pairs, {told['queries']} queries"
    assert minus[0] == ("teacher minus", "bm25", "cosine", "majority")
    assert next(row for row in minus if row[0] == "auroc_3+")[2].startswith("+0.")


def asking(folder: Path) -> Asking:
    return Asking("udfs.teacher:load", str(folder), str(folder), precision="fp32")


def test_a_worse_teacher_is_not_promoted_and_the_reason_has_the_figures(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    pq.write_table(rows(300), tmp_path / "rows" / "part.parquet")
    said: list[str] = []
    found = measures(tmp_path / "rows", asking(teacher(tmp_path / "t")), said.append)
    assert 0 < found["mean_auroc"] < 1
    assert found["prior_mean_auroc"] is None
    assert found["pairs"] == len(data_sets(tmp_path / "rows")[0].measured)
    better, worse = ({**found, "mean_auroc": found["mean_auroc"] + change} for change in (0.1, -0.1))
    for new, promote in ((better, True), (worse, False), (found, True)):
        one = judged(tmp_path / "rows", new, asking(tmp_path / "t"), tmp_path, said.append)
        assert one.promote is promote
        assert f"{new['mean_auroc']:.3f} on {found['pairs']} pairs of unseen queries, the teacher that counts" in one.why
    first = judged(tmp_path / "rows", {**found, "mean_auroc": 0.0}, None, encoder(tmp_path / "e"), said.append)
    assert (first.promote, first.why.startswith("worse: mean AUROC 0.000")) == (False, True)


def test_what_the_prior_alone_comes_to_is_measured_and_told(tmp_path: Path) -> None:
    table, said = rows(300), list[str]()
    own = measures(table, asking(with_prior(tmp_path / "t")), said.append)
    assert 0 < own["prior_mean_auroc"] < 1
    assert own["prior_mean_auroc"] != own["mean_auroc"]
    pq.write_table(table, tmp_path / "rows.parquet")
    one = judged(tmp_path / "rows.parquet", own, None, encoder(tmp_path / "e"), said.append)
    assert one.metrics["prior_alone"] == own["prior_mean_auroc"]
    assert one.why.endswith(f", its prior alone {own['prior_mean_auroc']:.3f}")


def test_without_graded_pairs_of_unseen_queries_nothing_is_judged(tmp_path: Path) -> None:
    with pytest.raises(PinlakeError, match="no graded pairs of test or validation queries: nothing to judge a model by"):
        measures(rows(50, split="train"), asking(tmp_path), lambda line: None)


def test_levels_between_two_are_rounded_up_and_stay_on_the_scale() -> None:
    table = rows(4, 1, 4).set_column(4, "level", pa.array([1.5, 2.5, 3.49, 4.0]))
    assert DataSet("d", 1, 4, table, table).graded().level.tolist() == [2, 3, 3, 4]
