"""Both faces give every row its answer, on real workers for which the model is loaded once."""

from __future__ import annotations

from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from tests.udfs.engine.toys import Upper
from udfs.engine.faces import ask_in_arrow, asked_udf
from udfs.engine.task import Asking, Budget
from udfs.engine.threads import ThreadPlan


def test_rows_keep_their_answers_through_both_faces_and_all_workers_share_one_load(spark, tmp_path):
    words = ["a", "bb", "vile", None, "ccc", "bb"]
    rows = spark.range(600, numPartitions=6).select(
        "id", F.get(F.array(*(F.lit(word) for word in words)), (F.col("id") % len(words)).cast("int")).alias("text")
    )
    budget = Budget(window_rows=64, batch_rows=8)
    asking = Asking("tests.udfs.engine.toys:load", str(tmp_path), "a" * 64, {"suffix": "!"}, "bf16", plan=ThreadPlan(2, 1), budget=budget)
    udf = asked_udf(asking, "answer", StringType())
    by_udf = rows.select("id", udf("text").alias("_")).select("id", "_.*")
    by_arrow = ask_in_arrow(rows, ["text"], asking, "answer", StringType())
    assert by_arrow.columns == by_udf.columns == ["id", "answer", "refused", "precision"]
    expected = {
        n: (None, "there is nothing to ask about", None)
        if words[n % 6] is None
        else (None, "it is vile", None)
        if words[n % 6] == "vile"
        else (f"{words[n % 6].upper()}!", None, "bf16")
        for n in range(600)
    }
    for frame in (by_udf, by_arrow):
        assert {r.id: (r.answer, r.refused, r.precision) for r in frame.collect()} == expected
    assert len((tmp_path / "loads").read_text().splitlines()) == 1


def test_a_udf_works_from_sql_and_over_several_columns(spark):
    asking = Asking("tests.udfs.engine.toys:load", "", "b" * 64, precision="fp32")
    spark.udf.register("upper_of", asked_udf(asking, "answer", StringType()))
    found = spark.sql("select upper_of(a, b).answer as answer from values ('x', 'y'), (null, 'z'), (null, null) as t(a, b)").collect()
    assert found == [Row(answer="XY"), Row(answer="Z"), Row(answer=None)]
    assert isinstance(asking.load("cpu", "fp32"), Upper)
