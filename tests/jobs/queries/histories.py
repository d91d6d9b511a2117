"""Random histories of search events, and what the jobs of jobs/queries must make of them, recomputed in plain Python from the raw rows."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from tests.changelog import Rows, change_rows

FIRST, LAST = "2026-01-29", "2026-02-04"
DAYS = [str(dt.date(2026, 1, 29) + dt.timedelta(n)) for n in range(7)]
K, ASKED_DAYS, KEPT_DAYS, BOT_REQUESTS, TOP = 2, 2, 3, 3, 2
COUNTS = ("impressions", "clicks", "long_clicks", "saves", "carts", "checkouts", "offsite_carts", "offsite_checkouts")
WEIGHTS = dict(zip(COUNTS, (0, 1, 3, 5, 6, 10, 6, 10), strict=True))
ACTIONS = ("impression", "impression", "click", "click", "long_click", "save", "add_to_cart", "checkout")
Row = dict[str, Any]
State = dict[Any, Any]

# What is typed, and the query that it is: {c} is the number of the case, so that many histories share one frame and never meet.
SPELLINGS = {
    "{c} red shoe": "{c} red shoe",
    " {c} RED\u3000 Shoe\u200b": "{c} red shoe",
    "{c} ｓｏｆａ": "{c} sofa",
    "{c} sofa": "{c} sofa",
    "{c} lamp": "{c} lamp",
    "{c} Crème\tBRÛLÉE": "{c} crème brûlée",
    "{c} ann@example.org": "{c} ann@example.org",
}
PRIVATE = "ann@example.org"


def history(seed: int, case: int) -> list[Row]:
    """The search events of one case: late, doubled, malformed, by people and bots, with days on which nothing happens."""
    rng = random.Random(f"{seed}/{case}")
    quiet = set(rng.sample(DAYS, rng.randrange(3)))
    rows: list[Row] = []
    for day in DAYS:
        for _ in range(0 if day in quiet else rng.randrange(14)):
            old = [r for r in rows if r["event_id"] is not None]
            if old and rng.random() < 0.25:
                row = {**rng.choice(old[-12:]), "ds": day}
                if rng.random() < 0.5:
                    row["action"] = rng.choice(ACTIONS)
                rows.append(row)
                continue
            rows.append(_event(rng, case, day, len(rows)))
    return rows


def _event(rng: random.Random, case: int, day: str, number: int) -> Row:
    kind = rng.choice(("pin", "pin", "product", "ad", "query"))
    typed = [spelling.format(c=case) for spelling in SPELLINGS]
    late = rng.choice((0, 0, 0, 0, 1, -2, 3, -3, 4, -5))
    noon = dt.datetime.fromisoformat(day).replace(hour=rng.choice((0, 23)), tzinfo=dt.UTC)
    row = {
        "ds": day,
        "event_id": f"{case}-{number}",
        "request_id": rng.choice((None, f"r{rng.randrange(6)}")),
        "user_id": f"{case}-u{rng.randrange(4)}",
        "query": rng.choice(typed),
        "language": None,
        "country": None,
        "entity_type": kind,
        "entity_id": rng.choice(typed) if kind == "query" else f"{case}-{kind}{rng.randrange(2)}",
        "action": rng.choice(ACTIONS),
        "offsite": rng.choice((None, True, False)),
        "position": None,
        "ts": rng.choice((None, noon + dt.timedelta(days=late), noon + dt.timedelta(days=late))),
    }
    if rng.random() < 0.1:
        name = rng.choice(("event_id", "user_id", "query", "entity_id", "action", "entity_type"))
        row[name] = rng.choice((None, "" if name == "event_id" else " \u200b" if name == "query" else "?" if name[-1] in "ne" else " "))
    return row


def normalised(row: Row) -> Row:
    """The row with its query, and the id of a query entity, as keys."""
    case_of = {spelling.format(c=c): key.format(c=c) for spelling, key in SPELLINGS.items() for c in (str(row["_case"]),)}
    keyed = {**row, "query": case_of.get(row["query"], row["query"] and "")}
    if row["entity_type"] == "query":
        keyed["entity_id"] = case_of.get(row["entity_id"], row["entity_id"] and "")
    return keyed


def reason(row: Row) -> str | None:
    """Why a normalised row is refused."""
    for name in ("event_id", "user_id", "query", "entity_id", "entity_type", "action"):
        if row[name] is None:
            return f"no {name}"
        if not row[name].strip(" "):
            return f"empty {name}"
    if row["entity_type"] not in ("pin", "product", "ad", "query"):
        return "unknown entity_type"
    if row["action"] not in ACTIONS:
        return "unknown action"
    apart = 0 if row["ts"] is None else abs((row["ts"].date() - dt.date.fromisoformat(row["ds"])).days)
    return f"ts is {apart} days from its day" if apart > 3 else None


def before(day: str, days: int) -> str:
    """The day that many days earlier."""
    return str(dt.date.fromisoformat(day) - dt.timedelta(days))


def counting(rows: list[Row]) -> tuple[dict[str, list[Row]], Counter[tuple[str, str]]]:
    """The rows of a case that count, by day, and how many are refused, by day and reason."""
    good: dict[str, list[Row]] = defaultdict(list)
    refused: Counter[tuple[str, str]] = Counter()
    ids = {(r["ds"], r["event_id"]) for r in rows}
    for day in DAYS:
        copies: dict[str, list[Row]] = defaultdict(list)
        for row in (normalised(r) for r in rows if r["ds"] == day):
            why = reason(row)
            if why:
                refused[day, why] += 1
            elif not any((before(day, n), row["event_id"]) in ids for n in (1, 2, 3)):
                copies[row["event_id"]].append(row)
        kept = [min(same, key=lambda r: [(r[c] is not None, r[c]) for c in sorted(r)]) for same in copies.values()]
        asked: dict[str, set[str]] = defaultdict(set)
        for row in kept:
            asked[row["user_id"]].add(row["query"] if row["request_id"] is None else row["request_id"])
        good[day] = [r for r in kept if len(asked[r["user_id"]]) <= BOT_REQUESTS]
    return good, refused


def count_name(row: Row) -> str:
    """The count that an event adds to."""
    if row["action"] == "add_to_cart":
        return "offsite_carts" if row["offsite"] else "carts"
    if row["action"] == "checkout":
        return "offsite_checkouts" if row["offsite"] else "checkouts"
    return str(row["action"]) + "s"


def daily(good: list[Row]) -> dict[tuple[str, str, str], Counter[str]]:
    """Counts by pair of one day."""
    done = {(r["entity_type"], r["entity_id"], r["query"], r["user_id"], count_name(r)) for r in good}
    counts: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for kind, entity, query, _, name in done:
        counts[kind, entity, query][name] += 1
    return counts


def states(rows: list[Row]) -> dict[str, dict[str, State]]:
    """By table and day, what is there: key -> values, recomputed for each day from all raw rows."""
    good, _ = counting(rows)
    found: dict[str, dict[str, State]] = defaultdict(dict)
    for day in DAYS:
        found["users"][day] = {(r["query"], hashlib.sha256(r["user_id"].encode()).hexdigest()): () for r in good[day]}
        found["daily"][day] = {pair: tuple(c[n] for n in COUNTS) for pair, c in daily(good[day]).items()}
        askers: dict[str, set[str]] = defaultdict(set)
        totals: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
        for past in DAYS:
            if before(day, ASKED_DAYS - 1) <= past <= day:
                for row in good[past]:
                    askers[row["query"]].add(row["user_id"])
            if before(day, KEPT_DAYS - 1) <= past <= day:
                for pair, counts in daily(good[past]).items():
                    totals[pair].update(counts)
        public = {query for query, users in askers.items() if len(users) >= K}
        found["public"][day] = dict.fromkeys(public, ())
        found["totals"][day] = {pair: tuple(c[n] for n in COUNTS) for pair, c in totals.items()}
        found["engaged"][day] = _engaged(totals, public)
    return found


def _engaged(totals: dict[tuple[str, str, str], Counter[str]], public: set[str]) -> State:
    scored: dict[tuple[str, ...], list[tuple[int, str]]] = defaultdict(list)
    for (kind, entity, query), counts in totals.items():
        score = sum(WEIGHTS[n] * counts[n] for n in COUNTS)
        shown = query in public and PRIVATE not in query and score > 0
        if kind == "query":
            shown = shown and entity in public and PRIVATE not in entity and entity != query
        if shown:
            scored[kind, entity].append((-score, query))
    return {entity: (tuple((query, -score) for score, query in sorted(found)[:TOP]),) for entity, found in scored.items()}


def tables(histories: Iterable[list[Row]]) -> dict[str, Rows]:
    """All rows of the five tables over all histories; a DAILY row is a key without a value."""
    found: dict[str, Rows] = defaultdict(dict)
    for rows in histories:
        made = states(rows)
        for name in ("users", "daily"):
            for day, state in made[name].items():
                found[name].update({("", (day, *key, *values)): () for key, values in state.items()})
        for name in ("public", "totals", "engaged"):
            found[name].update(change_rows(made[name]))
    return found


def refusals(histories: Iterable[list[Row]]) -> Counter[tuple[str, str]]:
    """How many rows are refused, by day and reason."""
    found: Counter[tuple[str, str]] = Counter()
    for rows in histories:
        found.update(counting(rows)[1])
    return found
