"""How this session asks models: which revision counts from which day, where its files are for executors, and what runs at once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.errors import PinlakeError, UsageError
from jobs.models import NAMES, Promotion, promotions, record, shared
from jobs.session import cores, is_local
from jobs.settings import Settings
from jobs.spec import Ask, Train
from jobs.store import Store
from models.specs import ALLOWED
from models.store import ModelStore, Stored
from udfs.engine.task import Asking, Budget
from udfs.engine.threads import Oversubscribed, ThreadPlan, machine_cores, planned


class Models:
    """The models of one lake, resolved when they are first needed."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._known: dict[str, list[Promotion]] = {}

    @property
    def chunk_seconds(self) -> float:
        """How long a chunk should take: what a killed run asks again at most."""
        return self._settings.engine.chunk_seconds

    def promotions(self, name: str) -> list[Promotion]:
        """The models that count as `name`, in the order of the days from which they do; none where none is connected."""
        if name not in self._known:
            self._known[name] = promotions(self._store, self._settings, name)
        return self._known[name]

    def forget(self) -> None:
        """Promotions are read anew: one was written."""
        self._known.clear()

    def start(self, text: str, day: str) -> Stored:
        """The model of a spec, or the one that counts on the day as what the text names; PinlakeError where none does."""
        if ":" in text:
            return ModelStore(self._settings.models_cache).resolved(text)
        if text not in NAMES:
            raise UsageError(f"{text!r} is neither a spec ({ALLOWED}) nor the name of a model: {', '.join(NAMES)}")
        found = self.counting(text, day)
        if found is None:
            raise PinlakeError(f"no model is connected as {text} on {day}; type: pinlake models promote {text} SPEC --day {day}")
        return self.stored(found)

    def counting(self, name: str, day: str) -> Promotion | None:
        """The model that counts as `name` on the day; None where none does."""
        return next((one for one in reversed(self.promotions(name)) if one.since <= day), None)

    def stored(self, model: Promotion) -> Stored:
        """The model's files in the cache, fetched where they are not there."""
        return ModelStore(self._settings.models_cache).resolved(model.spec, model.content_hash or None)

    def trained(self) -> Path:
        """The folder of trained models; UsageError where the warehouse is no folder and none is set."""
        folder = self._settings.models_trained or f"{self._settings.warehouse}/_models"
        if not folder.startswith("/"):
            raise UsageError(
                f"trained models cannot be kept in {folder}: set models_trained to a folder that all who use the warehouse mount"
            )
        return Path(folder)

    def keep(self, folder: Path) -> Stored:
        """A trained model's folder as a model of the store."""
        return ModelStore(self._settings.models_cache).resolved(f"path:{folder}")

    def promote(self, name: str, model: Stored, day: str, metrics: Mapping[str, float]) -> None:
        """Writes down that the model counts from the day on, and on what it was promoted."""
        record(self._store, name, model, day, time.time(), metrics)
        self.forget()

    def alone(self, loader: str, model: Stored, precisions: tuple[str, ...]) -> Asking:
        """How this process asks the model by itself, on all cores or on as many threads as are set."""
        engine, have = self._settings.engine, machine_cores()
        return Asking(
            loader=loader,
            folder=str(model.folder),
            content_hash=model.content_hash,
            precision=self._precision(precisions),
            candidates=precisions,
            plan=ThreadPlan(1, min(engine.threads or have, have)),
            budget=Budget(**engine.budget()),
            probe_cache=str(self._settings.models_cache / "probes"),
        )

    def asking(self, job: Ask | Train, model: Promotion, params: Any = None) -> Asking:
        """What travels to the workers that ask this model, as the job asks or has trained it."""
        engine = self._settings.engine
        found = ModelStore(self._settings.models_cache).resolved(model.spec, model.content_hash)
        return Asking(
            loader=job.loader,
            folder=shared(self._store.spark, self._settings, found),
            content_hash=found.content_hash,
            options=asdict(params) if params is not None else {},
            precision=self._precision(job.precisions),
            candidates=job.precisions,
            plan=self.plan,
            budget=Budget(**{**(job.budget if isinstance(job, Ask) else {}), **engine.budget()}),
            probe_cache=str(self._settings.models_cache / "probes"),
        )

    def _precision(self, precisions: tuple[str, ...]) -> str:
        """The precision that is set, where the model can run with it; else a probe decides."""
        wanted = self._settings.engine.precision
        return wanted if wanted in precisions else "auto"

    @cached_property
    def plan(self) -> ThreadPlan:
        """Tasks at once and threads of each; UsageError where they do not fit the machine."""
        try:
            return session_plan(self._store.spark, self._settings.engine.threads)
        except Oversubscribed as error:
            raise UsageError(str(error)) from error


def session_plan(spark: SparkSession, threads: int | None) -> ThreadPlan:
    """The plan for one machine of the session: its task slots, its cores, and the accelerators that Spark gives to each task."""
    conf, master = spark.sparkContext.getConf(), str(spark.sparkContext.master)
    task_cpus = int(conf.get("spark.task.cpus", "1"))
    if is_local(master):
        at_once, have = cores(master), machine_cores()
    else:
        at_once = have = int(conf.get("spark.executor.cores", "1"))
    gpus = float(conf.get("spark.task.resource.gpu.amount", "0"))
    return planned(max(at_once // task_cpus, 1), have, threads, gpus)
