"""Lines on stderr, as text and as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs import telling


@pytest.fixture(autouse=True)
def _as_before():
    yield
    telling.speak("text", None)


def test_a_line_is_text_where_nothing_is_set(capsys):
    telling.progress("pins 2026-01-01: published")
    telling.failed("no such job", 2)
    assert capsys.readouterr().err == "pins 2026-01-01: published\npinlake: no such job\n"


def test_a_line_is_a_json_object_of_the_run(capsys):
    telling.speak("json", "r1")
    telling.progress('a "quoted" line\nand another: ¿qué?')
    telling.failed("refused", 3)
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["run_id"], first["level"], first["message"]) == ("r1", "info", 'a "quoted" line\nand another: ¿qué?')
    assert first["time"].endswith("+00:00")
    assert (second["level"], second["exit_code"]) == ("error", 3)


def test_a_command_that_fails_says_so_as_json_too(tmp_path):
    environ = {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "PINLAKE_LOG_FORMAT": "json"}
    done = subprocess.run(
        [sys.executable, "-m", "jobs", "run", "no_such_job", "--day", "yesterday"], capture_output=True, text=True, env=environ, check=False
    )
    assert done.returncode == 2
    told = json.loads(done.stderr.strip().splitlines()[-1])
    assert (told["level"], told["exit_code"]) == ("error", 2)
    assert "yesterday" in told["message"]
