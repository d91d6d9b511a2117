"""What a backfill would compute, skip and read, and about how long it may take."""

from __future__ import annotations

from pyspark.sql import Window
from pyspark.sql import functions as F

from jobs import estimating
from jobs.commands import Lake, Result
from jobs.days import Days
from jobs.describing import aligned
from jobs.planner import Todo
from schemas import ops


def planned(lake: Lake, target: str, days: Days, upstream: bool) -> Result:
    """The plan of a target; nothing is written."""
    planner = lake.runner.planner()
    wanted = lake.wanted(planner, target, days, upstream, force=False)
    todo = planner.plan(wanted, lake.settings.step_days)
    skipped = planner.skipped(wanted)
    jobs = lake.lineage.upstream(wanted.targets) if wanted.upstream else wanted.targets
    unconnected = sorted(
        {
            i.table.name
            for job in jobs
            for i in job.inputs.values()
            if i.optional
            and not planner.ledger(i.table).days
            and ((w := lake.lineage.writers.get(i.table)) is None or planner.not_connected(w))
        }
    )
    history = _history(lake) if todo else {}
    duration, never = estimating.total(todo, history)
    result = {
        "target": target,
        "days": [days.first, days.last],
        "compute": [
            {
                "job": t.job.name,
                "first": t.days.first,
                "last": t.days.last,
                "days": len(t.days),
                "why": t.why,
                "seconds": estimating.seconds(t.job.name, len(t.days), history),
            }
            for t in todo
        ],
        "seconds": round(duration, 1),
        "never_ran": never,
        "skip": [{"job": s.job.name, "why": s.why} for s in skipped],
        "not_connected": unconnected,
    }
    lines = [f"{target}, {days}:"]
    lines += (
        [aligned([("  compute", t.job.name, str(t.days), _about(t, history), t.why) for t in todo])]
        if todo
        else ["  nothing to compute: all days are published and current"]
    )
    if todo:
        unknown = f", and {', '.join(never)}, which never ran here" if never else ""
        at_once = f"; {lake.settings.jobs_at_once} jobs run at once" if lake.settings.jobs_at_once > 1 else ""
        lines.append(f"  takes    about {estimating.words(duration)} of one job after the other{unknown}{at_once}")
    lines += [f"  skip     {s.job.name}: {s.why}" for s in skipped]
    lines += [f"  read as empty: {name}, which is not connected" for name in unconnected]
    return result, "\n".join(lines)


def _history(lake: Lake) -> dict[str, list[tuple[int, float]]]:
    """Days and seconds of the newest publications of every job, newest first."""
    if not lake.store.commits(ops.RUNS):
        return {}
    days = F.datediff("last_ds", "first_ds") + 1
    newest = F.row_number().over(Window.partitionBy("job").orderBy(F.desc("started_at")))
    runs = lake.store.frame(ops.RUNS).where("version is not null and seconds > 0").withColumn("_n", newest)
    runs = runs.where(F.col("_n") <= estimating.NEWEST).select("job", days.alias("days"), "seconds", "_n").orderBy("job", "_n")
    found: dict[str, list[tuple[int, float]]] = {}
    for row in runs.collect():  # twenty a job
        found.setdefault(row.job, []).append((row.days, row.seconds))
    return found


def _about(todo: Todo, history: estimating.History) -> str:
    known = estimating.seconds(todo.job.name, len(todo.days), history)
    return "" if known is None else f"about {estimating.words(known)}"
