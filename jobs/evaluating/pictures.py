"""Where an evaluation's picture goes."""

from __future__ import annotations

from pathlib import Path

from jobs.commands import Lake
from jobs.errors import UsageError

FOLDER = "_pictures"


def place(lake: Lake, picture: Path | None, name: str) -> Path:
    """The file that was named, else one of that name below the warehouse; UsageError where that is no folder of this machine."""
    if picture is not None:
        if picture.suffix.lower() != ".png":
            raise UsageError(f"{picture}: pictures are .png files")
        return picture
    warehouse = lake.settings.warehouse
    if not warehouse.startswith("/"):
        raise UsageError(f"{warehouse} is no folder of this machine: name a file with --picture")
    return Path(warehouse) / FOLDER / name
