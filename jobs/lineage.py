"""Who writes a table and who reads it, derived from the jobs' tables alone. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter

from jobs.spec import Job
from schemas.contract import Table

GIVEN = ("raw", "sample")
"""Layers that no job writes."""


class Lineage:
    """The graph of jobs and tables; ValueError on two writers, a cycle or an orphan (a table read that nobody writes)."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.writers: dict[Table, Job] = {}
        names: set[str] = set()
        for job in jobs:
            if job.name in names:
                raise ValueError(f"two jobs are named {job.name}")
            if job.output in self.writers:
                raise ValueError(f"{job.output.name} is written by {self.writers[job.output].name} and by {job.name}")
            names.add(job.name)
            self.writers[job.output] = job
        for job in jobs:
            for given in job.inputs.values():
                if given.table not in self.writers and not given.table.name.startswith(tuple(f"{g}." for g in GIVEN)):
                    raise ValueError(f"{job.name} reads {given.table.name}, which no job writes")
        try:
            order = list(TopologicalSorter({job.name: [up.name for up in self.above(job)] for job in jobs}).static_order())
        except CycleError as error:
            raise ValueError(f"the jobs form a cycle: {' -> '.join(error.args[1])}") from None
        self.jobs: tuple[Job, ...] = tuple(sorted(jobs, key=lambda job: order.index(job.name)))

    def above(self, job: Job) -> list[Job]:
        """The jobs that write the inputs of a job, its own output left out."""
        found = [self.writers[i.table] for i in job.inputs.values() if i.table in self.writers and i.table != job.output]
        return list(dict.fromkeys(found))

    def below(self, table: Table) -> list[Job]:
        """The jobs that read a table."""
        return [job for job in self.jobs if any(i.table == table for i in job.inputs.values()) and job.output != table]

    def upstream(self, jobs: Iterable[Job]) -> tuple[Job, ...]:
        """The jobs and all jobs above them, in an order in which they can run."""
        wanted: set[str] = set()
        stack = list(jobs)
        while stack:
            job = stack.pop()
            if job.name not in wanted:
                wanted.add(job.name)
                stack.extend(self.above(job))
        return tuple(job for job in self.jobs if job.name in wanted)

    def roots(self, table: Table) -> frozenset[Table]:
        """The given tables that a table is made from; the table itself where no job writes it."""
        if table not in self.writers:
            return frozenset((table,))
        inputs = {i.table for i in self.writers[table].inputs.values() if i.table != table}
        return frozenset().union(*(self.roots(t) for t in inputs))
