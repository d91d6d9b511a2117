"""The one place that touches Delta: paths, commit logs, reads pinned to a version, staged files and commits."""

from __future__ import annotations

import copy
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from jobs.days import Days
from jobs.errors import PinlakeError, Refused
from jobs.ledger import Commit, Ledger, Published, short_hash
from schemas import ops
from schemas.contract import IDENTIFIER, Table

STAGING = "_staging"
ATTEMPTS = 5
"""Commits tried where writers of other days or keys of the table come in between."""
_USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
STALE_STAGING_MS = 3 * 24 * 3600 * 1000
"""Staged files of runs that were killed are removed by a later run after three days."""


class Store:
    """The tables of one warehouse: a path that every executor can reach (`file:`, `s3a:`, `abfss:` ...)."""

    def __init__(self, spark: SparkSession, warehouse: str) -> None:
        self.spark = spark
        self.warehouse = warehouse.rstrip("/")
        self._jvm: Any = spark._jvm
        self._commits: dict[str, list[Commit]] = {}
        self._ledgers: dict[str, Ledger] = {}
        self._keepers: dict[str, int] = {}
        self._before: dict[str, str | None] = {}
        self._lock = threading.RLock()

    def through(self, spark: SparkSession) -> Store:
        """The same store by another session, for another thread: what is known of its tables is known to both."""
        other = copy.copy(self)
        other.spark = spark
        return other

    def path(self, table: Table) -> str:
        """Where the table lies."""
        return f"{self.warehouse}/{table.name.replace('.', '/')}"

    # Files, through Hadoop's file systems: the same code for every scheme.

    def _at(self, path: str) -> tuple[Any, Any]:
        where = self._java("org.apache.hadoop.fs.Path")(path)
        return where.getFileSystem(self.spark._jsparkSession.sessionState().newHadoopConf()), where

    def _java(self, name: str) -> Any:
        return getattr(self._jvm, name)  # by its whole name: its parts one by one would each be looked for in all jars

    def _listed(self, path: str) -> list[Any]:
        files, where = self._at(path)
        return list(files.listStatus(where)) if files.exists(where) else []

    def remove(self, path: str) -> None:
        """Removes a folder of staged files; nothing outside the staging folder."""
        if not path.startswith(f"{self.warehouse}/{STAGING}/"):
            raise ValueError(f"{path} is not staged by this warehouse")
        files, where = self._at(path)
        files.delete(where, True)

    def sweep(self, now_ms: int) -> None:
        """Removes what killed runs left in the staging folder more than three days ago."""
        for status in self._listed(f"{self.warehouse}/{STAGING}"):
            if now_ms - status.getModificationTime() > STALE_STAGING_MS:
                self.remove(f"{self.warehouse}/{STAGING}/{status.getPath().getName()}")

    @contextmanager
    def keeping(self, run_id: str) -> Iterator[None]:
        """Within, what a build keeps (features/logs.py: kept) lies in a folder of the run, where every executor can reach it.

        The folder goes with the last of the jobs of the run that are within at the same time.
        """
        folder = f"{self.warehouse}/{STAGING}/{run_id}/kept"
        context = self.spark.sparkContext
        with self._lock:
            if not self._keepers.get(folder):
                self._before[folder] = context.getCheckpointDir()
                context.setCheckpointDir(folder)
            self._keepers[folder] = self._keepers.get(folder, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                self._keepers[folder] -= 1
                if not self._keepers[folder]:
                    # Spark makes a folder of its own below the one that it is given.
                    before = self._before.pop(folder)
                    context._jsc.sc().setCheckpointDir(before and before.rpartition("/")[0])
                    self.remove(folder)

    # Commit logs.

    def commits(self, table: Table) -> list[Commit]:
        """The table's commits, oldest first; those already read are not read again."""
        with self._lock:
            return self._all_commits(table)

    def _all_commits(self, table: Table) -> list[Commit]:
        known = self._commits.setdefault(table.name, [])
        if known:
            while (newer := self._commit(table, known[-1].version + 1)) is not None:
                known.append(newer)
            return list(known)
        names = (status.getPath().getName() for status in self._listed(f"{self.path(table)}/_delta_log"))
        versions = sorted(int(name[:-5]) for name in names if name.endswith(".json") and name[:-5].isdigit())
        known.extend(commit for version in versions if (commit := self._commit(table, version)) is not None)
        return list(known)

    def _commit(self, table: Table, version: int) -> Commit | None:
        files, where = self._at(f"{self.path(table)}/_delta_log/{version:020d}.json")
        if not files.exists(where):
            return None
        reader = self._java("java.io.BufferedReader")(self._java("java.io.InputStreamReader")(files.open(where), "UTF-8"))
        try:
            while (line := reader.readLine()) is not None:  # commitInfo is the first line in all but very old logs
                action = json.loads(line)
                if "commitInfo" in action:
                    return Commit.parsed(version, action["commitInfo"])
        finally:
            reader.close()
        return Commit(version, "", 0, None)

    def ledger(self, table: Table) -> Ledger:
        """The published days of a table. Of a table that others write too, days are told apart by the files that they consist of."""
        with self._lock:
            return self._ledger(table)

    def _ledger(self, table: Table) -> Ledger:
        commits = self._all_commits(table)
        known = self._ledgers.get(table.name)
        if known is None or not commits or known.version != commits[-1].version:
            known = Ledger.replayed(commits)
            known = self._by_files(table, known) if known.foreign and table.name.startswith("raw.") else known
            self._ledgers[table.name] = known
        return known

    def _by_files(self, table: Table, ledger: Ledger) -> Ledger:
        """The ledger of a raw table that other systems write: a day's digest is a hash over its files' names."""
        files: dict[str, list[str]] = {}
        for file in self.spark.read.format("delta").option("versionAsOf", ledger.version).load(self.path(table)).inputFiles():
            day = next((part[3:] for part in file.split("/") if part.startswith("ds=")), None)
            if day is None:
                raise PinlakeError(f"{table.name} at {self.path(table)} is not partitioned by ds; write it with partitionBy('ds')")
            files.setdefault(day, []).append(file.rsplit("/", 1)[-1])
        days = {
            day: Published(short_hash(*sorted(names)), "", 0, 0, {}, "", "another writer", ledger.version) for day, names in files.items()
        }
        return Ledger(ledger.version, days, True)

    # Reading.

    def frame(self, table: Table, version: int | None = None) -> DataFrame:
        """The table's columns as its contract names them, at a version; an empty frame where it was never written.

        A column that the stored table lacks is null if it may be; a type that differs is refused with both spellings.
        """
        if version is not None and version < 0:
            return self.spark.createDataFrame([], table.ddl)
        reader = self.spark.read.format("delta")
        stored = (reader if version is None else reader.option("versionAsOf", version)).load(self.path(table))
        refuse_drift(table, stored.schema, reading=True)
        have = set(stored.columns)
        return stored.select(*(F.col(c.name) if c.name in have else F.lit(None).cast(c.type).alias(c.name) for c in table.fields))

    # Writing.

    def stage(self, table: Table, run_id: str, part: str, rows: DataFrame) -> str:
        """Writes rows as files that no reader of the table sees; returns the folder. Rows of a day lie together."""
        if not IDENTIFIER.match(part):
            raise ValueError(f"{part!r} is not an identifier")
        folder = f"{self.warehouse}/{STAGING}/{run_id}/{table.name}/{part}"
        by = ["ds"] if "ds" in rows.columns else []
        (rows.hint("rebalance", *by) if by else rows).write.mode("overwrite").parquet(folder)
        return folder

    def fetch(self, folder: str, local: Path) -> None:
        """Copies a folder of staged files to this machine."""
        files, where = self._at(folder)
        files.copyToLocalFile(False, where, self._java("org.apache.hadoop.fs.Path")(f"file://{local}"), True)

    @contextmanager
    def held(self, table: Table, run_id: str, rows: DataFrame) -> Iterator[Path]:
        """Within, the rows as Parquet files in a folder of this machine."""
        folder = self.stage(table, run_id, "held", rows)
        with tempfile.TemporaryDirectory(prefix="pinlake-") as local:
            self.fetch(folder, Path(local) / "rows")
            self.remove(folder)
            yield Path(local) / "rows"

    def staged(self, folder: str, ddl: str) -> DataFrame:
        """The rows staged in a folder."""
        return self.spark.read.schema(ddl).parquet(folder)

    def replace(self, table: Table, rows: DataFrame, days: Sequence[str], metadata: Mapping[str, Any]) -> int:
        """Replaces exactly the days in one commit that carries the metadata; returns its version.

        No days: a commit without files, which only records the metadata. Refused where another writer changed the days meanwhile.
        """
        version = self.ledger(table).version
        stored = self.spark.read.format("delta").load(self.path(table)).schema if version >= 0 else None
        if stored is not None:
            refuse_drift(table, stored, reading=False)
        described = [F.col(c.name).cast(c.type).alias(c.name, metadata={"comment": c.doc}) for c in table.fields]
        named = ", ".join(f"'{day}'" for day in days) or "'0001-01-01'"
        writer = (
            rows.select(*described)
            .write.format("delta")
            .mode("overwrite")
            .partitionBy("ds")
            .option("replaceWhere", f"ds in ({named})")
            .option("userMetadata", json.dumps(metadata, sort_keys=True))
        )
        if stored is not None and set(stored.names) != {c.name for c in table.fields}:
            writer = writer.option("mergeSchema", "true")
        try:
            writer.save(self.path(table))
        except Exception as error:
            if _of_another_writer(error):
                raise Conflict(table, days) from error
            raise
        mine = [c.version for c in self.commits(table) if c.metadata is not None and c.metadata["run"] == metadata["run"]]
        return mine[-1]

    def insert(self, table: Table, rows: DataFrame, revision: str, buckets: Sequence[str], metadata: Mapping[str, Any]) -> int:
        """Inserts the answers whose key the table does not have, in one MERGE pinned to these partitions; returns the version.

        `rows` are read twice, so they lie in files. Writers of other buckets do not disturb; of the same ones, the later tries again.
        """
        if self.ledger(table).version < 0:
            self.note(table, metadata)
        pinned = f"t.model_revision = '{revision}' and t.bucket in ({', '.join(repr(bucket) for bucket in buckets)})"
        merge = (
            DeltaTable.forPath(self.spark, self.path(table))
            .alias("t")
            .merge(rows.alias("s"), f"{pinned} and t.bucket = s.bucket and t.input_hash = s.input_hash")
            .whenNotMatchedInsertAll()
        )
        with self._commits_say(metadata):
            _tried(merge.execute, table)
        return self.ledger(table).version

    def note(self, table: Table, metadata: Mapping[str, Any]) -> int:
        """A commit without rows to an ANSWERS table, which is made where it is not there; returns its version."""
        described = [F.lit(None).cast(c.type).alias(c.name, metadata={"comment": c.doc}) for c in table.fields]
        nothing = self.spark.range(0).select(*described)
        writer = nothing.write.format("delta").mode("append").partitionBy("model_revision", "bucket")
        with self._commits_say(metadata):
            _tried(lambda: writer.save(self.path(table)), table)
        return self.ledger(table).version

    @contextmanager
    def _commits_say(self, metadata: Mapping[str, Any]) -> Iterator[None]:
        """Within, commits carry the metadata; a MERGE takes none as an option."""
        self.spark.conf.set(_USER_METADATA, json.dumps(metadata, sort_keys=True))
        try:
            yield
        finally:
            self.spark.conf.unset(_USER_METADATA)

    def accept_wording(self, table: Table) -> None:
        """Writes the contract's column docs over the stored ones; types and names stay."""
        if not self.commits(table):
            raise PinlakeError(f"{table.name} is not connected: nothing was ever written to it")
        stored = {f.name: f.metadata.get("comment") for f in self.spark.read.format("delta").load(self.path(table)).schema.fields}
        for column in table.fields:
            if column.name in stored and stored[column.name] != column.doc:
                doc = column.doc.replace("\\", "\\\\").replace("'", "\\'")
                self.spark.sql(f"ALTER TABLE {self._named(table)} ALTER COLUMN {column.name} COMMENT '{doc}'")

    def compact(self, table: Table, before: str) -> tuple[int, int]:
        """Joins small files, of a table by day those of days before one, without changing a row: (files removed, files added).

        Conflict where another writer changed the same files meanwhile; nothing is lost then.
        """
        where = f" WHERE ds < '{before}'" if table.by_day else ""
        try:
            row = self.spark.sql(f"OPTIMIZE {self._named(table)}{where}").collect()[0]  # one row of metrics
        except Exception as error:
            if _of_another_writer(error):
                raise Conflict(table, ()) from error
            raise
        return int(row.metrics.numFilesRemoved), int(row.metrics.numFilesAdded)

    def vacuum(self, table: Table) -> int:
        """Removes files that no version of the last `versions_days` days has; how many."""
        self.spark.sql(f"VACUUM {self._named(table)} RETAIN {table.versions_days * 24} HOURS")
        metrics = DeltaTable.forPath(self.spark, self.path(table)).history(1).collect()[0].operationMetrics  # the newest commit
        return int((metrics or {}).get("numDeletedFiles", 0))

    def _named(self, table: Table) -> str:
        return f"delta.`{self.path(table).replace('`', '``')}`"

    def append(self, table: Table, rows: DataFrame) -> None:
        """Appends rows to a table of the ops layer."""
        described = [F.col(c.name).cast(c.type).alias(c.name, metadata={"comment": c.doc}) for c in table.columns]
        # Merged: a column that is newer than the stored table is added to it.
        writer = rows.select(*described).write.format("delta").mode("append").option("mergeSchema", "true")
        _tried(lambda: writer.save(self.path(table)), table)

    def overwrite(self, table: Table, rows: DataFrame) -> None:
        """Replaces all rows of a table of the ops layer."""
        rows.write.format("delta").mode("overwrite").save(self.path(table))

    def quarantined(self, tables: Sequence[Table], days: Days | None) -> DataFrame:
        """The refused rows of published runs: those of the run that published their day as it stands."""
        if not self.commits(ops.QUARANTINE):
            return self.spark.createDataFrame([], ops.QUARANTINE.ddl)
        current = [
            (table.name, day, one.run_id)
            for table in tables
            for day, one in self.ledger(table).days.items()
            if one.refused and (days is None or day in days)
        ]
        runs = self.spark.createDataFrame(current, "output string, ds string, run_id string")
        return (
            self.frame(ops.QUARANTINE)
            .join(F.broadcast(runs), ["output", "ds", "run_id"], "left_semi")
            .select(*(c.name for c in ops.QUARANTINE.columns))
        )


class Conflict(Refused):
    """Another writer committed to the same days while a run was under way."""

    def __init__(self, table: Table, days: Sequence[str]) -> None:
        super().__init__(
            f"{table.name}, {days[0] if days else ''}{'..' + days[-1] if len(days) > 1 else ''}: another run wrote these days meanwhile; "
            f"nothing was published. Run the command again"
        )


def _tried(write: Callable[[], Any], table: Table) -> None:
    """Writes, again where another writer came in between, with pauses that grow; Conflict where that happened each time."""
    for attempt in range(ATTEMPTS):
        try:
            write()
            return
        except Exception as error:
            if not _of_another_writer(error):
                raise
            if attempt == ATTEMPTS - 1:
                raise Conflict(table, ()) from error
            time.sleep(0.2 * 2**attempt)


def _of_another_writer(error: BaseException) -> bool:
    """Whether Delta refused a commit for one that another writer made meanwhile; so it calls the first commits of a new table, too."""
    java = getattr(error, "java_exception", None)
    name = type(error).__name__ if java is None else java.getClass().getSimpleName()
    return "Concurrent" in name or name in ("MetadataChangedException", "ProtocolChangedException") or "DELTA_CONCURRENT" in str(error)


def refuse_drift(table: Table, stored: StructType, reading: bool) -> None:
    """Refused where a stored column's type differs from the contract's, or (when writing) its meaning does; both spellings are told."""
    from pyspark.sql.types import _parse_datatype_string

    have = {f.name: f for f in stored.fields}
    for column in table.fields:
        if column.name not in have:
            if column.required:
                raise Refused(
                    f"{table.name}: the stored table has no column {column.name}, which is required ({column.type}); "
                    f"it has {', '.join(have)}"
                )
            continue
        kept = have[column.name]
        wanted = _parse_datatype_string(column.type).simpleString()
        if kept.dataType.simpleString() != wanted:
            raise Refused(
                f"{table.name}: column {column.name} is {kept.dataType.simpleString()} in the stored table and {wanted} in its contract"
            )
        meaning = kept.metadata.get("comment")
        if not reading and meaning is not None and meaning != column.doc:
            raise Refused(
                f"{table.name}: column {column.name} means {meaning!r} in the stored table and {column.doc!r} in its contract; "
                f"give a changed meaning a new name, or, if only the wording changed: pinlake describe {table.name} --accept-wording"
            )
    unknown = sorted(set(have) - {c.name for c in table.fields})
    if unknown and not reading:
        raise Refused(f"{table.name}: the stored table has columns that its contract does not name: {', '.join(unknown)}")
