"""Random histories of pins and board saves, and what the jobs must make of them, recomputed in plain Python from all raw rows."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import random
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

DAYS = [str(dt.date(2026, 1, 30) + dt.timedelta(n)) for n in range(4)]
MIN_BOARDS, MIN_USERS, TOP = 10, 1, 3
RARE_LANGUAGES = {"p7": "pt", "p27": "it"}  # on too few boards to be counted, so that a frozen day changes nothing for them
Row = dict[str, Any]
Snapshots = dict[str, dict[Any, Any]]
Pair = tuple[str, str]

# A title as it is typed, and as it is kept (null where it holds personal data); the last ones are noise.
TITLES = {
    "Kitchen Ideas": "Kitchen Ideas",
    "kitchen   ideas!": "kitchen ideas!",
    "KITCHEN ideas": "KITCHEN ideas",
    "Ideas &amp; Recipes": "Ideas & Recipes",
    "Ideas": "Ideas",
    "recipes": "recipes",
    "ideas for the &#75;itchen": "ideas for the Kitchen",
    "#kitchenIdea": "kitchen Idea",
    "Caf\u00c3\u00a9 <b>style</b>": "Caf\u00e9 style",
    "\u6771\u4eac\u65c5\u884c": "\u6771\u4eac\u65c5\u884c",
    "\u6771\u4eac\u30b0\u30eb\u30e1 tips": "\u6771\u4eac\u30b0\u30eb\u30e1 tips",
    "\u732b": "\u732b",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u0930\u0938\u094b\u0908": "\u0939\u093f\u0928\u094d\u0926\u0940 \u0930\u0938\u094b\u0908",
    "ann@example.org recipes": None,
    "My Stuff": "My Stuff",
    "\u2764\ufe0f\u2764\ufe0f": "\u2764\ufe0f\u2764\ufe0f",
    "x": "x",
    "2026": "2026",
    "nude kitchen": "nude kitchen",
    "meine Sachen": "meine Sachen",
}
# What dictionaries list these words under, by language, and the words that do not count.
LEMMAS = {
    "en": {"ideas": "idea", "recipes": "recipe", "caf\u00e9": "cafe"},
    "de": {"caf\u00e9": "cafe", "style": "stylen"},
    "pt": {"caf\u00e9": "cafe", "for": "ser"},
    "it": {"caf\u00e9": "cafe"},
}
SMALL = {"en": {"for", "the"}}
NOISE = ("My Stuff", "\u2764\ufe0f\u2764\ufe0f", "x", "2026", "nude kitchen", "meine Sachen", "Ideas")


def pin_updates(seed: int, pins: int = 40) -> list[Row]:
    """raw.pin_updates: updates, deletions, doubled and contradicting rows, rows without a pin, days without any."""
    rng = random.Random(f"pins {seed}")
    rows: list[Row] = [{"ds": DAYS[0], "pin_id": pin, "language": language, "deleted": False} for pin, language in RARE_LANGUAGES.items()]
    for day in DAYS:
        if rng.random() < 0.1:
            continue
        for _ in range(pins):
            pin = rng.choice([None, *[f"p{n}" for n in range(pins)] * 3])
            row = {
                "ds": day,
                "pin_id": pin,
                "title": rng.choice((None, "Red <i>sofa</i>", "Lamp &amp; light", " ")),
                "description": rng.choice((None, "a long and winding description of it all", "Call 555-123-4567")),
                "link_url": rng.choice((None, "u0", "u1", "u2", "u3")),
                "language": rng.choice((None, "en", "en", "de", "ja")) if pin not in RARE_LANGUAGES else RARE_LANGUAGES[pin],
                "deleted": pin not in RARE_LANGUAGES and rng.choice((None, False, False, False, True)),
            }
            rows.append(row)
            if rng.random() < 0.1:
                rows.append({**row, "deleted": row["deleted"] or None})
            if rng.random() < 0.1:
                rows.append({**row, "title": "Another"})
    return rows


def board_saves(seed: int, pins: int = 40) -> list[Row]:
    """raw.board_saves: saves and removals, late, doubled and malformed, renamed boards, days without any."""
    rng = random.Random(f"saves {seed}")
    rows: list[Row] = []
    for day in DAYS:
        for _ in range(0 if rng.random() < 0.1 else pins * 3):
            if rows and rng.random() < 0.1:
                again = {**rng.choice(rows[-pins * 5 :]), "ds": day}
                rows.append({**again, "action": rng.choice(("save", "remove"))} if rng.random() < 0.5 else again)
                continue
            board = rng.randrange(14)
            hours = rng.choice((0, 0, 5, 5, 23, -30, 40, -150))
            title = list(TITLES)[board] if rng.random() < 0.7 else rng.choice([None, " ", *TITLES])
            row = {
                "ds": day,
                "event_id": f"e{len(rows)}",
                "pin_id": f"p{rng.randrange(pins + 5)}",
                "board_id": f"b{board}",
                "board_title": title,
                "user_id": f"user{rng.randrange(3)}",
                "action": rng.choice(("save", "save", "save", "remove", "remove")),
                "ts": dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC) + dt.timedelta(hours=hours),
            }
            if rng.random() < 0.06:
                row |= rng.choice(
                    ({"event_id": None}, {"pin_id": None}, {"board_id": ""}, {"user_id": None}, {"action": "look"}, {"ts": None})
                )
            rows.append(row)
    return rows


def nulls_first(row: Row, names: list[str]) -> tuple[Any, ...]:
    """The row's place in Spark's order of structs."""
    return tuple((row.get(n) is not None, row.get(n) if row.get(n) is not None else 0) for n in names)


def pins_by_day(updates: list[Row]) -> Snapshots:
    """The live pins of every day."""
    names = ["image_id", "product_id", "title", "description", "link_url", "language", "country"]
    live: dict[str, Any] = {}
    found: Snapshots = {}
    for day in DAYS:
        rows = [{**r, "deleted": bool(r["deleted"])} for r in updates if r["ds"] == day and r["pin_id"] is not None]
        for row in sorted(rows, key=lambda r: nulls_first(r, [*names, "deleted"]), reverse=True):
            live[row["pin_id"]] = None if row["deleted"] else tuple(row.get(n) for n in names)
        found[day] = {pin: values for pin, values in live.items() if values is not None}
    return found


def refusable(row: Row) -> bool:
    """True where an event can never count."""
    missing = any(row[n] is None or not row[n].strip() for n in ("event_id", "pin_id", "board_id", "user_id", "action"))
    apart = abs((row["ts"].date() - dt.date.fromisoformat(row["ds"])).days) if row["ts"] else 0
    return missing or row["action"] not in ("save", "remove") or apart > 3


def events_by_day(saves: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The events of every day that count, each once."""
    for n, day in enumerate(DAYS):
        earlier = {r["event_id"] for r in saves if r["ds"] in DAYS[max(0, n - 3) : n]}
        once: dict[str, Row] = {}
        for row in (r for r in saves if r["ds"] == day and not refusable(r) and r["event_id"] not in earlier):
            known = once.get(row["event_id"])
            if known is None or nulls_first(row, sorted(row)) < nulls_first(known, sorted(row)):
                once[row["event_id"]] = row
        yield day, sorted(once.values(), key=lambda r: nulls_first(r, ["ts", "event_id"]))


def holdings_by_day(saves: list[Row]) -> Snapshots:
    """(pin, board) -> (title, user hashes) on every day."""
    users: dict[Pair, set[str]] = defaultdict(set)
    titles: dict[Pair, str | None] = {}
    found: Snapshots = {}
    for day, events in events_by_day(saves):
        for row in events:
            pair = (row["pin_id"], row["board_id"])
            (users[pair].add if row["action"] == "save" else users[pair].discard)(row["user_id"])
            if row["board_title"] is not None and row["board_title"].strip():
                titles[pair] = TITLES[row["board_title"]]
        for pair in {(row["pin_id"], row["board_id"]) for row in events}:
            if not users[pair]:
                titles.pop(pair, None)
        hashed = {pair: sorted(hashlib.sha256(u.encode()).hexdigest() for u in held) for pair, held in users.items() if held}
        found[day] = {pair: (titles.get(pair), tuple(held)) for pair, held in hashed.items()}
    return found


def runs(title: str) -> list[str]:
    """The lower-cased runs of letters, marks and digits of a title."""
    spaced = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in title.lower())
    return [run for run in spaced.split() if any(unicodedata.category(c)[0] in "LN" for c in run)]


def near(title: str, language: str) -> str:
    """What near-duplicate titles have in common: the sorted lemmas of their words; of Japanese, the words as they stand."""
    found = runs(title)
    if any("CJK" in unicodedata.name(c) for run in found for c in run):
        return " ".join(found)
    return " ".join(sorted({LEMMAS.get(language, {}).get(run, run) for run in found if run not in SMALL.get(language, ())}))


def words(title: str) -> set[str]:
    """The words of a title; of Chinese and Japanese, pairs of characters."""
    found: set[str] = set()
    for run in runs(title):
        unspaced = "CJK" in unicodedata.name(run[0]) or "KATAKANA" in unicodedata.name(run[0])
        found |= {run[n : n + 2] for n in range(max(1, len(run) - 1))} if unspaced else {run}
    return found


def language_of(pins: dict[Any, Any], pin: str) -> str:
    """The language of a live pin, und where it is not known."""
    return pins[pin][5] or "und" if pin in pins else "und"


def prevalence(pins: Snapshots, holdings: Snapshots) -> dict[str, dict[tuple[str, str], tuple[int, int]]]:
    """Frozen day -> (language, word) -> (boards with it, all boards)."""
    first = next(day for day in DAYS if pins[day] or holdings[day])
    found = {}
    for day in (d for d in DAYS if d == first or d.endswith("-01")):
        titles: dict[tuple[str, str], list[str | None]] = defaultdict(list)
        for (pin, board), (title, _) in holdings[day].items():
            titles[language_of(pins[day], pin), board].append(title)
        totals = Counter(language for language, _ in titles)
        counts: Counter[tuple[str, str]] = Counter()
        for (language, _), known in titles.items():
            by_count = Counter(t for t in known if t is not None)
            if by_count:
                best = min(by_count, key=lambda t: (-by_count[t], t))
                counts.update((language, word) for word in words(near(best, language)))
        found[day] = {key: (n, totals[key[0]]) for key, n in counts.items()}
    return found


def rarity(key: str, language: str, frozen: dict[tuple[str, str], tuple[int, int]]) -> int | None:
    """The mean rarity of a title's words, null where all of them are common."""
    totals = {lang: total for (lang, _), (_, total) in frozen.items() if total >= MIN_BOARDS}
    total = totals.get(language)
    known = words(key)
    if total is None:
        return 100
    boards = [frozen.get((language, word), (None, None))[0] for word in known]
    if all(n is not None and n * 2 >= total for n in boards):
        return None
    return max(1, sum(math.floor(100 * math.log2(total / (n or 1)) + 0.5) for n in boards) // len(boards))


def titles_by_day(pins: Snapshots, holdings: Snapshots) -> Snapshots:
    """pin -> its best titles with scores and boards on every day."""
    frozen_days = prevalence(pins, holdings)
    found: Snapshots = {}
    for day in DAYS:
        frozen = next((rows for d, rows in reversed(frozen_days.items()) if d <= day and d[:7] == day[:7]), {})
        grouped: dict[tuple[str, str], list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
        for (pin, _), (title, users) in holdings[day].items():
            if title is not None and title not in NOISE:
                grouped[pin, near(title, language_of(pins[day], pin))].append((title, users))
        scored: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
        for (pin, key), boards in grouped.items():
            users = {user for _, held in boards for user in held}
            rare = rarity(key, language_of(pins[day], pin), frozen)
            if rare is not None and len(users) >= MIN_USERS:
                spelled = Counter(title for title, _ in boards)
                scored[pin].append((-len(users) * rare, min(spelled, key=lambda t: (-spelled[t], t)), len(boards)))
        found[day] = {pin: (tuple((t, -score, n) for score, t, n in sorted(best)[:TOP]),) for pin, best in scored.items()}
    return found


def near_duplicates(pins: Snapshots, holdings: Snapshots) -> int:
    """In how many places a pin has titles of one key that differ by more than case, marks and spaces."""
    folds: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for day in DAYS:
        for (pin, _), (title, _) in holdings[day].items():
            if title is not None and title not in NOISE:
                folds[day, pin, near(title, language_of(pins[day], pin))].add(" ".join(runs(title)))
    return sum(len(found) > 1 for found in folds.values())
