"""How this session asks models: which revision counts from which day, where its files are for executors, and what runs at once."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from typing import Any

from pyspark.sql import SparkSession

from jobs.errors import UsageError
from jobs.models import Promotion, promotions, shared
from jobs.session import cores, is_local
from jobs.settings import Settings
from jobs.spec import Ask
from jobs.store import Store
from models.store import ModelStore
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

    def asking(self, job: Ask, model: Promotion, params: Any) -> Asking:
        """What travels to the workers that ask this model."""
        engine = self._settings.engine
        found = ModelStore(self._settings.models_cache).resolved(model.spec, model.content_hash)
        return Asking(
            loader=job.loader,
            folder=shared(self._store.spark, self._settings, found),
            content_hash=found.content_hash,
            options=asdict(params) if params is not None else {},
            precision=engine.precision,
            candidates=job.precisions,
            plan=self.plan,
            budget=Budget(**{**job.budget, **engine.budget()}),
            probe_cache=str(self._settings.models_cache / "probes"),
        )

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
