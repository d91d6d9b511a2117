"""What a job is: a name, a function from frames to a frame, its inputs and how each is read. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from jobs.days import Days, month_first, shifted
from schemas.contract import ANSWERS, CHANGES, DAILY, IDENTIFIER, PRECISIONS, Column, Table
from schemas.training import TRAINED


class Mode(Enum):
    """How the days of an input are chosen from those of the output."""

    DAYS = "days"
    WINDOW = "window"
    FROZEN = "frozen"
    LOG = "log"
    OPENING = "opening"
    PAST = "past"
    ANSWERED = "answered"


@dataclass(frozen=True)
class Read:
    """A way of reading a table, made by `days`, `window`, `frozen`, `log`, `opening`, `past` and `answered` below."""

    mode: Mode
    length: int = 1
    lag: int = 0

    def span(self, days: Days, first: str) -> Days | None:
        """The stored days to read for these days of the output, of a table whose first day is `first`; None where there are none."""
        start, end = shifted(days.first, -self.lag), shifted(days.last, -self.lag)
        if self.mode is Mode.WINDOW:
            start = shifted(start, 1 - self.length)
        elif self.mode is Mode.FROZEN:
            start = month_first(start)
        elif self.mode is Mode.PAST:
            start = first
        elif self.mode in (Mode.LOG, Mode.OPENING):
            start = month_first(shifted(start, -1))  # the newest base day before the range
            if self.mode is Mode.OPENING:
                end = shifted(days.first, -1 - self.lag)
        return None if end < first else Days(min(max(start, first), end), end)

    def reads(self, day: str, first: str) -> Days | None:
        """The stored days that one day of the output depends on; for a log or the past, all days from the table's first."""
        if self.mode in (Mode.LOG, Mode.OPENING, Mode.PAST):
            end = shifted(day, -self.lag - (self.mode is Mode.OPENING))
            return None if end < first else Days(first, end)
        if self.mode is Mode.FROZEN:
            frozen_day = max(month_first(day), first)
            return None if day < first else Days(frozen_day, frozen_day)
        return self.span(Days(day, day), first)

    def __str__(self) -> str:
        words = [str(self.length)] if self.mode is Mode.WINDOW else []
        return f"{self.mode.value}({', '.join(words + ([f'lag={self.lag}'] if self.lag else []))})"


def days(lag: int = 0) -> Read:
    """The rows of each day itself, or of the day `lag` days before (ds is left as it is stored)."""
    return Read(Mode.DAYS, lag=lag)


def window(length: int) -> Read:
    """The rows of the `length` days up to and with each day."""
    return Read(Mode.WINDOW, length=length)


def frozen() -> Read:
    """The rows of a table that is computed on its first day and on each month's first: the newest such day up to each day."""
    return Read(Mode.FROZEN)


def log(lag: int = 0) -> Read:
    """A change log: opening rows (the newest before the range, ds before the first day) and the changes in the range.

    With a lag, the log as it stood `lag` days earlier, its ds moved forward to the days of the output.
    """
    return Read(Mode.LOG, lag=lag)


def opening() -> Read:
    """The newest rows before the range only: how a job reads its own output.

    Such a build returns, beside its rows, the opening row of every key that it returns, so that what changed is found without reading the
    table again.
    """
    return Read(Mode.OPENING)


def past() -> Read:
    """All rows up to the last day, of which a few are looked up by key: where the bytes of an image are found."""
    return Read(Mode.PAST)


def answered() -> Read:
    """A model's answers by input_hash: those of the revision that counts on the days, with `since`, the first day on which it does."""
    return Read(Mode.ANSWERED)


_KIND = {Mode.LOG: CHANGES, Mode.OPENING: CHANGES, Mode.ANSWERED: ANSWERS}


@dataclass(frozen=True)
class Input:
    """A table and how it is read. Optional: empty where the table is not connected; else the job cannot run without it.

    `as_published`: days of it that nobody published are empty; for the days of a command alone they are computed. So it is for what costs
    much and is made for chosen days, such as a teacher's labels.
    """

    table: Table
    read: Read
    optional: bool = False
    as_published: bool = False

    def __post_init__(self) -> None:
        if self.table.kind is not _KIND.get(self.read.mode, DAILY):
            raise ValueError(f"{self.table.name} is {self.table.kind.name} and cannot be read as {self.read}")


@dataclass(frozen=True)
class Job:
    """A build (`module:function`), its output and its inputs by parameter name.

    `one_to_one` names the input of which every row ends in a built row or in quarantine; the runner checks it.
    `params` names the frozen dataclass beside the build that holds its parameters. `blocks` (`module:function`) looks at the inputs
    that it takes by name, before anything is built, and says why nothing may be published, or None.
    """

    name: str
    build: str
    output: Table
    inputs: Mapping[str, Input]
    tags: tuple[str, ...] = ()
    params: str | None = None
    one_to_one: str | None = None
    blocks: str | None = None
    doc: str = field(default="")

    def __hash__(self) -> int:
        return hash(self.name)

    def __post_init__(self) -> None:
        if not IDENTIFIER.match(self.name):
            raise ValueError(f"job name {self.name!r}: must match {IDENTIFIER.pattern}")
        self._check_output()
        if not self.inputs:
            raise ValueError(f"{self.name}: a job has inputs")
        for name, read in self.inputs.items():
            if read.table == self.output and read.read.mode is not Mode.OPENING:
                raise ValueError(f"{self.name}: reads its own output as {read.read} ({name}); only opening() is allowed")
        if self.one_to_one is not None and self.one_to_one not in self.inputs:
            raise ValueError(f"{self.name}: one_to_one names {self.one_to_one}, which is not an input")

    @property
    def reads_itself(self) -> bool:
        """Whether its output is one of its inputs, whose opening rows it hands on (`opening`)."""
        return any(given.table == self.output for given in self.inputs.values())

    def _check_output(self) -> None:
        if not self.output.by_day:
            raise ValueError(f"{self.name}: a job writes a DAILY or CHANGES table, {self.output.name} is {self.output.kind.name}")


@dataclass(frozen=True)
class Train(Job):
    """A job that trains a model, once for the same rows, parameters and models to start from, and promotes it where it is no worse.

    `build` returns the rows that the model learns from. `trainer` (`module:function`) turns a Lesson (jobs/lessons.py) with them into a
    folder, `measure` says how good it is on rows that it did not learn from, which its card keeps, and `judge` whether it may count
    instead of the model that does. The output has a row a day: which model came of the rows up to then.
    """

    model: str = ""
    trainer: str = ""
    measure: str = ""
    judge: str = ""
    loader: str = ""
    """Loads the model where the judge asks it (udfs/engine/task.py)."""
    beside: str = ""
    """The name of a model that needs no training: what the first one is compared with."""
    precisions: tuple[str, ...] = PRECISIONS

    __hash__ = Job.__hash__

    def _check_output(self) -> None:
        if self.output.kind is not DAILY or self.output.columns != TRAINED:
            raise ValueError(
                f"{self.name}: a Train writes a DAILY table with the columns of a trained model, {self.output.name} is another"
            )
        if not (self.model and self.trainer and self.measure and self.judge and self.loader and self.beside):
            raise ValueError(f"{self.name}: a Train names its model, trainer, measure, judge, loader and what it stands beside")


@dataclass(frozen=True)
class Ask(Job):
    """A job that asks a model, once for every distinct input, and keeps its words in an ANSWERS table.

    `build` returns the questions: ds (the day from which the question stands), input_hash, and whatever finds the input. `payload`
    (`module:function`), where there is one, turns a chunk of questions and the frames that it takes by name into input_hash and the
    columns `asks`, which the model reads. `loader` (`module:function`) loads the model (udfs/engine/task.py); `model` is what it is
    promoted as. `params` are what the model is asked with, so they are a part of the revision.
    """

    model: str = ""
    loader: str = ""
    asks: tuple[str, ...] = ()
    payload: str | None = None
    budget: Mapping[str, int] = field(default_factory=dict)
    """Sizes of windows and batches that suit the model (udfs/engine/task.py: Budget), where the defaults do not."""
    precisions: tuple[str, ...] = PRECISIONS
    """What the loader can load; a probe chooses among them."""

    __hash__ = Job.__hash__

    @property
    def answer(self) -> Column:
        """The column that holds the model's answer."""
        return self.output.columns[0]

    def _check_output(self) -> None:
        if self.output.kind is not ANSWERS or len(self.output.columns) != 1:
            raise ValueError(f"{self.name}: an Ask writes an ANSWERS table with one column, {self.output.name} is another")
        if not (self.model and self.loader and self.asks):
            raise ValueError(f"{self.name}: an Ask names its model, the loader, and the columns that it asks about")
