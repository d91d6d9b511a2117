"""The planner over ledgers alone: what is missing, stale, skipped, and which inputs a day needs."""

from __future__ import annotations

import pytest

from jobs.days import Days
from jobs.errors import PinlakeError, UsageError
from jobs.ledger import Ledger, Published
from jobs.lineage import Lineage
from jobs.planner import Planner, Revision, Wanted, adjacent
from jobs.registry import JOBS, job
from schemas import answers, embeddings, features, labels, raw, signals, state, texts, training

DAYS = Days("2026-01-01", "2026-01-05")


def ledger(days, digest="d", made=None):
    return Ledger(0, {day: Published(f"{digest}{day}", "", 1, 0, (made or {}).get(day, {}), "r", "j", 0) for day in days})


def planner(**ledgers):
    known = {"pins": raw.PIN_UPDATES, "pages": raw.LINK_PAGES, "events": raw.SEARCH_EVENTS, "saves": raw.BOARD_SAVES}
    return Planner(Lineage(JOBS), {known[name]: value for name, value in ledgers.items()})


def current(one, name, days):
    """The planner after the job was published on the days from what is there now."""
    target = job(name)
    for day in days:
        made = one.made_from_step(target, Days(day, day), {day: "d"})[day]
        own = one.ledger(target.output)
        days_now = {**own.days, day: Published("d", "", 1, 0, made, "r", name, 0)}
        one = Planner(one.lineage, {**one.ledgers, target.output: Ledger(0, days_now)}, one.params)
    return one


def wanted(name, days=DAYS, upstream=False, force=False):
    return Wanted((job(name),), days, upstream, force)


def test_an_unknown_target_is_told_what_there_is():
    with pytest.raises(UsageError, match="'nighty' is neither a job nor a tag. Jobs: .*pin_texts.* Tags: .*nightly"):
        planner().targets("nighty")
    jobs, tag = planner().targets("nightly")
    assert tag
    assert [j.name for j in jobs] == [j.name for j in Lineage(JOBS).jobs if "nightly" in j.tags]


def test_days_before_the_first_raw_day_are_clipped_and_missing_days_are_due():
    one = planner(pins=ledger(["2026-01-03", "2026-01-05"]))
    assert one.needed(wanted("pins")) == {"pins": Days("2026-01-03", "2026-01-05")}
    (todo,) = one.todo(wanted("pins"), job("pins"), Days("2026-01-03", "2026-01-05"))
    assert (str(todo.days), todo.why) == ("2026-01-03..2026-01-05", "missing")


def test_a_published_day_is_left_alone_until_an_input_day_or_an_earlier_day_of_its_own_changes():
    one = current(planner(pins=ledger(DAYS)), "pins", DAYS)
    assert one.todo(wanted("pins"), job("pins"), DAYS) == []
    assert [str(t.days) for t in one.todo(wanted("pins", force=True), job("pins"), DAYS)] == ["2026-01-01..2026-01-05"]
    changed = ledger(DAYS).days | ledger(["2026-01-03"], "new").days
    late = Planner(one.lineage, {**one.ledgers, raw.PIN_UPDATES: Ledger(1, changed)})
    (todo,) = late.todo(wanted("pins"), job("pins"), DAYS)
    assert (str(todo.days), todo.why) == ("2026-01-03", "stale (raw.pin_updates changed)")
    other = Published("x", "", 1, 0, one.made_from(job("pins"), "2026-01-02"), "r", "pins", 1)
    own = Planner(one.lineage, {**one.ledgers, state.PINS: Ledger(1, {**one.ledger(state.PINS).days, "2026-01-02": other})})
    (todo,) = own.todo(wanted("pins"), job("pins"), DAYS)
    assert (str(todo.days), todo.why) == ("2026-01-03..2026-01-05", "stale (itself changed)")


def test_changed_parameters_make_days_stale():
    one = current(planner(pages=ledger(DAYS)), "link_texts", DAYS)
    other = Planner(one.lineage, one.ledgers, {"link_texts": "abc"})
    assert [t.why for t in other.todo(wanted("link_texts"), job("link_texts"), DAYS)] == ["stale (params changed)"]


def test_upstream_needs_the_whole_history_of_change_logs_and_the_windows_of_daily_tables():
    one = planner(pins=ledger(DAYS), events=ledger(DAYS), saves=ledger(DAYS))
    spans = one.needed(wanted("pin_texts", Days("2026-01-05", "2026-01-05"), upstream=True))
    above = {j.name for j in Lineage(JOBS).upstream([job("pin_texts")])}
    # No page, product or image was ever written.
    assert set(spans) == above - {"link_texts", "products", "images", "captions", "image_captions"}
    assert set(spans.values()) == {DAYS}
    assert one.needed(wanted("pin_texts", Days("2026-01-05", "2026-01-05"))) == {"pin_texts": Days("2026-01-05", "2026-01-05")}


def test_a_job_whose_required_input_is_not_connected_is_skipped_and_its_optional_readers_are_not():
    one = planner(pins=ledger(DAYS))
    skipped = {s.job.name: s.why for s in one.skipped(Wanted(tuple(JOBS), DAYS, True, False))}
    assert skipped["link_texts"] == "raw.link_pages is not connected (nothing was ever written to it)"
    assert skipped["engaged_queries"].startswith("signals.engagement_totals: ")
    assert "pin_texts" not in skipped
    assert "pins" not in skipped


def test_nothing_is_made_for_a_job_that_cannot_run():
    lake = planner(pins=ledger(DAYS), events=ledger(DAYS))
    without = lake.needed(wanted("pair_features", upstream=True))
    assert {"pair_features", "pin_texts", "candidates"} <= set(without)
    assert not {"pin_embeddings", "query_embeddings", "embedding_answers", "entity_inputs", "head_queries"} & set(without)
    model = {"embedding_answers": [Revision(DAYS.first, "r")]}
    connected = Planner(lake.lineage, lake.ledgers, models=model).needed(wanted("pair_features", upstream=True))
    assert {"pin_embeddings", "query_embeddings", "embedding_answers", "entity_inputs", "head_queries"} <= set(connected)


def test_a_day_before_a_tables_first_is_skipped_with_that_day():
    one = planner(pins=ledger(["2026-03-01"]))
    assert [s.why for s in one.skipped(wanted("pins"))] == ["its first day is 2026-03-01"]


def test_a_missing_input_day_is_an_error_that_names_the_job_to_run():
    one = planner(pins=ledger(DAYS))
    with pytest.raises(PinlakeError, match="pin_texts: state.pins has no 2026-01-01..2026-01-05; run first: pinlake backfill pins"):
        one.check_inputs(job("pin_texts"), DAYS)
    with pytest.raises(PinlakeError, match="pins: state.pins has no 2026-01-01..2026-01-04; run first: pinlake backfill pins"):
        one.check_inputs(job("pins"), Days("2026-01-05", "2026-01-05"))
    one.check_inputs(job("pins"), DAYS)


def test_a_gap_in_an_event_table_is_an_error_that_names_it_and_a_gap_in_updates_is_not():
    events = ledger([d for d in DAYS if d != "2026-01-03"])
    one = planner(events=events, pins=ledger(["2026-01-01", "2026-01-05"]))
    with pytest.raises(PinlakeError, match=r"search_events has no 2026-01-03 \(it has 2026-01-01..2026-01-05 and must have each day\)"):
        one.check_inputs(job("query_users"), DAYS)
    with pytest.raises(PinlakeError, match="raw.search_events has no 2026-01-06"):
        planner(events=ledger(DAYS)).check_inputs(job("query_users"), Days("2026-01-06", "2026-01-06"))
    one.check_inputs(job("pins"), DAYS)


def test_the_plan_foresees_what_a_change_above_may_make_stale():
    one = planner(pins=ledger(DAYS))
    one = current(current(one, "pins", DAYS), "pin_texts", DAYS)
    changed = Ledger(1, ledger(DAYS).days | ledger(["2026-01-04"], "new").days)
    late = Planner(one.lineage, {**one.ledgers, raw.PIN_UPDATES: changed})
    plan = late.plan(wanted("pin_texts", upstream=True), 31)
    assert [(t.job.name, str(t.days), t.why) for t in plan] == [
        ("pins", "2026-01-04", "stale (raw.pin_updates changed)"),
        ("pins", "2026-01-05", "if its earlier days change"),
        ("pin_texts", "2026-01-04..2026-01-05", "if state.pins changes"),
    ]
    assert one.plan(wanted("pin_texts", upstream=True), 31) == []


def test_steps_of_a_plan_are_at_most_as_long_as_asked():
    plan = planner(pins=ledger(DAYS)).plan(wanted("pins"), 2)
    assert [str(t.days) for t in plan] == ["2026-01-01..2026-01-02", "2026-01-03..2026-01-04", "2026-01-05"]


def test_adjacent_days_become_ranges():
    assert [str(d) for d in adjacent(["2026-01-01", "2026-01-02", "2026-01-04"])] == ["2026-01-01..2026-01-02", "2026-01-04"]
    assert adjacent([]) == []


def test_the_tables_of_the_registry_are_known():
    assert {texts.PINS, signals.BOARD_TITLES} <= {j.output for j in JOBS}


def test_the_rows_of_a_step_are_those_of_the_days_it_reads_and_unknown_where_another_system_writes():
    events = ledger(Days("2025-12-30", "2026-01-05"))
    one = planner(events=events)
    assert one.rows_read(job("query_users"), Days("2026-01-04", "2026-01-04")) == 4, "a window of four days, a row each"
    assert one.rows_read(job("query_users"), Days("2026-01-01", "2026-01-02")) == 4, "clipped at the first day"
    assert one.rows_read(job("pin_boards"), DAYS) == 0
    assert planner(events=Ledger(0, events.days, foreign=True)).rows_read(job("query_users"), DAYS) is None
    log = planner(pins=ledger(Days("2025-12-31", "2026-01-03")))
    log = current(log, "pins", Days("2025-12-31", "2026-01-02"))
    opening = 2  # from the month's first day to the day before
    assert log.rows_read(job("pins"), Days("2026-01-03", "2026-01-03")) == 1 + opening


def test_labels_that_nobody_made_are_left_out_but_for_the_days_that_a_command_names():
    days, last = Days("2026-01-01", "2026-01-05"), Days("2026-01-05", "2026-01-05")
    one = Planner(
        Lineage(JOBS),
        {raw.PRODUCT_UPDATES: ledger(days), raw.HUMAN_LABELS: ledger(["2026-01-02"]), training.TEACHER_EXAMPLES: ledger(days)},
        models={"teacher_answers": [Revision("2026-01-02", "r", None)], "text_embeddings": [Revision("0001-01-01", "e", None)]},
    )
    needed = one.needed(Wanted(one.targets("students")[0], last, upstream=True, force=False))
    assert needed["student_examples"] == days
    assert needed["candidates"] == needed["teacher_scores"] == last
    tables = (features.PAIRS, features.QUERIES, features.ENTITIES, answers.TEXT_EMBEDDINGS, state.PRODUCTS, texts.PRODUCTS)
    with_days = Planner(one.lineage, {**one.ledgers, **{table: ledger(days) for table in tables}}, models=one.models)
    with_days.check_inputs(job("student_examples"), days)  # the labels of the first four days are not missed
    before = with_days.made_from(job("student_examples"), "2026-01-02")
    later = Planner(with_days.lineage, {**with_days.ledgers, labels.TEACHER_SCORES: ledger(["2026-01-02"])}, models=one.models)
    after = later.made_from(job("student_examples"), "2026-01-02")
    assert {name for name in after if after[name] != before[name]} == {"scores"}, "labels made later make the day stale"


def test_what_a_model_makes_begins_on_the_first_day_on_which_one_counts():
    days = Days("2026-01-01", "2026-01-05")
    one = Planner(Lineage(JOBS), {raw.PIN_UPDATES: ledger(days)}, models={"embedding_answers": [Revision("2026-01-04", "r", None)]})
    assert one.first_day(embeddings.ENTITY_INPUTS) == "2026-01-01"
    assert one.first_day(answers.EMBEDDINGS) == one.first_day(embeddings.PINS) == "2026-01-04"
    needed = one.needed(Wanted((job("pin_embeddings"),), Days("2026-01-05", "2026-01-05"), upstream=True, force=False))
    assert needed["pin_embeddings"] == Days("2026-01-04", "2026-01-05")
    assert needed["entity_inputs"] == days, "what it reads begins earlier"
    (skipped,) = (s for s in one.skipped(Wanted((job("pin_embeddings"),), Days("2026-01-02", "2026-01-03"), False, False)))
    assert skipped.why == "its first day is 2026-01-04"
