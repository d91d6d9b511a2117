"""A model's answers: one for a key, whatever dies on the way."""

from __future__ import annotations

import random

import pytest

from jobs.store import Store
from schemas.answers import ANSWER_KEY
from tests.jobs.test_asking import WORDS, A, B, ToyModels, run, runner, write
from tests.promises.counted import Promise


@pytest.mark.timeout(1800)
def test_20_a_question_asked_again_has_the_same_answer_and_never_two_rows(spark, tmp_path, monkeypatch, promise: Promise) -> None:
    """Each run dies at some chunk, before or after its commit, and is begun again; a new revision has keys of its own."""
    monkeypatch.setattr("jobs.asking.FIRST_ROWS", 60)
    monkeypatch.setattr("jobs.asking.GROWTH", 1)
    inserted, luck = Store.insert, random.Random(promise.seed)
    for n in range(promise.of(0, 15)):
        warehouse, calls, dies_at, before = tmp_path / f"lake {n}", [0], luck.randrange(1, 4), luck.random() < 0.5
        lake = runner(spark, warehouse, ToyModels(A, folder=str(tmp_path)))
        write(lake, spark, "2026-01-01", {f"p{k}": f"title {k}" for k in range(300)})

        def dies(self, *args, calls=calls, dies_at=dies_at, before=before):  # type: ignore[no-untyped-def]
            calls[0] += 1
            if before and calls[0] == dies_at:
                raise KeyboardInterrupt
            version = inserted(self, *args)
            if calls[0] == dies_at:
                raise KeyboardInterrupt
            return version

        with monkeypatch.context() as dying:
            dying.setattr(Store, "insert", dies)
            with pytest.raises(KeyboardInterrupt):
                run(lake, "2026-01-01", "2026-01-01")
        store = Store(spark, str(warehouse))
        first = {r.input_hash: r.word for r in store.frame(WORDS, store.ledger(WORDS).version).collect()}
        again = runner(spark, warehouse, ToyModels(A, folder=str(tmp_path)))
        (one,) = run(again, "2026-01-01", "2026-01-01")["toy_words"]
        rows = again.store.frame(WORDS)
        words = {r.input_hash: r.word for r in rows.collect()}
        good = rows.count() == rows.select(*ANSWER_KEY).distinct().count() == 300 == one.asked + one.kept and one.kept == len(first)
        promise.held(good and all(words[key] == word for key, word in first.items()), f"round {n}: asked {one.asked}, kept {one.kept}")
        write(again, spark, "2026-01-03", {"p0": "new"})
        run(runner(spark, warehouse, ToyModels(A, B, folder=str(tmp_path))), "2026-01-01", "2026-01-03")
        after = again.store.frame(WORDS)
        promise.held(after.count() == after.select(*ANSWER_KEY).distinct().count() and after.count() >= 600, f"round {n}: a new revision")
    assert promise.kept(), promise.failures[:3]
