"""OpenLineage events of a run: START and COMPLETE or FAIL of every job and its days, to whoever `[openlineage]` in pinlake.toml names.

Facets after the specification, version 2-0-2 (openlineage.io/spec). No value of a row is in any of them.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from jobs.days import Days, shifted
from jobs.errors import PinlakeError, UsageError
from jobs.publication import Publication
from jobs.spec import Job
from schemas.contract import Table

PRODUCER = "pinlake"
NAMESPACE = "pinlake"
QUICK = {"timeout": 5, "retry": {"total": 1}}
"""Of a transport by HTTP where the setting says nothing: a listener that is down must not hold up a run."""


@dataclass
class Events:
    """Where events go, and the run that they belong to."""

    client: Any
    warehouse: str
    run_id: str
    say: Callable[[str], None]
    failed: bool = False

    @classmethod
    def to(cls, transport: Mapping[str, Any], warehouse: str, run_id: str, say: Callable[[str], None]) -> Events:
        """Events by a transport of the OpenLineage client, such as {"type": "file", "log_file_path": "events.jsonl", "append": true} or
        {"type": "http", "url": "http://marquez:5000"}; UsageError where it is none."""
        from openlineage.client import OpenLineageClient

        if "type" not in transport:
            raise UsageError("[openlineage] in pinlake.toml: it has no type, such as file or http")
        given = {**QUICK, **transport} if transport.get("type") == "http" else dict(transport)
        try:
            client = OpenLineageClient(config={"transport": given})
        except (RuntimeError, ValueError, TypeError, KeyError, AttributeError, ImportError) as error:
            raise UsageError(f"[openlineage] in pinlake.toml: {error}") from None
        return cls(client, warehouse, run_id, say)

    def started(self, job: Job, days: Days, reads: Sequence[Mapping[str, Any]]) -> None:
        """A job begins on its days."""
        self._emit("START", job, days, reads)

    def completed(self, job: Job, done: Publication) -> None:
        """What became of it."""
        from openlineage.client.generated.output_statistics_output_dataset import OutputStatisticsOutputDatasetFacet

        facets = {"outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=done.changed)}
        self._emit("COMPLETE", job, done.days, done.reads, done.version, facets)

    def ended(self, job: Job, days: Days, reads: Sequence[Mapping[str, Any]], why: BaseException) -> None:
        """It failed; only messages that are made for people to read are passed on, since others may hold values of rows."""
        from openlineage.client.generated.error_message_run import ErrorMessageRunFacet

        said = str(why) if isinstance(why, PinlakeError) else type(why).__name__
        self._emit("FAIL", job, days, reads, run={"errorMessage": ErrorMessageRunFacet(message=said, programmingLanguage="PYTHON")})

    def _emit(
        self,
        kind: str,
        job: Job,
        days: Days,
        reads: Sequence[Mapping[str, Any]],
        version: int | None = None,
        output: Mapping[str, Any] | None = None,
        run: Mapping[str, Any] | None = None,
    ) -> None:
        from openlineage.client import event_v2 as ol
        from openlineage.client.generated.documentation_job import DocumentationJobFacet
        from openlineage.client.generated.job_type_job import JobTypeJobFacet
        from openlineage.client.generated.nominal_time_run import NominalTimeRunFacet
        from openlineage.client.generated.parent_run import Job as ParentJob
        from openlineage.client.generated.parent_run import ParentRunFacet
        from openlineage.client.generated.parent_run import Run as ParentRun

        known = {given.table.name: given.table for given in job.inputs.values()}
        parent = ParentRunFacet(run=ParentRun(runId=_id(self.run_id)), job=ParentJob(namespace=NAMESPACE, name="run"))
        times = NominalTimeRunFacet(f"{days.first}T00:00:00Z", f"{shifted(days.last, 1)}T00:00:00Z")
        facets = {"parent": parent, "nominalTime": times, **(run or {})}
        described = {
            "documentation": DocumentationJobFacet(description=job.doc or job.name),
            "jobType": JobTypeJobFacet(processingType="BATCH", integration="SPARK", jobType="JOB"),
        }
        tables = dict.fromkeys((read["table"], read["version"]) for read in reads)
        inputs = [ol.InputDataset(*self._named(known[name]), facets=self._facets(known[name], at)) for name, at in tables]
        made = ol.OutputDataset(*self._named(job.output), facets=self._facets(job.output, version), outputFacets=dict(output or {}))
        event = ol.RunEvent(
            eventType=ol.RunState[kind],
            eventTime=dt.datetime.now(dt.UTC).isoformat(),
            run=ol.Run(runId=_id(self.run_id, job.name, days.first, days.last), facets=facets),
            job=ol.Job(namespace=NAMESPACE, name=job.name, facets=described),
            producer=PRODUCER,
            inputs=inputs,
            outputs=[made],
        )
        self._send(event)

    def _send(self, event: Any) -> None:
        """Sends it; a listener that does not answer is told of once, and stops no run."""
        from httpx2 import HTTPError
        from requests import RequestException

        try:
            self.client.emit(event)
        except (OSError, RequestException, HTTPError, RuntimeError) as error:
            if not self.failed:
                self.say(f"openlineage: events are not received ({type(error).__name__}); the run goes on without")
            self.failed = True

    def _named(self, table: Table) -> tuple[str, str]:
        """Namespace and name of a table, as the specification names folders: `file` and a path, or `s3://bucket` and a key."""
        where = urlsplit(self.warehouse)
        path = f"{where.path.rstrip('/')}/{table.name.replace('.', '/')}"
        if where.scheme in ("", "file"):
            return "file", path
        scheme = "s3" if where.scheme in ("s3a", "s3n") else where.scheme
        return f"{scheme}://{where.netloc.rpartition('@')[2]}", path.lstrip("/")

    def _facets(self, table: Table, version: int | None) -> dict[str, Any]:
        from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
        from openlineage.client.generated.documentation_dataset import DocumentationDatasetFacet
        from openlineage.client.generated.schema_dataset import SchemaDatasetFacet, SchemaDatasetFacetFields

        fields = [SchemaDatasetFacetFields(name=c.name, type=c.type, description=c.doc) for c in table.fields]
        facets: dict[str, Any] = {
            "schema": SchemaDatasetFacet(fields=fields),
            "documentation": DocumentationDatasetFacet(description=table.doc),
        }
        return facets if version is None else {**facets, "version": DatasetVersionDatasetFacet(datasetVersion=str(version))}


def _id(*parts: str) -> str:
    """The same UUID for the same parts."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "pinlake/" + "/".join(parts)))
