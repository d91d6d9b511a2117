"""Runs jobs: plans each step anew from what is published, builds, publishes, and keeps the account of the runs."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features import logs
from jobs import asking, building, training
from jobs.days import Days, shifted
from jobs.errors import PinlakeError, Refused, UsageError
from jobs.ledger import Published, short_hash
from jobs.lineage import Lineage
from jobs.planner import Planner, Revision, Todo, Wanted
from jobs.publication import Publication, Step, publish
from jobs.reading import read
from jobs.session import another, held, planned_for
from jobs.side_by_side import side_by_side
from jobs.spec import Ask, Input, Job, Mode, Train, opening
from jobs.store import Store
from schemas import ops
from schemas.contract import CHANGES, Table

if TYPE_CHECKING:
    from jobs.model_plan import Models
    from jobs.openlineage import Events

Say = Callable[[str], None]


def new_run_id(now: float) -> str:
    """A run's name: when it began, and chance so that two at once differ."""
    return f"{dt.datetime.fromtimestamp(now, dt.UTC):%Y%m%dt%H%M%S}_{secrets.token_hex(3)}"


@dataclass
class Counted:
    """How many parts of a run are done, of how many, and how long the rest may take."""

    due: int
    say: Say
    done: int = 0
    started: float = field(default_factory=time.time)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, line: str, new: bool) -> None:
        """Says a line of a part that is done, which counts where it is `new`."""
        with self.lock:
            self.done += new
            self.due = max(self.due, self.done)
            left = (time.time() - self.started) / self.done * (self.due - self.done)
            self.say(f"[{self.done}/{self.due}] {line}; about {left:.0f} s left")


@dataclass
class Runner:
    """Runs what a planner finds due, over one store. Without `models`, jobs that ask one are not connected."""

    store: Store
    lineage: Lineage
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    step_days: int = 31
    at_once: int = 1
    """Jobs that run at the same time, each after those that it reads."""
    say: Say = print
    models: Models | None = None
    accept_unusual: bool = False
    """Publish days that differ from those before more than is usual (jobs/watching.py), too."""
    run_id: str = field(default_factory=lambda: new_run_id(time.time()))
    events: Events | None = None
    """Who is told what of which job began and ended."""
    published: list[Publication] = field(default_factory=list)

    def planner(self) -> Planner:
        """A planner over what is published now."""
        tables = {t for job in self.lineage.jobs for t in (job.output, *(i.table for i in job.inputs.values()))}
        unknown = sorted(set(self.params) - {job.name for job in self.lineage.jobs})
        if unknown:
            raise UsageError(f"[params.{unknown[0]}] in pinlake.toml: there is no such job")
        params = {job.name: self._params_hash(job) for job in self.lineage.jobs}
        return Planner(self.lineage, {t: self.store.ledger(t) for t in tables}, params, self._revisions())

    def _revisions(self) -> dict[str, list[Revision]]:
        """The revisions of every Ask's model, by the Ask's name."""
        asks = [job for job in self.lineage.jobs if isinstance(job, Ask)] if self.models else []
        return {
            ask.name: [
                Revision(one.since, asking.revision_of(ask, one.content_hash, self._parameters(ask)), one)
                for one in self.models.promotions(ask.model)
            ]
            for ask in asks
            if self.models
        }

    def _parameters(self, job: Job) -> Any:
        return building.parameters(job, self.params.get(job.name, {}))

    def _params_hash(self, job: Job) -> str:
        overrides = self.params.get(job.name, {})
        return short_hash(json.dumps(overrides, sort_keys=True, default=list)) if overrides else ""

    def run(self, wanted: Wanted, newest_first: bool = False) -> list[Publication]:
        """Computes what is wanted, step by step, oldest first; all jobs of a step before the next step. Returns the publications."""
        self.store.sweep(int(time.time() * 1000))
        planner = self.planner()
        skipped = {one.job.name: one.why for one in planner.skipped(wanted)}
        for name, why in skipped.items():
            if [name] == [job.name for job in wanted.targets] and not wanted.if_connected:
                raise PinlakeError(f"{name} cannot run: {why}")
            self.say(f"{name}: skipped, {why}")
        spans = {name: span for name, span in planner.needed(wanted).items() if name not in skipped}
        steps = self._steps(spans, newest_first)
        due = sum(bool(planner.todo(wanted, job, span)) for step in steps for job, span in step)  # and what these will make stale
        counted, done, workers = Counted(due, self.say), list[Publication](), self._workers()
        above = {job.name: {up.name for up in self.lineage.above(job)} for job in self.lineage.jobs}
        alone = {job.name for job in self.lineage.jobs if isinstance(job, Ask | Train)}
        try:
            for step in steps:
                parts = {job.name: (job, span) for job, span in step}

                def work(worker: Runner, name: str, parts: Mapping[str, tuple[Job, Days]] = parts) -> None:
                    worker._part(wanted, *parts[name], done, counted)

                before = len(done)
                side_by_side(list(parts), above, alone, workers, work, self.say)
                done[before:] = sorted(done[before:], key=lambda one: list(parts).index(one.job))
                self.account(done)
        except PinlakeError:
            self.account(done)
            raise
        return done

    def _workers(self) -> list[Runner]:
        """This runner and as many beside it as run at once, each with a session of its own: a step changes its session's settings."""
        others = (another(self.store.spark) for _ in range(self.at_once - 1))
        return [self, *(replace(self, store=self.store.through(spark)) for spark in others)]

    def _part(self, wanted: Wanted, job: Job, span: Days, done: list[Publication], counted: Counted) -> None:
        """One job on its days of a step, where they are due."""
        rest: Days | None = span
        # Planned anew after every publication: a changed day of a change log makes its later days stale.
        while rest is not None and (found := self.planner().todo(wanted, job, rest)):
            publication = self._one(found[0], done)
            done.append(publication)
            for line in publication.unusual:
                self.say(f"unusual: {line}")
            # Ranges with days between them that are current are one part of the step.
            counted.tell(told(publication, found[0].why), new=rest == span)
            rest = rest.clipped(shifted(found[0].days.last, 1))

    def _steps(self, spans: Mapping[str, Days], newest_first: bool) -> list[list[tuple[Job, Days]]]:
        """The jobs' days in steps, all jobs of a step before the next one, each after those that it reads.

        All jobs are cut at the same days, also where one begins earlier than another: else a step could come before its inputs.
        """
        if not spans:
            return []
        whole = Days(min(s.first for s in spans.values()), max(s.last for s in spans.values()))
        steps = list(whole.steps(self.step_days))
        jobs = [job for job in self.lineage.jobs if job.name in spans]
        cut = ([(job, spans[job.name].common(step)) for job in jobs] for step in (reversed(steps) if newest_first else steps))
        return [[(job, part) for job, part in step if part is not None] for step in cut]

    def _one(self, todo: Todo, done: list[Publication]) -> Publication:
        """What became of it; what is refused is put down too, since nothing else tells of it."""
        started = time.time()
        planner = self.planner()
        planner.check_inputs(todo.job, todo.days)
        reads = planner.reads(todo.job, todo.days) if self.events else []
        if self.events:
            self.events.started(todo.job, todo.days, reads)
        try:
            found = _timed(self._made(todo, planner), started)
        except BaseException as why:
            if self.events:
                self.events.ended(todo.job, todo.days, reads, why)
            if isinstance(why, Refused):
                nothing = Publication(todo.job.output, todo.job.name, todo.days, self.run_id, 0, 0, 0, 0.0, None, {}, 0, refused=str(why))
                done.append(_timed(nothing, started))
            raise
        if self.events:
            self.events.completed(todo.job, found)
        return found

    def _made(self, todo: Todo, planner: Planner) -> Publication:
        with planned_for(self.store.spark, planner.rows_read(todo.job, todo.days)):
            if isinstance(todo.job, Ask):
                return self.ask(todo.job, todo.days, planner)
            if isinstance(todo.job, Train):
                return self.train(todo.job, todo.days.first, planner)
            return self.step(todo.job, todo.days, planner)

    def ask(self, job: Ask, days: Days, planner: Planner) -> Publication:
        """Asks what has no answer yet of the model that counts on these days, one model for all of them."""
        model = planner.revision(job, days.first)
        if model is None or self.models is None:
            raise PinlakeError(f"{job.name}: {planner.not_connected(job)}")
        frames = self.inputs(job, days, planner)
        step = asking.Questions(
            job=job,
            days=days,
            revision=model.revision,
            only_new=planner.asked_before(job, days.first, model),
            asking=self.models.asking(job, model.promotion, self._parameters(job)),
            chunk_seconds=self.models.chunk_seconds,
            reads=planner.reads(job, days),
        )

        def published(answers: int) -> dict[str, Published]:
            counts = {day: answers if day == days.last else 0 for day in days}
            return {
                day: Published(planner.asked_digest(job, day), "", counts[day], 0, planner.made_from(job, day), self.run_id, job.name, -1)
                for day in days
            }

        return asking.ask(self.store, self.run_id, step, frames, published, self.say)

    def train(self, job: Train, day: str, planner: Planner) -> Publication:
        """Trains what the rows up to the day make, where it is not there yet, and promotes it from the day on where it is no worse."""
        if self.models is None:
            raise PinlakeError(f"{job.name}: no models are connected to this runner")
        days, params, models = Days(day, day), self._parameters(job), self.models
        starts = {part: models.start(text, day) for part, text in params.starts().items()}
        frames = self.inputs(job, days, planner)
        rows = building.lesson(job, frames, days, params)
        trained, local = training.train(self.store, self.run_id, job, rows, params, starts, models, day, self.say)
        model = models.keep(trained.folder)
        made = planner.made_from(job, day)
        reads = planner.reads(job, days)
        step = Step(job.name, job.output, days, lambda digests: {day: made}, since=planner.ledger(job.output).version, reads=reads)
        done = training.published(self.store, self.run_id, job, step, trained, model, starts, params)
        judgement = training.judged(job, models, model, day, local, self.say)
        if judgement["promoted"] and not judgement["counts"]:
            models.promote(job.model, model, day, judgement["metrics"])
        shutil.rmtree(local, ignore_errors=True)
        self.say(f"{job.name} {day}: {'counts from this day on' if judgement['promoted'] else 'not promoted'}: {judgement['why']}")
        told = {"content_hash": model.content_hash, "spec": model.spec, "kept": trained.kept}
        return replace(done, model={**told, **{name: judgement[name] for name in ("promoted", "why", "metrics")}})

    def step(self, job: Job, days: Days, planner: Planner) -> Publication:
        """Builds and publishes one step of a job, reading every input at the version that the planner saw."""
        with self.store.keeping(self.run_id):
            return self._built_and_published(job, days, planner)

    def _built_and_published(self, job: Job, days: Days, planner: Planner) -> Publication:
        frames = self.inputs(job, days, planner)
        params = self._parameters(job)
        if why := building.blocked(job, frames, days, params):
            raise Refused(f"{job.output.name}, {days}: {why}; nothing was published")
        rows = building.built(job, frames, days, params)
        before = None
        if job.output.kind is CHANGES:
            rows = logs.kept(rows)  # read twice: for its rows, and for the keys it touches
            before = self._read(Input(job.output, opening()), days, planner)
        if job.one_to_one is not None:
            refuse_lost_rows(job, frames[job.one_to_one], rows)
        step = Step(
            job=job.name,
            output=job.output,
            days=days,
            made_from=lambda digests: planner.made_from_step(job, days, digests),
            params=asdict(params) if params is not None else {},
            since=planner.ledger(job.output).version,
            reads=planner.reads(job, days),
            accept_unusual=self.accept_unusual,
        )
        return publish(self.store, self.run_id, step, building.published_form(job, rows, before, days))

    def inputs(self, job: Job, days: Days, planner: Planner) -> dict[str, DataFrame]:
        """What the job's build takes for the days, as it is published now."""
        found = {}
        for name, given in job.inputs.items():
            rows = self._read(given, days, planner, job)
            # Answers are read of all days.
            found[name] = rows if given.read.mode is Mode.ANSWERED else held(rows, planner.rows_of(given, days))
        return found

    def _read(self, given: Input, days: Days, planner: Planner, job: Job | None = None) -> DataFrame:
        ledger = planner.ledger(given.table)
        if given.read.mode is Mode.ANSWERED:
            model = planner.revision(job, days.first) if job else None
            stored = self.store.frame(given.table, ledger.version)
            return answers_of(stored, model)
        first = planner.first_day(given.table)
        stored = self.store.frame(given.table, ledger.version if first else -1)
        return read(stored, given.table, given.read, days, first or days.first)

    def account(self, done: Sequence[Publication]) -> None:
        """Writes the rows of `ops.runs` for publications that have none yet; last, as it can be rebuilt."""
        new = [p for p in done if p not in self.published]
        if new:
            self.store.append(ops.RUNS, runs_frame(self.store, new))
            self.published.extend(new)


def _timed(done: Publication, started: float) -> Publication:
    return replace(done, seconds=time.time() - started, started_ms=int(started * 1000))


def answers_of(stored: DataFrame, model: Revision | None) -> DataFrame:
    """The answers of one revision, with the first day on which it counts as `since`."""
    revision, since = (model.revision, model.since) if model else ("", "")
    return stored.where(F.col("model_revision") == revision).withColumn("since", F.lit(since))


def told(done: Publication, why: str) -> str:
    """One line on what became of a step."""
    if done.asked is not None:
        refused = f", {done.quarantined} refused" if done.quarantined else ""
        return f"{done.job} {done.days}: {done.asked} asked{refused}, {done.kept} kept ({why}), {done.seconds:.1f} s"
    what = "published" if done.version is not None else "unchanged"
    refused = f", {done.quarantined} quarantined" if done.quarantined else ""
    return f"{done.job} {done.days}: {what}, {done.rows} rows, {done.changed} written{refused} ({why}), {done.seconds:.1f} s"


def refuse_lost_rows(job: Job, given: DataFrame, rows: DataFrame) -> None:
    """Refused where the rows of a one-to-one job, refused ones included, are not as many as those of its input, day by day."""
    counts = given.groupBy("ds").agg(F.count(F.lit(1)).alias("n"), F.lit(0).alias("m"))
    counts = counts.unionByName(rows.groupBy("ds").agg(F.lit(0).alias("n"), F.count(F.lit(1)).alias("m")))
    lost = counts.groupBy("ds").agg(F.sum("n").alias("n"), F.sum("m").alias("m")).where("n <> m").orderBy("ds").limit(1).collect()
    if lost:
        raise Refused(
            f"{job.output.name}, {lost[0].ds}: {lost[0].n} rows of {job.one_to_one} gave {lost[0].m} rows, built and refused together"
        )


READS = ("input", "table", "version", "first", "last", "model_revision")


def runs_frame(store: Store, done: Sequence[Publication]) -> DataFrame:
    """The rows of `ops.runs` for publications."""
    rows = [
        (
            p.run_id,
            p.job,
            p.output.name,
            p.days.first,
            p.days.last,
            p.version,
            p.rows,
            p.changed,
            p.quarantined,
            p.seconds,
            p.metadata.get("code"),
            dt.datetime.fromtimestamp(p.started_ms / 1000, dt.UTC),
            json.dumps(p.metadata, sort_keys=True),
            [tuple(one[name] for name in READS) for one in p.reads],
            list(p.unusual),
            p.refused,
        )
        for p in done
    ]
    return store.spark.createDataFrame(rows, ops.RUNS.ddl)


def rebuilt_runs(store: Store, tables: Sequence[Table]) -> DataFrame:
    """`ops.runs` from the metadata of all commits; runs that published nothing and durations are not in it."""
    found = []
    for table in tables:
        for commit in store.commits(table):
            if commit.metadata is None or not commit.metadata["days"]:
                continue  # another system's, or a chunk of answers, of which the commit that notes the days tells
            days: Mapping[str, Mapping[str, Any]] = commit.metadata["days"]
            found.append(
                Publication(
                    output=table,
                    job=commit.metadata["job"],
                    days=Days(commit.metadata["first"], commit.metadata["last"]),
                    run_id=commit.metadata["run"],
                    rows=sum(one["rows"] for one in days.values()),
                    changed=sum(one["rows"] for one in days.values()),
                    quarantined=sum(one["refused"] for one in days.values()),
                    seconds=0.0,
                    version=commit.version,
                    digests={day: one["digest"] for day, one in days.items()},
                    started_ms=commit.timestamp,
                    metadata=commit.metadata,
                    reads=commit.metadata.get("reads", ()),
                )
            )
    return runs_frame(store, found)
