"""The promise of a test, whose number is in its name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.promises.counted import Promise

# Read before the suite's own fixtures hide what the person who runs it has set.
FOLDER, SEED = os.environ.get("PINLAKE_RELEASE_FOLDER"), int(os.environ.get("PINLAKE_RELEASE_SEED", "7"))


@pytest.fixture
def promise(request: pytest.FixtureRequest) -> Iterator[Promise]:
    """Counts a test's cases, and keeps them for tests/promises/__main__.py; the test ends by asserting that the promise was kept."""
    name = re.sub(r"\W", "_", request.node.name)
    made = Promise(int(name.split("_")[1]), SEED, FOLDER is not None)
    yield made
    if FOLDER:
        made.save(Path(FOLDER), name)
