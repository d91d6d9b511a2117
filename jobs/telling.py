"""What goes on, on stderr: lines of text, or with `log_format = "json"` of JSON objects with time, run and level. Stdout is for results."""

from __future__ import annotations

import datetime as dt
import json
import sys
from dataclasses import dataclass
from typing import Any


@dataclass
class _Voice:
    """How this process speaks, and of which run."""

    as_json: bool = False
    run_id: str | None = None


_VOICE = _Voice()


def speak(log_format: str, run_id: str | None) -> None:
    """From now on lines are `text` or `json`, and of this run."""
    _VOICE.as_json, _VOICE.run_id = log_format == "json", run_id


def progress(line: str) -> None:
    """Says what goes on."""
    _say("info", line, line)


def failed(why: str, exit_code: int) -> None:
    """Says why a command ends, and with which exit code."""
    _say("error", why, f"pinlake: {why}", exit_code=exit_code)


def _say(level: str, message: str, text: str, **more: Any) -> None:
    if _VOICE.as_json:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        text = json.dumps({"time": now, "run_id": _VOICE.run_id, "level": level, "message": message, **more}, ensure_ascii=False)
    print(text, file=sys.stderr, flush=True)
