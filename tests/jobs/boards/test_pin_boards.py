from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from pyspark.sql import SparkSession

from jobs.boards.pin_boards import build
from jobs.days import Days
from schemas import raw, signals
from tests.replay import frame

DAY = "2026-01-05"


def event(number: int, action: str, user: str = "ann", board: str = "b", title: str | None = "Home", **other: Any) -> dict[str, Any]:
    """A row of raw.board_saves about the pin `p` on DAY; events are later the higher their number."""
    ts = dt.datetime(2026, 1, 5, number % 24, tzinfo=dt.UTC)
    names = {"pin_id": "p", "board_id": board, "board_title": title, "user_id": user, "action": action}
    return {"ds": DAY, "event_id": f"e{number:02}", "ts": ts, **names, **other}


def users(*names: str) -> list[str]:
    """The hashes of these users as a row holds them."""
    return sorted(hashlib.sha256(name.encode()).hexdigest() for name in names)


def test_a_board_holds_what_the_last_action_of_each_user_says(spark: SparkSession) -> None:
    before = [
        {"ds": "2026-01-02", "pin_id": "p", "board_id": "kept", "title": "Old", "user_hashes": users("ann", "bob")},
        {"ds": "2026-01-02", "pin_id": "p", "board_id": "left", "title": "Old", "user_hashes": users("ann")},
        {"ds": "2026-01-02", "pin_id": "p", "board_id": "untouched", "title": "Old", "user_hashes": users("ann")},
    ]
    events = [
        event(2, "remove", board="new"),
        event(1, "save", board="new"),
        event(3, "save", board="new", title="Homes &amp; gardens"),
        event(4, "save", "bob", board="new", title=None),
        event(5, "remove", board="kept", title=" "),
        event(6, "remove", board="left"),
        event(7, "remove", board="never held"),
        event(8, "save", board="private", title="call 555-123-4567"),
        event(9, "save", board="next day"),
        event(10, "remove", board="next day", ds="2026-01-06"),
        event(11, "save", board="again"),
        event(11, "save", board="again", ds="2026-01-06"),
    ]
    holdings = frame(spark, signals.PIN_BOARDS, before).drop("changed")
    rows = build(frame(spark, raw.BOARD_SAVES, events), holdings, Days(DAY, "2026-01-06")).collect()
    found = {(row.ds, row.board_id): (row.title, row.user_hashes, row.deleted) for row in rows if row.refused is None}

    assert found == {
        ("2026-01-02", "kept"): ("Old", users("ann", "bob"), False),  # opening rows of what is touched, handed on
        ("2026-01-02", "left"): ("Old", users("ann"), False),
        (DAY, "new"): ("Homes & gardens", users("ann", "bob"), False),
        (DAY, "kept"): ("Old", users("bob"), False),
        (DAY, "left"): ("Home", [], True),
        (DAY, "never held"): ("Home", [], True),
        (DAY, "private"): (None, users("ann"), False),
        (DAY, "next day"): ("Home", users("ann"), False),
        ("2026-01-06", "next day"): ("Home", [], True),
        (DAY, "again"): ("Home", users("ann"), False),
    }


def test_events_that_cannot_count_are_refused_without_naming_the_user(spark: SparkSession) -> None:
    late = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    events = [
        event(1, "save", pin_id=None),
        event(2, "save", board=""),
        event(3, "save", user_id=None),
        event(4, "look"),
        event(5, "save", ts=late),
        event(6, "save", event_id=None),
        event(7, "save", board="good"),
    ]
    rows = build(frame(spark, raw.BOARD_SAVES, events), frame(spark, signals.PIN_BOARDS, []).drop("changed"), Days(DAY, DAY)).collect()
    reasons = sorted(row.refused for row in rows if row.refused is not None)
    assert reasons == ["empty board_id", "no event_id", "no pin_id", "no user_id", "ts is 4 days from its day", "unknown action"]
    assert [row.board_id for row in rows if row.refused is None] == ["good"]
    assert not any("ann" in str(row) for row in rows)
