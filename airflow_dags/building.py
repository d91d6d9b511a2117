"""A DAG from its page: tasks, the day they are of, and what all of them have in common."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.sensors.date_time import DateTimeSensor
from airflow.sdk import DAG, Asset, CronPartitionTimetable, Param
from airflow.sdk.exceptions import AirflowFailException

from airflow_dags.operators import factory
from airflow_dags.pipelines import Pipeline, Step, pipeline
from jobs.days import Days

DAY = "{{ day_of(dag_run, params) }}"
_PATTERN = r"^\d{4}-\d{2}-\d{2}$"
DEFAULTS = {"owner": "pinlake", "retries": 4, "retry_exponential_backoff": True, "max_retry_delay": timedelta(hours=1)}
"""The first delay before another try is Airflow's own (core.default_task_retry_delay)."""


def dag(name: str) -> DAG:
    """The DAG of that name (airflow_dags/pipelines.py)."""
    return built(pipeline(name))


def built(page: Pipeline) -> DAG:
    """The DAG of a page: a task a job, with an asset and a pool of one for every table."""
    with DAG(
        page.name,
        description=page.doc,
        doc_md=_doc(page),
        schedule=CronPartitionTimetable(page.cron, timezone="UTC", run_offset=page.offset, key_format="%Y-%m-%d"),
        start_date=datetime(2010, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(days=4),
        default_args=DEFAULTS,
        params={"day": Param(None, type=["null", "string"], pattern=_PATTERN, description="The day of a run by hand, such as 2026-01-31.")},
        user_defined_macros={"day_of": day_of, "start_of": lambda run, params: start_of(run, params, page.starts)},
        tags=["pinlake"],
    ) as made:
        start = _start(page)
        tasks = {step.name: _task(step) for step in page.steps}
        for step in page.steps:
            ([tasks[before] for before in step.after] or [start]) >> tasks[step.name]
    return made


def day_of(run: Any, params: Any) -> str:
    """The day of a run: the one that was given, else its partition; AirflowFailException where there is neither, or it is no day."""
    day = params.get("day") or run.partition_key
    if not day:
        raise AirflowFailException(
            f'a run by hand names its day: airflow dags trigger {run.dag_id} --conf \'{{"day": "2026-01-31"}}\'; nothing was run'
        )
    try:
        return Days(day, day).first
    except ValueError as error:
        raise AirflowFailException(f"{error}; nothing was run") from None


def start_of(run: Any, params: Any, hours: int) -> str:
    """When the jobs of a run may start: so many hours after its day has ended."""
    day = datetime.strptime(day_of(run, params), "%Y-%m-%d").replace(tzinfo=UTC)
    return (day + timedelta(days=1, hours=hours)).isoformat()


def pool(table: str) -> str:
    """The name of the pool of one that all who write a table stand in."""
    return f"pinlake.{table}"


def _start(page: Pipeline) -> DateTimeSensor:
    """The task before all others: the day is known and has ended some hours ago; it holds no worker while it waits."""
    return DateTimeSensor(
        task_id="start",
        target_time="{{ start_of(dag_run, params) }}",
        mode="reschedule",
        poke_interval=timedelta(minutes=5),
        timeout=timedelta(days=3),
        doc_md=f"Waits until {page.starts} hours after the day has ended. A run by hand without a day fails here.",
    )


def _task(step: Step) -> Any:
    return factory()(
        step.name,
        [*step.words, "--day", DAY, "--json"],
        DAY,
        outlets=[Asset(name=step.table, uri=f"pinlake://{step.table.replace('.', '/')}", group="pinlake")],
        pool=pool(step.table),
        execution_timeout=timedelta(hours=step.hours),
        doc_md=f"{step.doc}\n\nBy hand: `pinlake {' '.join(step.words)} --day DAY`",
    )


def _doc(page: Pipeline) -> str:
    lines = [page.doc, "", "| task | writes |", "|---|---|", *(f"| {step.name} | {step.table} |" for step in page.steps)]
    return "\n".join(lines)
