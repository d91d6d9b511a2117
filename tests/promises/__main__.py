"""Checks all promises at their full size: `python -m tests.promises [NUMBER ...]`. What held for the same files is not checked again."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STATE = ROOT / ".release"
SOURCES = ("schemas", "features", "models", "udfs", "jobs", "airflow_dags", "tests", "requirements.lock")
PROMISES = {
    1: "a driver killed at any time, and the same command again",
    2: "killed around a commit: no reader sees a version that was not checked",
    3: "an executor lost while rows are shuffled",
    4: "many writers of one table at once",
    5: "any job again on the same inputs",
    6: "the same rows however they are planned, cut and ordered",
    7: "malformed pages, images and texts",
    8: "bombs are refused, and cost the asking process no memory",
    9: "a row that never returns",
    10: "bad batches are not published",
    11: "inputs whose columns are not as they were",
    12: "late, doubled and skewed events",
    13: "nothing from the future",
    14: "corrupt or missing input files",
    15: "a full disk",
    16: "hostile options",
    17: "private words stay where they may be",
    18: "models that would run code",
    19: "instructions in texts stay data",
    20: "a label asked again is the same label",
}


def main(words: list[str]) -> int:
    """Prints a line a promise: number, cases, failures, seed, seconds. 1 where one did not hold, 2 where a number is unknown."""
    parser = argparse.ArgumentParser(prog="make release-check", description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, metavar="NUMBER", help="the promises to check; all without")
    parser.add_argument("--seed", type=int, default=7, help="draws the cases (7)")
    parser.add_argument("--again", action="store_true", help="check also what held before")
    given = parser.parse_args(words)
    if unknown := sorted(set(given.numbers) - set(PROMISES)):
        parser.error(f"there are promises 1 to {len(PROMISES)}, not {', '.join(map(str, unknown))}")
    STATE.mkdir(exist_ok=True)
    code, bad = digest(), 0
    for number in given.numbers or PROMISES:
        kept = STATE / f"{number:02}.json"
        told = json.loads(kept.read_bytes()) if kept.is_file() else {}
        if given.again or told.get("failures") != [] or (told["code"], told["seed"]) != (code, given.seed):
            print(f"{number:>2}  {PROMISES[number]} ...", file=sys.stderr, flush=True)
            told = {**checked(number, given.seed, STATE / f"{number:02}.log"), "code": code, "seed": given.seed}
            kept.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        failed = told["failures"]
        counts = f"{told['runs']:>6} cases  {len(failed):>3} failures  seed {told['seed']}  {told['seconds']:>5.0f} s"
        print(f"{number:>2}  {PROMISES[number]:<70} {counts}", flush=True)
        for what in failed[:3]:
            print(f"      {what}", flush=True)
        bad += bool(failed)
    return int(bad > 0)


def checked(number: int, seed: int, log: Path) -> dict[str, Any]:
    """The cases and failures of a promise's tests, each run in a process of its own; what the process wrote is in the log."""
    with tempfile.TemporaryDirectory(prefix="pinlake-release-") as folder, log.open("w", encoding="utf-8") as out:
        started = time.monotonic()
        command = [sys.executable, "-m", "pytest", "tests/promises", "-k", f"test_{number:02}_", "-q", "--timeout=3600"]
        env = {**os.environ, "PINLAKE_RELEASE_FOLDER": folder, "PINLAKE_RELEASE_SEED": str(seed), "HYPOTHESIS_PROFILE": "ci"}
        code = subprocess.run(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
        parts = [json.loads(path.read_bytes()) for path in sorted(Path(folder).glob("*.json"))]
    failures = [what for part in parts for what in part["failures"]]
    runs = sum(part["runs"] for part in parts)
    if (code or not runs) and not failures:
        failures = [f"the tests ended with code {code} after {runs} cases: see {log}"]
    return {"runs": runs, "failures": failures, "seconds": round(time.monotonic() - started, 1)}


def digest() -> str:
    """A hash over everything that the outcome depends on."""
    found = hashlib.sha256()
    for source in SOURCES:
        top = ROOT / source
        for path in [top] if top.is_file() else sorted(top.rglob("*.py")):
            found.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return found.hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
