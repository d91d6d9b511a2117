"""How long the query encoder of the joint embedding takes for a query, on one core, as the ONNX form that is exported for a server."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import functions as F

from jobs.commands import Lake
from jobs.errors import PinlakeError
from jobs.evaluation import serving as timing
from jobs.evaluation.metrics import Metric
from jobs.telling import progress
from models.omnisearchsage import OmniSearchSage
from models.served import ServedQueries, export_query_encoder
from models.store import Stored
from schemas import embeddings

REQUESTS = 200
PARITY_QUERIES = 10_000
"""Queries whose vectors by ONNX and by torch are compared, at most: as many as are public."""


def measured(lake: Lake, model: Stored, day: str) -> tuple[dict[str, Any], list[Metric]]:
    """{requests, p50_ms, p99_ms, parity, content_hash} over queries that are public on the day, and what is kept of it; PinlakeError where
    none is."""
    queries = _public(lake, day)
    with tempfile.TemporaryDirectory(prefix="pinlake-") as folder:
        torch_form = OmniSearchSage.loaded(model.folder)
        export_query_encoder(torch_form, model.folder, Path(folder))
        served = ServedQueries(Path(folder))
        progress(f"the query encoder: {REQUESTS} requests of one query")
        times = timing.query_times(served, [queries[n % len(queries)] for n in range(REQUESTS)])
        progress(f"the query encoder: {len(queries)} queries by ONNX and by torch")
        apart = float(np.abs(timing.in_blocks(served.vectors, queries) - torch_form.of_queries(queries)).max())
    parity = {"rows": len(queries), "largest_difference": apart}
    found = {**times.told(), "parity": parity, "content_hash": model.content_hash}
    values = {
        "p50_ms": (times.quantile(0.5), REQUESTS),
        "p99_ms": (times.quantile(0.99), REQUESTS),
        "onnx largest difference": (apart, len(queries)),
    }
    revisions = {"omnisearchsage": model.content_hash[:16]}
    kept = [Metric("1 query", "all", f"query encoder {name}", value, n, None, None, revisions) for name, (value, n) in values.items()]
    return found, kept


def text(found: dict[str, Any]) -> str:
    """What was measured, in two lines."""
    parity = found["parity"]
    return (
        f"the query encoder of the joint embedding, one query on one core: p50 {found['p50_ms']:.1f} ms, p99 {found['p99_ms']:.1f} ms "
        f"({found['requests']} requests)\nONNX is at most {parity['largest_difference']:.1e} from torch on {parity['rows']} queries"
    )


def _public(lake: Lake, day: str) -> list[str]:
    live = lake.live(lake.runner.planner(), embeddings.HEAD_QUERIES, day)
    if live is None:
        raise PinlakeError(f"features.head_queries has no {day}; run first: pinlake run head_queries --day {day} --upstream")
    rows = live.orderBy(F.col("input_hash")).limit(PARITY_QUERIES).select("query").toArrow()  # at most so many
    if not len(rows):
        raise PinlakeError(f"no query is public on {day}: nothing to time the query encoder with")
    queries: list[str] = rows["query"].to_pylist()
    return queries
