"""Housekeeping of tables: small files joined, files of old versions removed. No row changes, so no day becomes stale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobs.store import Conflict, Store
from schemas.contract import Table


@dataclass(frozen=True)
class Kept:
    """What was done to a table: files joined into fewer, files of old versions removed, and why nothing was joined, where it was not."""

    table: str
    joined: int
    into: int
    removed: int
    why: str | None = None


def keep(store: Store, tables: Sequence[Table], before: str, say: Callable[[str], None]) -> list[Kept]:
    """Every connected table in turn: files of days before `before` are joined, later ones belong to runs; then what is old is removed.

    A table that somebody writes at the same time is left as it is until the next time.
    """
    found = []
    connected = [table for table in tables if store.commits(table)]
    for place, table in enumerate(connected, 1):
        joined, into, why = 0, 0, None
        try:
            joined, into = store.compact(table, before)
        except Conflict:
            why = "another run writes it: its files are joined the next time"
        removed = store.vacuum(table)
        found.append(Kept(table.name, joined, into, removed, why))
        say(f"[{place}/{len(connected)}] {table.name}: {joined} files joined into {into}, {removed} removed{f' ({why})' if why else ''}")
    return found
