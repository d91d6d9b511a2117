"""Canaries: the same few graded pairs every day, the lowest of them with words that try to talk a teacher round."""

from __future__ import annotations

from collections import Counter

from features.canaries import HUMAN, PROBES, canaries

DDL = "ds string, query string, text string, mean double, split string"


def test_the_lowest_graded_test_pairs_are_probed_and_the_choice_depends_on_the_pairs_alone(spark):
    rows = [("2026-01-05", f"q{n % 7}", f"title: t{n}", 1.0 + (n % 5), "test" if n % 3 else "train") for n in range(90)]
    rows.append(("2026-01-03", "q1", "title: t1", 4.0, "test"))  # graded on an earlier day as well
    found = canaries(spark.createDataFrame(rows, DDL), most=40, probed=10).collect()
    assert Counter(row.kind for row in found) == {HUMAN: 40, **dict.fromkeys(PROBES, 10)}
    human = {row.input_hash: row for row in found if row.kind == HUMAN}
    assert all(row.of == row.input_hash for row in human.values())
    assert not {row.text for row in human.values()} & {f"title: t{n}" for n in range(0, 90, 3)}, "training pairs are no canaries"
    probed = [row for row in found if row.kind != HUMAN]
    assert sorted({human[row.of].mean for row in probed}) == [1.0, 2.0][: len({human[row.of].mean for row in probed})]
    for row in probed:
        assert row.text.endswith("\n" + human[row.of].text)
        assert row.input_hash not in human
        words, against = PROBES[row.kind]
        assert row.against == against
        assert row.text.startswith(words if isinstance(words, str) else f"{row.query} " * words)
    again = canaries(spark.createDataFrame(list(reversed(rows)), DDL).repartition(5), most=40, probed=10).collect()
    assert sorted(again) == sorted(found)
    both = [row for row in found if (row.query, row.text, row.kind) == ("q1", "title: t1", HUMAN)]
    assert [(row.ds, row.mean) for row in both] in ([], [("2026-01-03", 3.0)])


def test_no_graded_pairs_no_canaries(spark):
    assert canaries(spark.createDataFrame([], DDL)).count() == 0
