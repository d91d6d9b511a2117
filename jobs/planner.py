"""What a command would do: which jobs on which days, and why. One planner behind plan, run and backfill. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.days import Days, shifted
from jobs.errors import PinlakeError, UsageError
from jobs.ledger import Ledger, Published, short_hash
from jobs.lineage import Lineage
from jobs.spec import Ask, Input, Job, Mode, opening
from schemas.contract import CHANGES, Table

ITSELF = "itself"
PARAMS = "params"
MODEL = "model"


@dataclass(frozen=True)
class Revision:
    """A model as an Ask asks it, the first day on which it counts, and the promotion that says so."""

    since: str
    revision: str
    promotion: Any = None


@dataclass(frozen=True)
class Todo:
    """Days of one job to compute, all adjacent, and why."""

    job: Job
    days: Days
    why: str


@dataclass(frozen=True)
class Skipped:
    """A job that will not run, and why."""

    job: Job
    why: str


@dataclass(frozen=True)
class Wanted:
    """What was asked for: target jobs, days, and how far to go."""

    targets: tuple[Job, ...]
    days: Days
    upstream: bool
    force: bool
    """True for `run`: the targets' days are computed whether or not they are missing or stale."""
    if_connected: bool = False
    """Whether a single target that cannot run, for want of inputs or of a model, is passed over; else it is an error."""


@dataclass
class Planner:
    """Plans over the ledgers of all tables; the ledgers may be refreshed between steps."""

    lineage: Lineage
    ledgers: Mapping[Table, Ledger]
    params: Mapping[str, str] = field(default_factory=dict)
    """A hash of each job's parameters, by job name."""
    models: Mapping[str, Sequence[Revision]] = field(default_factory=dict)
    """The revisions of the model of each Ask, by its name, in the order of their first days; none where no model is connected."""

    def targets(self, name: str) -> tuple[tuple[Job, ...], bool]:
        """The jobs that a target names, and whether it is a tag; UsageError lists what there is."""
        by_name = tuple(job for job in self.lineage.jobs if job.name == name)
        if by_name:
            return by_name, False
        by_tag = tuple(job for job in self.lineage.jobs if name in job.tags)
        if by_tag:
            return by_tag, True
        jobs = ", ".join(job.name for job in self.lineage.jobs)
        tags = ", ".join(sorted({tag for job in self.lineage.jobs for tag in job.tags}))
        raise UsageError(f"{name!r} is neither a job nor a tag. Jobs: {jobs}. Tags: {tags}")

    def ledger(self, table: Table) -> Ledger:
        """The table's ledger; an empty one for a table that was never written."""
        return self.ledgers.get(table, Ledger())

    def first_day(self, table: Table) -> str | None:
        """The earliest day of the given tables that a table is made from, but none before a model counts that it is made by; None where
        none of them is connected."""
        firsts = [self.ledger(root).first for root in self.lineage.roots(table)]
        first = min((day for day in firsts if day is not None), default=None)
        ask = self.asked(self.lineage.writers[table]) if table in self.lineage.writers else None
        revisions = self.models.get(ask.name, ()) if ask else ()
        return max(first, revisions[0].since) if first is not None and revisions else first

    def asked(self, job: Job) -> Ask | None:
        """The Ask that a job is, or whose answers it reads; None for a job without a model."""
        if isinstance(job, Ask):
            return job
        writers = [self.lineage.writers.get(i.table) for i in job.inputs.values() if i.read.mode is Mode.ANSWERED]
        return next((writer for writer in writers if isinstance(writer, Ask)), None)

    def revision(self, job: Job, day: str) -> Revision | None:
        """The model that counts on a day for a job that asks one or reads its answers; None where it has none."""
        ask = self.asked(job)
        known = self.models.get(ask.name, ()) if ask else ()
        return next((one for one in reversed(known) if one.since <= day), None)

    def not_connected(self, job: Job) -> str | None:
        """Why a job cannot run at all: a required input that nothing has written or can write, or no model; None where it can."""
        if isinstance(job, Ask) and not self.models.get(job.name):
            return f"no model is connected as {job.model} (pinlake models promote {job.model} SPEC --day D)"
        for given in job.inputs.values():
            writer = self.lineage.writers.get(given.table)
            if given.optional or given.table == job.output:
                continue
            if writer is None and not self.ledger(given.table).days:
                return f"{given.table.name} is not connected (nothing was ever written to it)"
            if writer is not None and (why := self.not_connected(writer)) and not self.ledger(given.table).days:
                return f"{given.table.name}: {why}"
        return None

    def made_from(self, job: Job, day: str) -> dict[str, str]:
        """Fingerprints of everything that a day of a job's output is made from, as published now."""
        found = {}
        for name, given in job.inputs.items():
            first = self.first_day(given.table)
            found[name] = self.ledger(given.table).fingerprint(given.read.reads(day, first) if first else None)
        if job.output.kind is CHANGES:
            first = self.first_day(job.output)
            before = shifted(day, -1)
            found[ITSELF] = self.ledger(job.output).fingerprint(Days(first, before) if first and first <= before else None)
        found[PARAMS] = self.params.get(job.name, "")
        if isinstance(job, Ask):
            one = self.revision(job, day)
            found[MODEL] = one.revision if one else ""
        return found

    def asked_before(self, job: Ask, day: str, model: Revision) -> bool:
        """Whether all questions of the day before were put to this model already, as things stand now: then only new ones are left."""
        before = self.ledger(job.output).days.get(shifted(day, -1))
        now = self.made_from(job, shifted(day, -1))
        return before is not None and now[MODEL] == model.revision and dict(before.made_from) == now

    def asked_digest(self, job: Ask, day: str) -> str:
        """The digest of an Ask's day: which questions were asked of which model. Its answers never change."""
        return short_hash(*(f"{name}={value}" for name, value in sorted(self.made_from(job, day).items())))

    def made_from_step(self, job: Job, days: Days, digests: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """`made_from` of every day of a step that will be published with these digests: later days are made from earlier ones."""
        own = self.ledger(job.output)
        known = {**own.days, **{day: Published(digest, "", 0, 0, {}, "", job.name, own.version) for day, digest in digests.items()}}
        then = Planner(self.lineage, {**self.ledgers, job.output: Ledger(own.version, known)}, self.params, self.models)
        return {day: then.made_from(job, day) for day in days}

    def why(self, job: Job, day: str) -> str | None:
        """`missing`, or `stale` and through which inputs; None where the published day is current."""
        published = self.ledger(job.output).days.get(day)
        if published is None:
            return "missing"
        now = self.made_from(job, day)
        changed = [job.inputs[n].table.name if n in job.inputs else n for n in now if now[n] != published.made_from.get(n)]
        return f"stale ({', '.join(changed)} changed)" if changed else None

    def needed(self, wanted: Wanted) -> dict[str, Days]:
        """For every job that must be current, the days on which it must be, by job name."""
        spans: dict[str, Days] = {}
        for job in wanted.targets:
            first = self.first_day(job.output) if self.not_connected(job) is None else None
            clipped = wanted.days.clipped(first) if first else None
            if clipped:
                spans[job.name] = clipped
        if not wanted.upstream:
            return spans
        for job in reversed(self.lineage.upstream(wanted.targets)):
            span = spans.get(job.name)
            own_first = self.first_day(job.output)
            if span is None or own_first is None:
                continue
            if job.output.kind is CHANGES:
                span = spans[job.name] = Days(own_first, span.last)
            for given in job.inputs.values():
                writer = self.lineage.writers.get(given.table)
                first = self.first_day(given.table)
                reads = given.read.span(span, first) if first and writer and writer.name != job.name else None
                if reads is not None and given.as_published:
                    reads = reads.common(wanted.days)
                if writer is None or reads is None or self.not_connected(writer):
                    continue
                have = spans.get(writer.name, reads)
                spans[writer.name] = Days(min(have.first, reads.first), max(have.last, reads.last))
        return spans

    def skipped(self, wanted: Wanted) -> list[Skipped]:
        """The jobs that will not run, with the reason."""
        jobs = self.lineage.upstream(wanted.targets) if wanted.upstream else wanted.targets
        found = []
        for job in jobs:
            if why := self.not_connected(job):
                found.append(Skipped(job, why))
            elif (first := self.first_day(job.output)) and wanted.days.last < first:
                found.append(Skipped(job, f"its first day is {first}"))
        return found

    def todo(self, wanted: Wanted, job: Job, span: Days) -> list[Todo]:
        """The days of a job within a span that must be computed now, as adjacent ranges in each of which one model counts."""
        found: list[Todo] = []
        force = wanted.force and job in wanted.targets
        for day in span:
            why = self.why(job, day) or ("asked for" if force and day in wanted.days else None)
            if why is None:
                continue
            newest = found[-1] if found else None
            same_model = newest is None or self.revision(job, newest.days.last) == self.revision(job, day)
            if newest and same_model and shifted(newest.days.last, 1) == day:
                reasons = newest.why if why in newest.why.split("; ") else f"{newest.why}; {why}"
                found[-1] = Todo(job, Days(newest.days.first, day), reasons)
            else:
                found.append(Todo(job, Days(day, day), why))
        return found

    def check_inputs(self, job: Job, days: Days) -> None:
        """PinlakeError where a day that the job must read is missing; names the days and the job or table to mend."""
        for given in job.inputs.values():
            first = self.first_day(given.table)
            span = given.read.span(days, first) if first else None
            writer = self.lineage.writers.get(given.table)
            if span is None or given.as_published or (given.table != job.output and writer and self.not_connected(writer)):
                continue
            if writer is not None:
                _refuse_missing(self.ledger(given.table).missing(span), given.table, job, writer)
            elif given.table.events and (gap := self.ledger(given.table).missing(span)):
                have = self.ledger(given.table)
                raise PinlakeError(
                    f"{job.name}: {given.table.name} has no {_listed(gap)} (it has {have.first}..{have.last} and must have each day); "
                    f"write the missing day, or choose days within it"
                )
        first = self.first_day(job.output)
        before = shifted(days.first, -1)
        if job.output.kind is CHANGES and first and first <= before:
            _refuse_missing(self.ledger(job.output).missing(Days(first, before)), job.output, job, job)

    def rows_read(self, job: Job, days: Days) -> int | None:
        """How many published rows the job reads for the days, its own opening rows among them; None where another system wrote some."""
        own = (Input(job.output, opening()),) if job.output.kind is CHANGES else ()
        counted = [given for given in (*job.inputs.values(), *own) if given.read.mode is not Mode.PAST]  # a few rows are looked up there
        found = [self.rows_of(given, days) for given in counted]
        known = [rows for rows in found if rows is not None]
        return sum(known) if len(known) == len(found) else None

    def rows_of(self, given: Input, days: Days) -> int | None:
        """How many published rows the input has on the days that it reads for these; None where another system wrote some."""
        ledger, first = self.ledger(given.table), self.first_day(given.table)
        if ledger.foreign:
            return None
        span = given.read.span(days, first) if first else None
        return sum(one.rows for day, one in ledger.days.items() if span is not None and day in span)

    def reads(self, job: Job, days: Days) -> list[dict[str, Any]]:
        """{input, table, version, first, last, model_revision} of every connected input that a job reads for the days, as lineage keeps
        it; of answers the model's revision and no days."""
        found: list[dict[str, Any]] = []
        for name, given in job.inputs.items():
            ledger = self.ledger(given.table)
            if not ledger.connected:
                continue
            model = self.revision(job, days.first) if given.read.mode is Mode.ANSWERED else None
            first = self.first_day(given.table)
            span = given.read.span(days, first) if first and model is None else None
            about = {"input": name, "table": given.table.name, "version": ledger.version}
            ends = {"first": span.first if span else None, "last": span.last if span else None}
            found.append({**about, **ends, "model_revision": model.revision if model else None})
        return found

    def plan(self, wanted: Wanted, step_days: int) -> list[Todo]:
        """Everything the command would compute as things stand, in order; what a change above or before may make stale is foreseen."""
        spans = self.needed(wanted)
        skipped = {s.job.name for s in self.skipped(wanted)}
        found: list[Todo] = []
        begins: dict[Table, str] = {}
        for job in self.lineage.jobs:
            if job.name not in spans or job.name in skipped:
                continue
            todo = self.todo(wanted, job, spans[job.name])
            todo += self._foreseen(job, spans[job.name], todo, begins)
            todo.sort(key=lambda t: t.days.first)
            if todo:
                begins[job.output] = todo[0].days.first
            found += [Todo(job, days, t.why) for t in todo for days in t.days.steps(step_days)]
        return found

    def _foreseen(self, job: Job, span: Days, todo: Sequence[Todo], begins: Mapping[Table, str]) -> list[Todo]:
        """Days that will be stale if the planned ones change; `begins`: the first planned day of the tables above."""
        due = {day for t in todo for day in t.days}
        above = {i.table.name: begins[i.table] for i in job.inputs.values() if i.table in begins and i.table != job.output}
        start = min(above.values(), default=None)
        names = ", ".join(above)
        found = [day for day in span if day not in due and start is not None and day >= start]
        foreseen = [Todo(job, days, f"if {names} changes") for days in adjacent(found)]
        if not foreseen and due and job.output.kind is CHANGES:
            rest = [day for day in span if day not in due and day > min(due)]
            foreseen = [Todo(job, days, "if its earlier days change") for days in adjacent(rest)]
        return foreseen


def adjacent(days: Sequence[str]) -> list[Days]:
    """Sorted days as ranges without gaps."""
    found: list[Days] = []
    for day in days:
        if found and shifted(found[-1].last, 1) == day:
            found[-1] = Days(found[-1].first, day)
        else:
            found.append(Days(day, day))
    return found


def _listed(days: Sequence[str]) -> str:
    shown = [str(d) for d in adjacent(days)]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more ranges" if len(shown) > 5 else "")


def _refuse_missing(gap: Sequence[str], table: Table, job: Job, writer: Job) -> None:
    if gap:
        raise PinlakeError(
            f"{job.name}: {table.name} has no {_listed(gap)}; run first: "
            f"pinlake backfill {writer.name} --first {gap[0]} --last {gap[-1]} --upstream, or repeat this command with --upstream"
        )
