"""Jobs and tables in words: what `list` and `describe` print, and docs/tables.md. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobs.errors import UsageError
from jobs.ledger import BACK
from jobs.lineage import Lineage
from jobs.registry import JOBS
from jobs.tracing import as_json, declared, drawn
from schemas import catalog
from schemas.contract import Column, Kind, Table, Watch


def listed() -> list[dict[str, Any]]:
    """Every job as a dict, in the order in which they run."""
    return [
        {
            "name": job.name,
            "output": job.output.name,
            "kind": job.output.kind.name,
            "inputs": {name: f"{i.table.name} {i.read}{' optional' if i.optional else ''}" for name, i in job.inputs.items()},
            "tags": list(job.tags),
            "doc": job.doc,
        }
        for job in Lineage(JOBS).jobs
    ]


def jobs_table() -> str:
    """The jobs as text, a line each."""
    rows = [("job", "writes", "reads", "tags", "")]
    for one in listed():
        reads = ", ".join(dict.fromkeys(i.split()[0] for i in one["inputs"].values()))
        rows.append((one["name"], one["output"], reads, " ".join(one["tags"]), one["doc"]))
    return aligned([(name, output, tags, doc) for name, output, _, tags, doc in rows])


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows of text in columns."""
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def described(name: str) -> tuple[Table, dict[str, Any]]:
    """A table (for a job, its output) and everything that is known of it without a warehouse; UsageError lists the names."""
    lineage, tables = Lineage(JOBS), catalog.by_name()
    jobs = {job.name: job for job in JOBS}
    if name not in jobs and name not in tables:
        raise UsageError(f"{name!r} is neither a job nor a table. Jobs: {', '.join(jobs)}. Tables: {', '.join(tables)}")
    table = jobs[name].output if name in jobs else tables[name]
    writer = lineage.writers.get(table)
    facts: dict[str, Any] = {
        "table": table.name,
        "kind": table.kind.name,
        "doc": table.doc,
        "key": list(table.key),
        "rules": [rule.says for rule in table.rules],
        "watches": [watched(watch) for watch in table.watches],
        "columns": [{"name": c.name, "type": c.type, "doc": c.doc, "checks": checks_of(c)} for c in table.fields],
        "written_by": writer.name if writer else None,
        "build": writer.build if writer else None,
        "inputs": {n: f"{i.table.name} {i.read}{' (optional)' if i.optional else ''}" for n, i in writer.inputs.items()} if writer else {},
        "read_by": [job.name for job in lineage.below(table)],
        "upstream": [job.name for job in lineage.upstream([writer])] if writer else [],
        "given": sorted(t.name for t in lineage.roots(table)),
        "made_from": as_json(declared(lineage, table)),
    }
    return table, facts


def description(facts: dict[str, Any]) -> str:
    """What `described` found, as text."""
    lines = [f"{facts['table']} ({facts['kind']}): {facts['doc']}", f"key: {', '.join(facts['key'])}", ""]
    lines += [f"  {row}" for row in aligned([(c["name"], c["type"], c["doc"], c["checks"]) for c in facts["columns"]]).split("\n")]
    lines.append("")
    lines += [f"refused where rows {says}" for says in facts["rules"]]
    lines += [f"watched: {says}" for says in facts["watches"]]
    if facts["written_by"]:
        lines.append(f"written by {facts['written_by']} ({facts['build']}) from:")
        lines += [f"  {name}: {text}" for name, text in facts["inputs"].items()]
        lines.append(f"jobs above, in order: {', '.join(facts['upstream'])}")
        lines.append(f"made from: {', '.join(facts['given'])}")
    lines.append(f"read by: {', '.join(facts['read_by']) or 'no job'}")
    lines += ["", *drawn(facts.get("traced") or facts["made_from"])]
    if "published" in facts:
        lines.append(f"published: {facts['published']}")
    return "\n".join(lines)


def checks_of(column: Column) -> str:
    """What the column's values must satisfy, in words."""
    words = ["required"] if column.required else []
    noun = "size " if column.type.startswith(("array", "map")) else "length " if column.type in ("string", "binary") else ""
    words += [f"{noun}>= {column.minimum:g}"] if column.minimum is not None else []
    words += [f"{noun}<= {column.maximum:g}"] if column.maximum is not None else []
    words += [f"one of {', '.join(column.allowed)}"] if column.allowed else []
    words += [f"matches {column.pattern}"] if column.pattern else []
    words += ["private"] if column.private else []
    return "; ".join(words)


def watched(watch: Watch) -> str:
    """What is watched of every day and what becomes of a day on which it is unusual, in words."""
    how = f"within a factor of {watch.apart:g}" if watch.mean is None else f"within {watch.apart:g}"
    how = f"at least {1 - watch.apart:g}" if watch.of_live else how
    least = "" if watch.least is None else f", and at least {watch.least:g}"
    return f"{watch.says}, {how} of the median of the {BACK} days before{least}, else {'refused' if watch.critical else 'told'}"


def tables_page() -> str:
    """docs/tables.md: every table of the catalogue with its columns, generated from the contracts."""
    lineage = Lineage(JOBS)
    lines = [
        "# Tables",
        "",
        "Generated from `schemas/` by `python -m jobs.describing`; a test keeps it true. Do not edit.",
        "",
        "What is watched of a day is held against the 14 days before it, chance allowed for (`jobs/watching.py`); `--accept-unusual`",
        "publishes a day that is refused for it.",
        "",
        "Every table of kind DAILY or CHANGES is partitioned by `ds`, the day (`YYYY-MM-DD`, UTC). Private columns hold what must not",
        "leave the table: they are hashed in the quarantine and in messages.",
        "",
        *(f"- {kind.name}: {kind.value}." for kind in Kind),
    ]
    for table in catalog.TABLES:
        writer = lineage.writers.get(table)
        lines += ["", f"## {table.name}", "", f"{table.kind.name}, key {', '.join(table.key)}. {table.doc}"]
        lines += [f"Written by `{writer.name}`."] if writer else []
        lines += ["", "| column | type | meaning | checks |", "|---|---|---|---|"]
        lines += [f"| {c.name} | `{c.type}` | {c.doc} | {checks_of(c).replace('|', '&#124;')} |" for c in table.fields]
        checks = [f"- refused where rows {rule.says}" for rule in table.rules] + [f"- watched: {watched(one)}" for one in table.watches]
        lines += ["", *checks] if checks else []
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(tables_page(), end="")
