"""Cases of a promise that held and that did not, and how many of them there are to be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass
class Promise:
    """Counts cases; the same seed draws the same ones."""

    number: int
    seed: int
    release: bool
    runs: int = 0
    failures: list[str] = field(default_factory=list)

    def of(self, few: int, many: int) -> int:
        """How many cases: few in the suite (none: the test is skipped, its small part is elsewhere), many in a release."""
        if not self.release and not few:
            pytest.skip("of a release; its small part is named in docs/reliability.md")
        return many if self.release else few

    def held(self, good: bool, what: str) -> None:
        """Counts a case, and keeps what it was where it did not hold."""
        self.runs += 1
        if not good:
            self.failures.append(what)

    def kept(self) -> bool:
        """Whether there were cases, and all of them held."""
        return self.runs > 0 and not self.failures

    def save(self, folder: Path, name: str) -> None:
        """Writes what was counted, for tests/promises/__main__.py."""
        told = {"runs": self.runs, "failures": self.failures}
        (folder / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")
