"""How a task starts `pinlake`: the same command that an engineer types, here or by spark-submit. Which one, the environment says.

PINLAKE_OPERATOR: `local` (the default), `spark-submit`, or `module:function`, which is called as `local` below is.
PINLAKE_PROGRAM: `pinlake` of the jobs' environment; the default is the one in .venv beside this folder, else the one on the PATH.
PINLAKE_SPARK_SUBMIT: the words before the program's file, such as `/opt/pinlake/bin/spark-submit --master yarn`.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

import jobs

USAGE, REFUSED = 2, 3
"""Exit codes of `pinlake` after which trying again changes nothing."""
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class PinlakeOperator(BaseOperator):
    """Runs a command and shows its lines as they come; the day is a partition of the tables that it writes.

    Exit code 0 is success; 2 (usage) and 3 (refused by a check or by another writer) fail without another try, so nothing downstream
    runs; all others are tried again.
    """

    template_fields: Sequence[str] = ("arguments", "day")
    ui_color = "#e8f1ec"

    def __init__(self, *, program: Sequence[str], arguments: Sequence[str], day: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.program = list(program)
        self.arguments = list(arguments)
        self.day = day
        self._running: subprocess.Popen[str] | None = None

    def execute(self, context: Any) -> None:
        """Nothing; AirflowFailException or AirflowException where the command failed."""
        told, code = self._run([*self.program, *self.arguments])
        shown = shlex.join(["pinlake", *self.arguments])
        if code in (USAGE, REFUSED):
            why = "refused by a check or by another writer" if code == REFUSED else "it cannot be run like this"
            raise AirflowFailException(f"{shown}: {why} (exit code {code}); the lines above say what to do. What readers see is unchanged.")
        if code:
            raise AirflowException(f"{shown}: exit code {code}; the lines above say why")
        for asset in self.outlets:
            event = context["outlet_events"][asset]
            event.add_partitions(self.day)
            event.extra = {"day": self.day, "run_id": told.get("run_id")}

    def on_kill(self) -> None:
        """Ends the command with all that it started."""
        if self._running is not None and self._running.poll() is None:
            os.killpg(self._running.pid, signal.SIGTERM)

    def _run(self, command: Sequence[str]) -> tuple[dict[str, Any], int]:
        """(the JSON object that the command printed, exit code)."""
        _end_with_parent()
        self.log.info("%s", shlex.join(command))
        told: dict[str, Any] = {}
        # A list, no shell: whatever a day or a name is, it stays one word.
        self._running = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
        assert self._running.stdout is not None
        for line in self._running.stdout:
            self.log.info("%s", line.rstrip())
            if line.startswith("{"):
                told = _object(line) or told
        return told, self._running.wait()


def local(task_id: str, arguments: Sequence[str], day: str, **common: Any) -> BaseOperator:
    """A task that runs `pinlake` on the worker."""
    return PinlakeOperator(task_id=task_id, program=[_program()], arguments=arguments, day=day, **common)


def spark_submit(task_id: str, arguments: Sequence[str], day: str, **common: Any) -> BaseOperator:
    """A task that hands `pinlake` to spark-submit, in client mode: the exit code of a driver elsewhere does not come back."""
    words = shlex.split(os.environ.get("PINLAKE_SPARK_SUBMIT", "spark-submit"))
    main = Path(jobs.__file__).parent / "spark_submit" / "pinlake.py"
    return PinlakeOperator(task_id=task_id, program=[*words, str(main)], arguments=arguments, day=day, **common)


def factory() -> Callable[..., BaseOperator]:
    """What makes the tasks, as PINLAKE_OPERATOR says; ValueError where it names nothing."""
    name = os.environ.get("PINLAKE_OPERATOR", "local")
    known = {"local": local, "spark-submit": spark_submit}
    if name in known:
        return known[name]
    module, _, function = name.partition(":")
    if not module or not function:
        raise ValueError(f"PINLAKE_OPERATOR is local, spark-submit or module:function, got {name!r}")
    found: Callable[..., BaseOperator] = getattr(importlib.import_module(module), function)
    return found


def _program() -> str:
    beside = Path(jobs.__file__).parent.parent / ".venv" / "bin" / "pinlake"
    return os.environ.get("PINLAKE_PROGRAM") or (str(beside) if beside.exists() else "pinlake")


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _end_with_parent() -> None:
    """This process ends when its parent does: a worker that was killed leaves no second writer behind. Linux only."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
