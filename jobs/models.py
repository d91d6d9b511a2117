"""Which model counts as what from which day on, and where its files are for executors (docs/models.md)."""

from __future__ import annotations

import datetime as dt
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.days import parse_day
from jobs.describing import aligned
from jobs.errors import PinlakeError, UsageError
from jobs.registry import JOBS
from jobs.session import is_local
from jobs.settings import Settings
from jobs.spec import Ask, Train
from jobs.store import Store
from models.sources import connected
from models.specs import ALLOWED, DEFAULTS
from models.store import ModelStore, Stored
from schemas import ops
from udfs.engine.archives import SENT

Say = Callable[[str], None]
EVER = "0001-01-01"
"""The first day of what no promotion names: it counts until the first promotion."""
NAMES = tuple(sorted({*DEFAULTS, *(job.model for job in JOBS if isinstance(job, Ask | Train))}))
"""What models are for: promotions and settings of other names would count for nothing."""
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Promotion:
    """A model that counts from the day `since` until a later one does; `named` says where: ops.models, pinlake.toml or default."""

    since: str
    spec: str
    content_hash: str
    named: str = "ops.models"


def promotions(store: Store, settings: Settings, name: str, say: Say = lambda line: None) -> list[Promotion]:
    """The models that count as `name`, by the day from which they do; empty where none is connected.

    The days before the first promotion belong to pinlake.toml, else to the default; that model is fetched where it is not here yet.
    """
    spec, named = configured(settings, name)
    first = [] if spec is None else [Promotion(EVER, spec, ModelStore(settings.models_cache).resolved(spec, say=say).content_hash, named)]
    return first + recorded(store, name)


def promoted(store: Store, settings: Settings, name: str, day: str, say: Say = lambda line: None) -> Promotion | None:
    """The model that counts as `name` on the day; None where none is connected."""
    parse_day(day)
    return next((one for one in reversed(promotions(store, settings, name, say)) if one.since <= day), None)


def newest(store: Store, settings: Settings, text: str, say: Say = lambda line: None) -> Promotion:
    """The newest promotion of what the text names; of a spec or a folder, that model, for which no warehouse is needed.

    UsageError where it is neither, PinlakeError where nothing is promoted.
    """
    if ":" not in text and text not in NAMES:
        folder = Path(text).expanduser().absolute()
        if not folder.is_dir():
            raise UsageError(f"{text!r} is neither the name of a model ({', '.join(NAMES)}) nor a folder nor a spec ({ALLOWED})")
        text = f"path:{folder}"
    if ":" in text:
        found = ModelStore(settings.models_cache).resolved(text, say=say)
        return Promotion(EVER, found.spec, found.content_hash, "named")
    counting = promotions(store, settings, text, say)
    if not counting:
        raise PinlakeError(f"no {text} is promoted in {store.warehouse}; train one there (pinlake run {text} --day D), or name a folder")
    return counting[-1]


def configured(settings: Settings, name: str) -> tuple[str | None, str]:
    """The spec that settings or defaults name, None where nothing is connected, and which of them says so; UsageError for other names."""
    _known([name, *settings.models])
    return connected(settings.models).get(name), settings.origins.get(f"models.{name}", "default")


def recorded(store: Store, name: str) -> list[Promotion]:
    """The promotions of ops.models, by day; of two of one day the one that was written later."""
    if not store.commits(ops.MODELS):
        return []
    rows = store.frame(ops.MODELS).where(F.col("name") == name).orderBy("promoted_ds", "promoted_at", "content_hash")
    newest = {r.promoted_ds: Promotion(r.promoted_ds, r.spec, r.content_hash) for r in rows.collect()}  # one row a promotion
    return list(newest.values())


def promote(store: Store, settings: Settings, name: str, text: str, day: str, now: float, say: Say) -> Promotion:
    """The promotion, written to ops.models after the model was fetched and checked."""
    _known([name])
    parse_day(day)
    found = ModelStore(settings.models_cache).resolved(text, say=say)
    return record(store, name, found, day, now)


def record(store: Store, name: str, model: Stored, day: str, now: float, metrics: Mapping[str, float] | None = None) -> Promotion:
    """The promotion, written to ops.models with what it was promoted on."""
    at = dt.datetime.fromtimestamp(now, dt.UTC)
    row = (name, day, model.spec, model.content_hash, at, dict(metrics) if metrics is not None else None)
    store.append(ops.MODELS, store.spark.createDataFrame([row], ops.MODELS.ddl))
    return Promotion(day, model.spec, model.content_hash)


def listed(store: Store, settings: Settings) -> tuple[dict[str, Any], str]:
    """All that is recorded and configured, by name, as a result and as text; nothing is fetched."""
    here = ModelStore(settings.models_cache)
    result: dict[str, Any] = {}
    for name in NAMES:
        spec, named = configured(settings, name)
        before = [] if spec is None else [Promotion(EVER, spec, here.known(spec) or "", named)]
        result[name] = [asdict(one) for one in before + recorded(store, name)]
    lines = [("model", "from", "named by", "sha256", "spec")]
    for name, found in result.items():
        lines += [(name, one["since"], one["named"], one["content_hash"][:16] or "not here yet", one["spec"]) for one in found]
        lines += [(name, "", "", "", "not connected")] if not found else []
    return {"models": result}, aligned(lines)


def shared(spark: SparkSession, settings: Settings, model: Stored) -> str:
    """Where executors find the model's files: a path that they see, else an archive that is sent to each of them, once a session."""
    if settings.models_shared or is_local(str(spark.sparkContext.master)):
        return str(model.folder)
    return sent(spark, settings.models_cache / "archives", model)


def sent(spark: SparkSession, archives: Path, model: Stored) -> str:
    """The place of the archive of the model's files, which Spark unpacks on executors that come, too."""
    name = f"model-{model.content_hash[:16]}"
    if not any(one.endswith(f"#{name}") for one in spark.sparkContext.listArchives):
        spark.sparkContext.addArchive(f"{_zipped(archives, model).as_uri()}#{name}")
    return f"{SENT}{name}"


def _zipped(archives: Path, model: Stored) -> Path:
    """A zip of the model's folder, written once."""
    path = archives / f"{model.content_hash[:16]}.zip"
    if not path.is_file():
        archives.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        with zipfile.ZipFile(unfinished, "w") as archive:
            for file in sorted(f for f in model.folder.rglob("*") if f.is_file()):
                entry = zipfile.ZipInfo(file.relative_to(model.folder).as_posix(), _DATE)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                with file.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                    while block := source.read(1 << 20):
                        target.write(block)
        unfinished.replace(path)
    return path


def _known(names: list[str]) -> None:
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise UsageError(f"{unknown[0]!r} is nothing that a model is asked as; there are {', '.join(NAMES)}")
