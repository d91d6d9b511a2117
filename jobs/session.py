"""The one place that builds a SparkSession: Delta by path, UTC, ANSI, quiet, and our code on the executors."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import pyspark
from py4j.protocol import Py4JError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import BinaryType

from jobs import jars
from jobs.errors import UsageError
from jobs.settings import Settings, submitted
from jobs.shipping import code_zip
from udfs.vectors import SQL

# What results depend on: neither [spark] nor spark-submit --conf may change it.
FIXED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    # A publication that changes no row still leaves a commit: its metadata says which days were checked.
    "spark.databricks.delta.skipRecordingEmptyCommits": "false",
    # Commit metadata is the record of every run, so logs are kept ten years.
    "spark.databricks.delta.properties.defaults.logRetentionDuration": "interval 3650 days",
    # Readers outside Spark, such as trainers, need not know deletion vectors.
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
}
DEFAULTS = {
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # A night compiles some hundred expressions, most of them again and again; Spark keeps 100 (a third of a small publication's time).
    "spark.sql.codegen.cache.maxEntries": "5000",
    "spark.ui.showConsoleProgress": "false",
    # Where a Column was made, for error messages; it costs a look through all jars for every Column that is made.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # What a step keeps is written once and read once or twice.
    "spark.checkpoint.compress": "true",
    # VACUUM lists a table's folders by so many tasks, 10 000 where nothing is said: minutes for a small table.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "200",
}
SMALL_ROWS = 500_000
SMALL = {
    # Planning anew after every shuffle and compiling whole stages pay by the row; a night of few rows pays for them by the job.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    # Delta looks up the files of every scan by a query over their statistics; partitions are left out without one.
    "spark.databricks.delta.stats.skipping": "false",
}
"""What a step that reads at most `SMALL_ROWS` rows is planned with: two thirds of the time (docs/decisions.md), the same rows."""
FEW_ROWS = 20_000
FEW = {**SMALL, "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
"""At most `FEW_ROWS` rows: writing the code of an expression, once a task, takes longer than to interpret it."""
METASPACE = "-XX:MetaspaceSize=512m"
"""Loading classes starts no garbage collection below this; the JVM's own limit is 21 MB, less than Spark alone needs."""
_SHUFFLES = "spark.sql.shuffle.partitions"
_OPTIONS = "spark.driver.extraJavaOptions"
_CLASSES = "spark.driver.extraClassPath"
_DAEMON = "spark.python.daemon.module"
_DELTAS = "spark.databricks.delta."
"""Settings that can be changed in a session; Spark does not know them before the first table."""
_DELTA = "io.delta.sql.DeltaSparkSessionExtension"


def session(settings: Settings, app: str = "pinlake") -> SparkSession:
    """The Spark session of the settings, the running one if there is one; under spark-submit, with its master and jars."""
    scratch = _scratch()
    builder: Any = SparkSession.builder
    for name, value in conf(settings, scratch, submitted()).items():
        builder = builder.config(name, value)
    if not submitted() and is_local(settings.master or ""):
        # PySpark reads the workers' interpreter from the environment alone; another Python there ends in a version error.
        os.environ["PYSPARK_PYTHON"] = settings.spark.get("spark.pyspark.python", sys.executable)
    spark = cast(SparkSession, builder.appName(app).getOrCreate())
    _require_delta(spark)
    _remember_names(spark)
    _give_functions(spark)
    if not is_thread_of_driver(str(spark.sparkContext.master)):
        _ship_code(spark, scratch)
    return spark


def another(spark: SparkSession) -> SparkSession:
    """A session of the same application with the same settings, of which each can then be changed without the other."""
    made = spark.newSession()
    given = made.conf.getAll
    for name, value in spark.conf.getAll.items():
        if given.get(name) != value and (spark.conf.isModifiable(name) or name.startswith(_DELTAS)):
            made.conf.set(name, value)
    _give_functions(made)
    return made


def _give_functions(spark: SparkSession) -> None:
    """SQL of the session knows our functions."""
    for name, function in SQL.items():
        spark.udf.register(name, function)


def conf(settings: Settings, scratch: Path, under_submit: bool) -> dict[str, str]:
    """The Spark settings of a session by name. Under spark-submit the master, memory, jars and logs are left to it."""
    for name, value in settings.spark.items():
        if name in FIXED and value != FIXED[name]:
            raise UsageError(f"{name} is {FIXED[name]} in every session: results depend on it; take it out of [spark]")
    if under_submit:
        return {**DEFAULTS, **settings.spark, **FIXED}
    master = settings.master or "local[*]"
    found = jars.paths(settings.jars, Path(settings.jars_cache), jars.needed(settings.warehouse))
    own = {**DEFAULTS, "spark.master": master, "spark.driver.memory": settings.driver_memory}
    if is_local(master):
        own |= _conf_of_one_machine(cores(master), scratch)
    if is_thread_of_driver(master):
        own[_DAEMON] = "udfs.daemon"
    if is_thread_of_driver(master) and not any("://" in jar for jar in found):
        # On the class path of the one JVM: spark.jars would copy them once more for every session.
        own[_CLASSES] = os.pathsep.join(found)
    else:
        own["spark.jars"] = ",".join(found)
    own |= settings.spark
    if _CLASSES in settings.spark and _CLASSES in own and "spark.jars" not in own:
        own[_CLASSES] = os.pathsep.join([*found, settings.spark[_CLASSES]])
    own[_OPTIONS] = " ".join(part for part in (_quiet(), METASPACE, settings.spark.get(_OPTIONS, "")) if part)
    return {**own, **FIXED}


@contextmanager
def configured(spark: SparkSession, values: Mapping[str, str]) -> Iterator[None]:
    """The session with these settings in place of its own; afterwards as it was."""
    before = {name: spark.conf.get(name, None) for name in values}  # Delta's are not known before its first table
    for name, value in values.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, kept in before.items():
            if kept is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, kept)


def planned_for(spark: SparkSession, rows: int | None) -> AbstractContextManager[None]:
    """The session as it suits a step that reads so many rows (None: unknown, so many), but for what was set when it was built."""
    if rows is None or rows > SMALL_ROWS:
        return nullcontext()
    given = spark.sparkContext.getConf()
    suited = FEW if rows <= FEW_ROWS else SMALL
    return configured(spark, {name: value for name, value in suited.items() if not given.contains(name)})


def held(frame: DataFrame, rows: int | None) -> DataFrame:
    """The same rows, held by this process once the first plan computed them, where they are among few and this process has all executors.

    Else every scan of a plan asks Delta for its files and opens them. What holds bytes is left as it is: an image is larger than its row.
    """
    few = rows is not None and rows <= FEW_ROWS and is_thread_of_driver(str(frame.sparkSession.sparkContext.master))
    if not few or any(isinstance(field.dataType, BinaryType) for field in frame.schema):
        return frame
    found = frame.localCheckpoint(eager=False)
    found._computed_by = frame  # type: ignore[attr-defined]  # Spark logs an error where tasks still count in a plan that is gone
    return found


def cores(master: str) -> int:
    """Cores of a local master: of local[N], of all executors of local-cluster[N,cores,memory]; the machine's for local[*]."""
    if cluster := re.fullmatch(r"local-cluster\[\s*(\d+)\s*,\s*(\d+)\s*,.*\]", master):
        return int(cluster[1]) * int(cluster[2])
    if some := re.fullmatch(r"local\[\s*(\d+|\*)\s*(,.*)?\]", master):
        return os.cpu_count() or 1 if some[1] == "*" else int(some[1])
    return 1


def is_thread_of_driver(master: str) -> bool:
    """True where executors are threads of the driver, and so see its code and class path."""
    return master == "local" or master.startswith("local[")


def is_local(master: str) -> bool:
    """True where all executors are on this machine."""
    return is_thread_of_driver(master) or master.startswith("local-cluster[")


def _conf_of_one_machine(cores: int, scratch: Path) -> Mapping[str, str]:
    """Spark's defaults are for clusters: 200 shuffle partitions and 50 for a Delta snapshot cost seconds on small tables."""
    return {
        _SHUFFLES: str(max(cores, 2)),
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(max(cores, 2)),
        "spark.ui.enabled": "false",
        # A machine's own name may not resolve, or resolve to an interface that is down.
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        # Only for managed tables, of which there are none; else a folder spark-warehouse appears where one stands.
        "spark.sql.warehouse.dir": str(scratch / "managed"),
    }


def _quiet() -> str:
    """The option that makes the driver's JVM log errors only, on stderr; empty where our code comes from a zip."""
    file = Path(__file__).with_name("log4j2.properties")
    return f"-Dlog4j2.configurationFile={file.as_uri()}" if file.is_file() else ""


def _scratch() -> Path:
    """A new folder that is removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="pinlake-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _require_delta(spark: SparkSession) -> None:
    """Nothing; UsageError where the JVM has no Delta, as Spark itself only warns of it."""
    jvm = cast(Any, spark)._jvm
    try:
        jvm.java.lang.Thread.currentThread().getContextClassLoader().loadClass(_DELTA)
    except Py4JError:
        raise UsageError(
            f"Spark {pyspark.__version__} runs without Delta: give its jars with spark-submit --jars, or start the session "
            "without spark-submit (docs/cluster.md)"
        ) from None


class _Remembered:
    """A class of the JVM whose members are looked up once."""

    def __init__(self, of: Any) -> None:
        self._of = of

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._of, name)
        setattr(self, name, member)
        return member


def _remember_names(spark: SparkSession) -> None:
    """Nothing; the JVM is asked once what PySpark's names for it are: it looks for them in all jars, some 30 000 times a night."""
    jvm = cast(Any, spark)._jvm
    for name in ("functions", "PythonSQLUtils", "PythonUtils"):
        known = getattr(jvm, name)
        if not isinstance(known, _Remembered):
            setattr(jvm, name, _Remembered(known))


def _ship_code(spark: SparkSession, scratch: Path) -> None:
    """Nothing; the executors' Python finds our packages first in the zip that is sent to them."""
    before = list(sys.path)
    spark.sparkContext.addPyFile(str(code_zip(scratch)))
    # The driver keeps reading its own files: addPyFile put the zip before them.
    sys.path[:] = before
