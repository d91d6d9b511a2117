"""Prints the pools of the DAGs' tasks, one writer a table, for `airflow pools import`: `python -m airflow_dags.pools`."""

from __future__ import annotations

import json

from airflow_dags.building import pool
from airflow_dags.pipelines import pipelines


def pools() -> dict[str, dict[str, object]]:
    """Every pool by its name."""
    steps = [step for page in pipelines() for step in page.steps]
    return {
        pool(table): {"slots": 1, "description": f"who writes {table}", "include_deferred": True}
        for table in sorted({step.table for step in steps})
    }


if __name__ == "__main__":
    print(json.dumps(pools(), indent=1))
