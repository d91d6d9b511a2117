"""Where the rows of a day came from: the commits that made it, and those that they read, drawn as a tree. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.ledger import Commit
from jobs.lineage import Lineage
from schemas.contract import Table


@dataclass(frozen=True)
class Origin:
    """A table in a tree of lineage: what is told of it, and what it was made from."""

    told: str
    made_from: Sequence[Origin] = field(default_factory=tuple)


def declared(lineage: Lineage, table: Table) -> Origin:
    """What a table is made from as its jobs declare it, down to the given tables; what was drawn before is only named again."""
    seen: set[Table] = set()

    def origin(one: Table) -> Origin:
        writer = lineage.writers.get(one)
        if writer is None:
            return Origin(one.name)
        if one in seen:
            return Origin(f"{one.name} (above)")
        seen.add(one)
        inputs = dict.fromkeys(i.table for i in writer.inputs.values() if i.table != one)
        return Origin(f"{one.name}  by {writer.name}", [origin(table) for table in inputs])

    return origin(table)


def traced(table: Table, day: str, known: Mapping[str, Table], commits: Callable[[Table], Sequence[Commit]]) -> Origin:
    """What the published rows of a day were made from, commit by commit: versions, days, runs and models."""
    seen: set[tuple[str, int]] = set()

    def origin(one: Table, at: str | None, version: int | None, told: str) -> Origin:
        commit = _made(commits(one), at, version)
        if commit is None or commit.metadata is None:
            return Origin(f"{one.name}{told}  (no commit of this project: another system wrote it)")
        by = f"{one.name}{told}  v{commit.version} by {commit.metadata['job']}, run {commit.metadata['run']}"
        if (one.name, commit.version) in seen:
            return Origin(f"{by} (above)")
        seen.add((one.name, commit.version))
        return Origin(by, [follow(read) for read in _once(commit.metadata.get("reads", ())) if read["table"] != one.name])

    def follow(read: Mapping[str, Any]) -> Origin:
        one = known.get(read["table"])
        told = f" of model {read['model_revision']}" if read["model_revision"] else f" {_span(read)}"
        if one is None or (read["last"] is None and not read["model_revision"]):
            return Origin(f"{read['table']}{told}")
        return origin(one, read["last"], read["version"], told)

    return origin(table, day, None, f" {day}")


def as_json(origin: Origin) -> dict[str, Any]:
    """The tree as nested objects."""
    return {"told": origin.told, "made_from": [as_json(one) for one in origin.made_from]}


def drawn(tree: Mapping[str, Any]) -> list[str]:
    """A tree of `as_json` as lines of text."""
    return [tree["told"], *_below(tree["made_from"], "")]


def _below(trees: Sequence[Mapping[str, Any]], indent: str) -> Iterator[str]:
    for place, one in enumerate(trees):
        last = place == len(trees) - 1
        yield f"{indent}{'└── ' if last else '├── '}{one['told']}"
        yield from _below(one["made_from"], indent + ("    " if last else "│   "))


def _made(commits: Sequence[Commit], day: str | None, version: int | None) -> Commit | None:
    """The newest commit, at most at a version, that published the day; of answers, which have no day of their own, the newest one."""
    for commit in reversed(commits):
        days = (commit.metadata or {}).get("days", {})
        if (version is None or commit.version <= version) and (day in days if day is not None else commit.metadata is not None):
            return commit
    return None


def _once(reads: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The reads without those of a table that differ in nothing but their name."""
    return list({(one["table"], one["version"], one["first"], one["last"], one["model_revision"]): one for one in reads}.values())


def _span(read: Mapping[str, Any]) -> str:
    if read["last"] is None:
        return "of no day"
    return str(read["last"]) if read["first"] == read["last"] else f"{read['first']}..{read['last']}"
