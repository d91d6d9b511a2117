"""What each command does, over one lake: the session, the store and the runner that the settings name."""

from __future__ import annotations

import importlib
import threading
import time
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import given, models, prometheus, quality, tracing
from jobs.asking import revision_of
from jobs.building import parameters
from jobs.days import Days, shifted
from jobs.describing import aligned
from jobs.errors import PinlakeError, UsageError
from jobs.housekeeping import keep
from jobs.ledger import Ledger
from jobs.lineage import Lineage
from jobs.model_plan import Models
from jobs.planner import Planner, Wanted, adjacent
from jobs.publication import Publication
from jobs.reading import read
from jobs.registry import JOBS
from jobs.registry import job as job_named
from jobs.runner import Counted, Runner, rebuilt_runs, told
from jobs.session import planned_for, session
from jobs.settings import Settings
from jobs.side_by_side import side_by_side
from jobs.spec import opening
from jobs.store import Store
from jobs.telling import progress, speak
from schemas import catalog, ops, raw, sample, signals, texts
from schemas.contract import CHANGES, OPS, Table

Result = tuple[dict[str, Any], str]
"""What a command found: as JSON, and as text."""


class Lake:
    """One warehouse, and everything that commands do with it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lineage = Lineage(JOBS)

    @cached_property
    def spark(self) -> SparkSession:
        """The session, started when first needed; the checks' library is read meanwhile, while the JVM starts."""
        threading.Thread(target=importlib.import_module, args=("great_expectations",), daemon=True).start()
        return session(self.settings)

    @cached_property
    def store(self) -> Store:
        """The warehouse's tables."""
        return Store(self.spark, self.settings.warehouse)

    @cached_property
    def runner(self) -> Runner:
        """Runs jobs over the store."""
        models = Models(self.store, self.settings)
        made = Runner(self.store, self.lineage, self.settings.params, self.settings.step_days, self.settings.jobs_at_once, progress, models)
        speak(self.settings.log_format, made.run_id)
        quality.DOCS[:] = [self.settings.data_docs_dir] if self.settings.data_docs_dir else []
        if self.settings.openlineage:
            from jobs.openlineage import Events

            made.events = Events.to(self.settings.openlineage, self.settings.warehouse, made.run_id, progress)
        return made

    def wanted(self, planner: Planner, target: str, days: Days, upstream: bool, force: bool) -> Wanted:
        """What the options ask for; a tag always goes upstream."""
        jobs, tag = planner.targets(target)
        return Wanted(jobs, days, upstream or tag, force)

    def plan(self, target: str, days: Days, upstream: bool) -> Result:
        """What a backfill would compute, skip and read."""
        from jobs.planning import planned

        return planned(self, target, days, upstream)

    def run(
        self,
        target: str,
        days: Days,
        upstream: bool,
        force: bool,
        newest_first: bool = False,
        accept_unusual: bool = False,
        if_connected: bool = False,
    ) -> Result:
        """Runs a target; the result holds how many inputs were `asked`, and by job rows, changed, quarantined, seconds and digests, and
        what was `unusual` beside the days before, where anything was."""
        self.runner.accept_unusual = accept_unusual
        planner = self.runner.planner()
        wanted = replace(self.wanted(planner, target, days, upstream, force), if_connected=if_connected)
        if newest_first:
            log_tables = [j.output.name for j in self.lineage.upstream(wanted.targets) if j.output.kind is CHANGES]
            if log_tables:
                raise UsageError(f"--newest-first: {', '.join(log_tables)} are change logs, which are computed oldest first")
        started = time.time()
        try:
            done = self.runner.run(wanted, newest_first)
        finally:
            self._metrics()
        return self.told(done, time.time() - started)

    def _metrics(self) -> None:
        """Writes the metrics of what was run, also of what was refused, where a folder for them is set."""
        if self.settings.metrics_dir and self.runner.published:
            newest = {one.output: last for one in self.runner.published if (last := self.store.ledger(one.output).last)}
            prometheus.write(self.settings.metrics_dir, self.runner.published, newest)

    def told(self, done: list[Publication], seconds: float, by: str = "jobs") -> Result:
        """Publications as a result: one entry a job (or a table, for commands that write raw tables), its steps added up.

        `asked` of all jobs together says 0 where no model was asked, also where no job that asks had anything to compute.
        """
        entries: dict[str, dict[str, Any]] = {}
        for one in done:
            entry = entries.setdefault(
                one.job if by == "jobs" else one.output.name,
                {"output": one.output.name, "rows": 0, "changed": 0, "quarantined": 0, "seconds": 0.0, "version": None, "digests": {}},
            )
            entry["rows"] += one.rows
            entry["changed"] += one.changed
            entry["quarantined"] += one.quarantined
            entry["seconds"] = round(entry["seconds"] + one.seconds, 2)
            entry["version"] = one.version if one.version is not None else entry["version"]
            entry["digests"].update(one.digests)
            if one.asked is not None:
                entry |= {"asked": entry.get("asked", 0) + one.asked, "kept": entry.get("kept", 0) + (one.kept or 0)}
            if one.model is not None:
                entry["model"] = dict(one.model)  # of the newest day
            if one.unusual:
                entry["unusual"] = [*entry.get("unusual", []), *one.unusual]
        for entry in entries.values():
            if entry["version"] is None:
                entry["version"] = self.store.ledger(catalog.by_name()[entry["output"]]).version
        rows: list[tuple[str, ...]] = [(by[:-1], "writes", "rows", "changed", "quarantined", "seconds", "version")]
        rows += [(n, *(str(e[k]) for k in ("output", "rows", "changed", "quarantined", "seconds", "version"))) for n, e in entries.items()]
        text = aligned(rows) if entries else "nothing to compute: all days are published and current"
        asked = {"asked": sum(e.get("asked", 0) for e in entries.values())} if by == "jobs" else {}
        return {
            "run_id": self.runner.run_id,
            "seconds": round(seconds, 2),
            **asked,
            by: entries,
        }, f"{text}\nrun {self.runner.run_id}, {seconds:.0f} s"

    def sample(self, pins: int, days: Days, seed: int) -> Result:
        """Writes a sample lake."""
        from jobs.sample.lake import tables

        started = time.time()
        given.refuse_other_lake(self.store, days)
        with planned_for(self.spark, 2 * pins * len(days)):  # about as many rows as its largest table has
            done = self._write(given.SAMPLE, tables(self.spark, pins, days, seed), days)
        return self.told(done, time.time() - started, "tables")

    def import_file(self, mapping: str, file: Path, days: Days) -> Result:
        """Fills raw tables from a file by a mapping."""
        from jobs.imports.mapping import load
        from jobs.imports.read import frames

        started = time.time()
        if not file.exists():
            raise UsageError(f"{file}: there is no such file")
        chosen = load(mapping)
        done = self._write(chosen.name, frames(self.spark, chosen, file, days.first), days)
        return self.told(done, time.time() - started, "tables")

    def _write(self, name: str, frames: dict[Table, DataFrame], days: Days) -> list[Publication]:
        done, tables, counted = list[Publication](), {table.name: table for table in frames}, Counted(len(frames), progress)

        def write(store: Store, table: str) -> None:
            one = given.write(store, self.runner.run_id, name, tables[table], frames[tables[table]], days)
            done.append(one)
            counted.tell(f"{table} {told(one, name)}", new=True)

        stores = [self.store] * self.settings.jobs_at_once
        side_by_side(list(tables), dict.fromkeys(tables, set()), set(), stores, write, progress)
        done.sort(key=lambda one: list(tables).index(one.output.name))
        self.runner.account(done)
        return done

    def evaluate_link_texts(self, file: Path, days: Days, peers: bool) -> Result:
        """Link texts as of the day against what people wrote, and what other readers make of the same pages."""
        from jobs.evaluation.link_texts import evaluate, evaluate_peers
        from udfs.pages.peers import missing

        if not file.exists():
            raise UsageError(f"{file}: there is no such file")
        if peers and missing():
            raise UsageError(f"--peers: not installed: {', '.join(missing())}; type: pip install {' '.join(missing())}")
        planner = self.runner.planner()
        first = planner.first_day(signals.LINK_TEXTS)
        ledger = planner.ledger(signals.LINK_TEXTS)
        if first is None or days.last not in ledger.days:
            raise PinlakeError(f"signals.link_texts has no {days.last}; run first: pinlake run link_texts --day {days.last} --upstream")
        stored = self.store.frame(signals.LINK_TEXTS, ledger.version)
        texts = as_of(stored, signals.LINK_TEXTS, days.last, first)
        refused = self.store.quarantined([signals.LINK_TEXTS], None)
        gold = self.spark.read.parquet(str(file))
        found = evaluate(gold, texts, refused)
        if peers:
            if "html" not in gold.columns:
                raise UsageError(f"{file}: --peers reads the pages themselves, and there is no column html")
            limits = parameters(job_named("link_texts"), self.settings.params.get("link_texts", {})).limits()
            found["peers"] = evaluate_peers(gold, limits)
        return found, given.as_lines(found)

    def evaluate_captions(self, file: Path | None, days: Days) -> Result:
        """Captions as of the day against what people wrote, or against what was planted in the sample lake."""
        from jobs.evaluation import captions, metrics

        if file is not None and not file.exists():
            raise UsageError(f"{file}: there is no such file")
        planner = self.runner.planner()
        live = self.live(planner, signals.IMAGE_CAPTIONS, days.last)
        if live is None:
            raise PinlakeError(
                f"signals.image_captions has no {days.last}; run first: pinlake run image_captions --day {days.last} --upstream"
            )
        if file is None:
            if not self.store.commits(sample.TRUTH):
                raise UsageError(f"{self.store.warehouse} is no sample lake: name a FILE with image_id and the caption that people wrote")
            arrived = self.store.frame(raw.PIN_UPDATES).where(F.col("ds") <= days.last)
            found = captions.evaluate_planted(captions.planted(arrived, self.store.frame(sample.TRUTH)), live)
        else:
            refused = self.store.quarantined([signals.IMAGES, signals.IMAGE_CAPTIONS], None)
            found = captions.evaluate(self.spark.read.parquet(str(file)), live, refused)
        named = sample.TRUTH.name if file is None else file.name
        version = planner.ledger(signals.IMAGE_CAPTIONS).version
        measured = captions.metrics(named, found, {signals.IMAGE_CAPTIONS.name: version})
        self.runner.account([metrics.write(self.store, self.runner.run_id, "captions", days.last, measured)])
        return found, given.as_lines(found)

    def evaluate_coverage(self, days: Days) -> Result:
        """Which text sources pins and products have as of the day; kept in evaluation.metrics."""
        from jobs.evaluation import coverage, metrics

        planner = self.runner.planner()
        totals = self.live(planner, signals.ENGAGEMENT_TOTALS, days.last)
        found: dict[str, Any] = {"day": days.last}
        measured: list[metrics.Metric] = []
        lines = []
        for name, table in (("pin", texts.PINS), ("product", texts.PRODUCTS)):
            live = self.live(planner, table, days.last)
            found[f"{name}s"] = None
            if live is None:
                lines.append(f"{table.name} has no {days.last}: not measured")
                continue
            engaged = coverage.engagements(totals, name) if totals is not None else None
            one = found[f"{name}s"] = coverage.coverage(table, live, engaged)
            measured += coverage.metrics(table, one, {table.name: planner.ledger(table).version})
            shares = aligned(coverage.rendered(one))
            lines.append(f"{table.name} as of {days.last}: the share of live {name}s that have each source\n{shares}")
        if found["pins"] is None and found["products"] is None:
            raise PinlakeError(f"texts.pins has no {days.last}; run first: pinlake run pin_texts --day {days.last} --upstream")
        self.runner.account([metrics.write(self.store, self.runner.run_id, "coverage", days.last, measured)])
        return found, "\n\n".join(lines)

    def score(self, file: Path, model: str, query: str, texts: list[str], out: Path) -> Result:
        """Scores a file of pairs by a teacher or a student: the newest promotion of that name in the warehouse, a folder, or a spec."""
        from jobs import scoring
        from jobs.imports.read import read as read_file

        started = time.time()
        scoring.refuse_places(file, out)
        chosen, planned = models.newest(self.store, self.settings, model, progress), Models(self.store, self.settings)
        job = scoring.job_of(planned.stored(chosen).folder)
        asking = planned.asking(job, chosen)
        revision = revision_of(job, chosen.content_hash, None)
        progress(f"{file}: asking {chosen.spec} ({revision})")
        n, refused = scoring.score(read_file(self.spark, file), query, texts, asking, revision, out)
        seconds = round(time.time() - started, 1)
        result = {"rows": n, "refused": refused, "model": chosen.spec, "model_revision": revision, "out": str(out), "seconds": seconds}
        return result, f"{out}: {n} rows, {refused} refused, by {chosen.spec} ({revision}), {seconds:.0f} s"

    def embed(self, file: Path, kind: str, model: str, out: Path) -> Result:
        """Embeds a file of queries, pins or products: by the newest promotion in the warehouse, a folder, or a spec."""
        from jobs import embedding_files, scoring
        from jobs.imports.read import read as read_file
        from jobs.registry import train

        started = time.time()
        if kind not in embedding_files.KINDS:
            raise UsageError(f"{kind!r} cannot be embedded; there are {', '.join(embedding_files.KINDS)}")
        scoring.refuse_places(file, out)
        chosen, job = models.newest(self.store, self.settings, model, progress), train("train_embeddings")
        asking, revision = Models(self.store, self.settings).asking(job, chosen), revision_of(job, chosen.content_hash, None)
        progress(f"{file}: asking {chosen.spec} ({revision})")
        n, refused = embedding_files.embed(read_file(self.spark, file), kind, asking, revision, out)
        seconds = round(time.time() - started, 1)
        result = {"rows": n, "refused": refused, "model": chosen.spec, "model_revision": revision, "out": str(out), "seconds": seconds}
        return result, f"{out}: {n} rows, {refused} refused, by {chosen.spec} ({revision}), {seconds:.0f} s"

    def export(self, kind: str, out: Path, days: Days) -> Result:
        """Writes what changed on the days of one of `FEEDS` as files."""
        from jobs import exporting, trainer_export

        if kind == trainer_export.NAME:
            return trainer_export.export(self, out, days.last)
        if kind == trainer_export.QUERY_ENCODER:
            return trainer_export.query_encoder(self, out, days.last)
        if kind not in exporting.FEEDS:
            kinds = (*exporting.FEEDS, trainer_export.NAME, trainer_export.QUERY_ENCODER)
            raise UsageError(f"{kind!r} cannot be exported; there are {', '.join(kinds)}")
        table = exporting.FEEDS[kind]
        ledger = self.ledger_of(table, days)
        n = exporting.write(exporting.feed(self.store.frame(table, ledger.version), days), out)
        result = {"table": table.name, "version": ledger.version, "days": [days.first, days.last], "rows": n, "out": str(out)}
        return result, f"{out}: {n} rows of {table.name} changed on {days}"

    def ledger_of(self, table: Table, days: Days) -> Ledger:
        """What is published of a table; PinlakeError names the job to run where a day of it is missing."""
        ledger = self.store.ledger(table)
        if gap := ledger.missing(days):
            job = self.lineage.writers[table].name
            raise PinlakeError(f"{table.name} has no {gap[0]}; run first: pinlake run {job} --day {gap[0]} --upstream")
        return ledger

    def evaluate_embeddings(self, days: Days, among: int, untrained: bool, ablations: float | None = None) -> Result:
        """The joint embedding that counts on what people engaged with and graded, and where `ablations` gives minutes for it variants of
        it; kept in evaluation.metrics."""
        from jobs.evaluating.embeddings import evaluated

        return evaluated(self, days, among, untrained, ablations)

    def evaluate_teacher(self, days: Days) -> Result:
        """The teacher that counts against people on queries that it never saw, with its baselines; kept in evaluation.metrics."""
        from jobs.evaluating.teacher import teacher

        return teacher(self, days)

    def evaluate_distillation(self, days: Days, multiples: list[float], picture: Path | None) -> Result:
        """Students of people's labels alone and of growing sets of the teacher's, beside the teacher; kept in evaluation.metrics."""
        from jobs.evaluating.distillation import distillation

        return distillation(self, days, multiples, picture)

    def evaluate_serving(self, days: Days, entities: int) -> Result:
        """How long the student takes for one query with so many entities, on one core, beside the teacher on the same pairs."""
        from jobs.evaluating.serving import serving

        return serving(self, days, entities)

    def evaluate_ablation(self, days: Days, minutes: float, picture: Path | None) -> Result:
        """Small teachers and students over growing text sources, and with each left out; kept in evaluation.metrics."""
        from jobs.evaluating.ablation import ablation

        return ablation(self, days, minutes, picture)

    def live(self, planner: Planner, table: Table, day: str) -> DataFrame | None:
        """The live rows of a change log as of a day; None where the day is not published."""
        first, ledger = planner.first_day(table), planner.ledger(table)
        if first is None or day not in ledger.days:
            return None
        return as_of(self.store.frame(table, ledger.version), table, day, first)

    def quarantine_show(self, target: str | None, days: Days | None, limit: int) -> Result:
        """Refused rows that stand."""
        tables = self._tables(target)
        rows = self.store.quarantined(tables, days).persist()
        counts = rows.groupBy("output", "reason").count().orderBy(F.desc("count"), "output", "reason").limit(50).collect()  # a row a reason
        newest = rows.orderBy(F.desc("ds"), "output", "row_key").limit(limit).collect()
        rows.unpersist()
        by_reason = [{"table": r.output, "reason": r.reason, "rows": r["count"]} for r in counts]
        result = {"quarantined": sum(r["count"] for r in counts), "by_reason": by_reason, "rows": [r.asDict() for r in newest]}
        lines = [aligned([("table", "rows", "reason"), *((r["table"], str(r["rows"]), r["reason"]) for r in by_reason)])]
        lines += [f"{r.ds} {r.output} {r.row_key}: {r.reason}" for r in newest]
        return result, "\n".join(lines) if by_reason else "no refused rows"

    def quarantine_replay(self, target: str, days: Days) -> Result:
        """Computes the days with refused rows again."""
        planner = self.runner.planner()
        jobs, _ = planner.targets(target)
        done, before = [], 0
        for job in jobs:
            refused = {day: one.refused for day, one in planner.ledger(job.output).days.items() if day in days and one.refused}
            before += sum(refused.values())
            for span in adjacent(sorted(refused)):
                done += self.runner.run(Wanted((job,), span, upstream=False, force=True))
        after = sum(one.quarantined for one in done)
        result, text = self.told(done, sum(one.seconds for one in done))
        return {"refused_before": before, "refused_after": after, **result}, f"{text}\nrefused before {before}, now {after}"

    def _tables(self, target: str | None) -> list[Table]:
        known = catalog.by_name()
        if target is None:
            return [table for table in known.values() if table.by_day]
        return [known[target]] if target in known else [job.output for job in self.runner.planner().targets(target)[0]]

    def housekeeping(self, target: str | None, day: str) -> Result:
        """Joins small files and removes those of old versions, of all tables or of those of a target."""
        tables = list(catalog.by_name().values()) if target is None else self._tables(target)
        done = keep(self.store, tables, day, progress)
        rows = [
            ("table", "files joined", "into", "removed", ""),
            *((k.table, str(k.joined), str(k.into), str(k.removed), k.why or "") for k in done),
        ]
        return {"day": day, "tables": {one.table: one.__dict__ for one in done}}, aligned(rows) if done else "no table is connected"

    def report(self, day: str, out: Path, pins: int, queries: int) -> Result:
        """Writes the page of a day."""
        from jobs.report.gathering import Sampled, gathered
        from jobs.report.page import rendered

        found = gathered(self, day, Sampled(pins, queries))
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(rendered(found), encoding="utf-8")
        counts = {"runs": len(found["runs"]), "stale": len(found["stale"]), "pins": len(found["browser"]["pins"])}
        told = f"{out}: {counts['runs']} jobs, {counts['stale']} missing or stale, {counts['pins']} pins to look at"
        return {"day": day, "page": str(out), "bytes": out.stat().st_size, **counts, "queries": len(found["browser"]["queries"])}, told

    def runs(self, limit: int, rebuild: bool) -> Result:
        """The newest runs."""
        if rebuild:
            self.store.overwrite(ops.RUNS, rebuilt_runs(self.store, [t for t in catalog.TABLES if t.kind is not OPS]))
        stored = self.store.frame(ops.RUNS, None if self.store.commits(ops.RUNS) else -1).drop("metadata", "reads")
        rows = stored.orderBy(F.desc("started_at"), F.desc("first_ds")).limit(limit).collect()
        found = [{k: str(v) if k == "started_at" else v for k, v in r.asDict().items()} for r in rows]
        lines = [tuple(found[0]), *(tuple(_short(v) for v in r.values()) for r in found)] if found else []
        return {"runs": found}, aligned(lines) if lines else "no runs yet"

    def models_list(self) -> Result:
        """Models by name and day."""
        return models.listed(self.store, self.settings)

    def models_promote(self, name: str, spec: str, day: str) -> Result:
        """Writes a promotion."""
        done = models.promote(self.store, self.settings, name, spec, day, time.time(), progress)
        return done.__dict__ | {"model": name}, f"{name} from {day} on: {done.spec} ({done.content_hash[:16]})"

    def published(self, table: Table) -> str:
        """What is published of a table, in one line."""
        ledger = self.store.ledger(table)
        if not ledger.connected:
            return "not connected: nothing was ever written to it"
        rows = sum(one.rows for one in ledger.days.values())
        refused = sum(one.refused for one in ledger.days.values())
        return f"version {ledger.version}, {len(ledger.days)} days from {ledger.first} to {ledger.last}, {rows} rows, {refused} quarantined"

    def traced(self, table: Table, day: str) -> dict[str, Any]:
        """What the published rows of a day were made from, as a tree."""
        if day not in self.store.ledger(table).days:
            raise PinlakeError(f"{table.name} has no {day}; published: {self.published(table)}")
        return tracing.as_json(tracing.traced(table, day, catalog.by_name(), self.store.commits))

    def accept_wording(self, table: Table) -> None:
        """Takes over the contract's wording of columns whose meaning did not change."""
        self.store.accept_wording(table)


def as_of(stored: DataFrame, table: Table, day: str, first: str) -> DataFrame:
    """The live rows of a CHANGES table as they stood at the end of a day."""
    return read(stored, table, opening(), Days(shifted(day, 1), shifted(day, 1)), first)


def _short(value: Any) -> str:
    """A cell of a table: nothing for null, how many for a list, the first line of a text."""
    if isinstance(value, list):
        return str(len(value) or "")
    return "" if value is None else str(value).partition("\n")[0]
