"""Word match of a query with a text: as a kept library scores it, and by definition."""

from __future__ import annotations

import random

import bm25s
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.matching import K1, MADE_OF, B, bm25, matched_text, numbers, phrase, share, text_numbers
from features.words import words
from schemas.features import MATCHED, TEXT_NUMBERS


def test_bm25_is_what_a_kept_library_says_of_the_same_corpus(spark: SparkSession) -> None:
    luck = random.Random(7)
    vocabulary = [f"w{n}" for n in range(30)]
    corpus = [[luck.choice(vocabulary[: luck.randint(2, 30)]) for _ in range(luck.randint(1, 25))] for _ in range(200)]
    queries = [["w1"], ["w0", "w3", "w29"], ["w2", "w2", "w5"], ["unknown", "w4"], ["unknown"]]
    library = bm25s.BM25(k1=K1, b=B, method="lucene", dtype="float64")
    library.index(corpus, show_progress=False)
    known = [[word for word in query if word in library.vocab_dict] for query in queries]
    expected = [list(library.get_scores(query)) if query else [0.0] * len(corpus) for query in known]

    found_in = {word: sum(word in text for text in corpus) for word in vocabulary}
    rows = [(q, n, query, text) for q, query in enumerate(queries) for n, text in enumerate(corpus)]
    frame = spark.createDataFrame(rows, "q int, n int, query array<string>, text array<string>")
    counts = F.map_from_arrays(F.lit(list(found_in)), F.lit(list(found_in.values())).cast("array<bigint>"))
    score = bm25(F.col("query"), F.col("text"), counts, F.lit(len(corpus)), F.lit(sum(map(len, corpus))))
    for row in frame.select("q", "n", score.alias("score")).collect():
        assert row.score == pytest.approx(expected[row.q][row.n], abs=1e-6)
    assert max(max(one) for one in expected) > 1


def test_a_phrase_is_the_whole_query_in_its_order(spark: SparkSession) -> None:
    cases = [
        ("red vase", "a red vase on a table", 1.0, 1.0),
        ("red vase", "vase red", 0.0, 1.0),
        ("red vase", "a red tall vase", 0.0, 1.0),
        ("red red vase", "red vase", 0.0, 1.0),
        ("red vase lamp", "a red lamp", 0.0, 2 / 3),
        ("ed vas", "red vase", 0.0, 0.0),
        ("...", "red vase", 0.0, 0.0),
        ("vase", "", 0.0, 0.0),
    ]
    frame = spark.createDataFrame([(n, c[0], c[1]) for n, c in enumerate(cases)], "n int, query string, text string")
    query, text = words(F.col("query")), words(F.col("text"))
    rows = frame.select("n", phrase(query, text).alias("phrase"), share(query, text).alias("share")).orderBy("n").collect()
    assert [(r.phrase, pytest.approx(r.share)) for r in rows] == [(c[2], c[3]) for c in cases]


def test_the_numbers_of_a_text_are_of_all_lines_and_of_the_first_without_their_labels(spark: SparkSession) -> None:
    rows = [
        (0, "Red Vase", "title: tall vase\nimage: a red vase\ntime: 12:30 noon"),
        (1, "title", "title: vase"),
        (2, None, "title: vase"),
        (3, "vase", None),
        (4, "12 30", "title: a\ntime: 12:30 noon"),
    ]
    frame = spark.createDataFrame(rows, "n int, query string, text string")
    found = frame.select("n", *text_numbers(F.col("query"), F.col("text"))).orderBy("n").collect()
    values = [tuple(row[name] for name in TEXT_NUMBERS) for row in found]
    assert values == [(2.0, 1.0, 1.0, 0.0, 0.5), (1.0, 0.0, 0.0, 0.0, 0.0), (None,) * 5, (None,) * 5, (2.0, 1.0, 1.0, 0.0, 0.0)]


def test_what_is_not_known_is_null_in_its_place(spark: SparkSession) -> None:
    row = spark.range(1).select(numbers({"b": F.lit(2.5), "d": F.lit(None)}, ("a", "b", "c", "d")).alias("n")).first()
    assert row.n == [None, 2.5, None, None]


def test_a_source_of_several_columns_is_one_text(spark: SparkSession) -> None:
    types = {"link_title": "string", "link_description": "string", "colors": "array<string>"} | {
        name: "string" for name in MADE_OF["product"]["description"] if name != "colors"
    }
    nothing = dict.fromkeys(types)
    rows = [nothing | {"n": 0, "link_title": "Shop", "colors": ["red", "blue"], "brand": "Lux"}, nothing | {"n": 1}]
    ddl = "n int, " + ", ".join(f"{name} {kind}" for name, kind in types.items())
    frame = spark.createDataFrame([tuple(r[name] for name in ("n", *types)) for r in rows], ddl)
    texts = [matched_text("product", source, types).alias(source) for source in ("link", "description")]
    assert [tuple(r) for r in frame.orderBy("n").select(*texts).collect()] == [("Shop", "Lux\nred\nblue"), (None, None)]
    assert set(MADE_OF["pin"]) == set(MADE_OF["product"]) == set(MATCHED)
