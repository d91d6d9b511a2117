"""The command line, thin: options in, a call into `jobs.commands`, text or one JSON object out. Imports no Spark until a command runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from jobs.days import Days
from jobs.evaluate_cli import evaluate
from jobs.options import (
    AcceptUnusual,
    AsJson,
    Day,
    First,
    IfConnected,
    Last,
    Master,
    Spec,
    StepDays,
    Target,
    Upstream,
    Warehouse,
    chosen_days,
    opened,
    shown,
)

app = typer.Typer(
    name="pinlake",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Enriched text, labels, training sets and embeddings for pins and products, on Spark and Delta Lake.",
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 refused by a check or by another writer.",
)
models = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Which model counts as what from which day on.")
train = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Train a model and write its folder.")
quarantine = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Refused rows: see them, or compute their days again.")
app.add_typer(evaluate, name="evaluate")
app.add_typer(train, name="train")
app.add_typer(quarantine, name="quarantine")
app.add_typer(models, name="models")


@app.command("list")
def list_jobs(as_json: AsJson = False) -> None:
    """List all jobs, in the order in which they run, with their tags and tables."""
    from jobs.describing import jobs_table, listed

    shown({"jobs": listed()}, jobs_table(), as_json)


@app.command()
def describe(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A job, or a table such as texts.pins.")],
    day: Annotated[
        str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="Draw what the published rows of this day were made from.")
    ] = None,
    warehouse: Warehouse = None,
    accept_wording: Annotated[
        bool, typer.Option("--accept-wording", help="Take over new wording of columns whose meaning did not change.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Describe a job or a table: contract, lineage drawn as a tree, and what is published of it.

    With --day: which commits, runs and models the rows of that day came from.
    """
    from jobs.describing import described, description
    from jobs.settings import load

    table, facts = described(name)
    if accept_wording or day or "warehouse" in load({"warehouse": warehouse}).origins:
        lake = opened(warehouse)
        if accept_wording:
            lake.accept_wording(table)
        facts["published"] = lake.published(table)
        if day:
            facts["traced"] = lake.traced(table, chosen_days(day, None, None).last)
    shown(facts, description(facts), as_json)


@app.command()
def plan(
    target: Target,
    day: Day = None,
    first: First = None,
    last: Last = None,
    upstream: Upstream = True,
    step: StepDays = None,
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Say what a backfill of the target would read, compute and skip, and why. Writes nothing."""
    days = chosen_days(day, first, last)
    result, text = opened(warehouse, step=step).plan(target, days, upstream)
    shown(result, text, as_json)


@app.command()
def run(
    target: Target,
    day: Day = None,
    first: First = None,
    last: Last = None,
    upstream: Upstream = False,
    step: StepDays = None,
    if_connected: IfConnected = False,
    accept_unusual: AcceptUnusual = False,
    warehouse: Warehouse = None,
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """Compute a job, or all jobs of a tag, for the days; days that come out equal are left alone."""
    days = chosen_days(day, first, last)
    lake = opened(warehouse, master, step)
    result, text = lake.run(target, days, upstream=upstream, force=True, accept_unusual=accept_unusual, if_connected=if_connected)
    shown(result, text, as_json)


@app.command()
def backfill(
    target: Target,
    day: Day = None,
    first: First = None,
    last: Last = None,
    upstream: Upstream = False,
    step: StepDays = None,
    newest_first: Annotated[
        bool, typer.Option("--newest-first", help="Newest step first; refused where a change log is computed.")
    ] = False,
    accept_unusual: AcceptUnusual = False,
    warehouse: Warehouse = None,
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """Compute only what is missing or stale, in steps; the same command goes on where a killed one stopped."""
    days = chosen_days(day, first, last)
    lake = opened(warehouse, master, step)
    result, text = lake.run(target, days, upstream=upstream, force=False, newest_first=newest_first, accept_unusual=accept_unusual)
    shown(result, text, as_json)


@app.command()
def housekeeping(
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="Files of days before this one are joined; later ones are left.")],
    target: Annotated[str | None, typer.Argument(metavar="[TARGET]", help="A job, a table or a tag; all tables if left out.")] = None,
    warehouse: Warehouse = None,
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """Join small files and remove those that only old versions have. No row changes; safe beside running jobs.

    How long old versions can be read is a part of each table's contract: seven days, training sets half a year.
    """
    result, text = opened(warehouse, master).housekeeping(target, chosen_days(day, None, None).last)
    shown(result, text, as_json)


@app.command()
def report(
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="The day.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page (.html).")],
    pins: Annotated[int, typer.Option("--pins", min=0, max=5000, help="Pins that can be looked at on the page.")] = 400,
    queries: Annotated[int, typer.Option("--queries", min=0, max=5000, help="Public queries that can be looked at.")] = 200,
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Write one HTML page of a day: runs, what is unusual, quality, stale tables, and pins and queries to look at."""
    days = chosen_days(day, None, None)
    result, text = opened(warehouse).report(days.last, out, pins, queries)
    shown(result, text, as_json)


@app.command()
def sample(
    pins: Annotated[int, typer.Option("--pins", min=300, help="Number of pins; everything else grows with it.")],
    days: Annotated[int, typer.Option("--days", min=1, max=730, help="Number of days, up to and with --last.")],
    last: Annotated[str, typer.Option("--last", metavar="YYYY-MM-DD", help="Last day.")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same lake.")] = 7,
    warehouse: Warehouse = None,
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """Write a sample lake: all raw tables, deterministic, with a planted truth to measure against."""
    from jobs.days import parse_day, shifted

    parse_day(last)
    result, text = opened(warehouse, master).sample(pins, Days(shifted(last, 1 - days), last), seed)
    shown(result, text, as_json)


@app.command("import")
def import_file(
    mapping: Annotated[str, typer.Argument(metavar="MAPPING", help="A TOML file, or the name of a shipped mapping (docs/import.md).")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A Parquet, CSV or JSONL file.")],
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="The day of arrival.")],
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Fill raw tables from a file; replaces only what the same mapping wrote on that day."""
    days = chosen_days(day, None, None)
    result, text = opened(warehouse).import_file(mapping, file, days)
    shown(result, text, as_json)


@app.command()
def export(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="entities, pins, products, omnisearchsage or query_encoder.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new or empty folder; Parquet files in a folder ds=DAY a day.")],
    day: Day = None,
    first: First = None,
    last: Last = None,
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Write what changed on the days, by entity: the feed for a store that keeps the newest row of each.

    omnisearchsage: all training rows up to the last day, as its authors' public trainer reads them. query_encoder: that of the joint
    embedding that counts on the last day, as ONNX with its tokenizer.
    """
    days = chosen_days(day, first, last)
    result, text = opened(warehouse).export(kind, out, days)
    shown(result, text, as_json)


@train.command("captioner")
def train_captioner(
    folder: Annotated[Path, typer.Argument(metavar="OUT_FOLDER", help="Where the model is written: a new or empty folder.")],
    images: Annotated[int, typer.Option("--images", min=64, help="Drawings to learn from, each seen once.")] = 48_000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same model on the same machine.")] = 2026,
    as_json: AsJson = False,
) -> None:
    """Train the captioner of sample lakes from pixels, with a model card; prints what it names of held-out drawings. Needs no warehouse."""
    from jobs.given import as_lines
    from jobs.sample.captioner import train as trained
    from jobs.telling import progress

    found = trained(folder, images, seed, progress)
    shown(found, as_lines(found), as_json)


@app.command()
def score(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Pairs of a query and texts: a Parquet, CSV or JSONL file.")],
    model: Annotated[
        str,
        typer.Option("--model", metavar="M", help="teacher or student: the newest that counts in the warehouse; else a folder or a spec."),
    ],
    query: Annotated[str, typer.Option("--query", metavar="COLUMN", help="The column that holds the query.")],
    text: Annotated[
        list[str],
        typer.Option("--text", metavar="COLUMN", help="A column of the entity, and its label; repeat it, the best first."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Written whole: .parquet, .csv or .jsonl; or a folder of Parquet.")],
    warehouse: Warehouse = None,
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """Score any file of pairs by a teacher or student: its rows, with p1 .. p5, grade, expected_grade, model_revision and refused."""
    result, text_out = opened(warehouse, master).score(file, model, query, text, out)
    shown(result, text_out, as_json)


@app.command()
def embed(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Queries, pins or products: a Parquet, CSV or JSONL file.")],
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help="query (a column query), pin or product (columns as in their texts).")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Written whole: .parquet or .jsonl; or a folder of Parquet.")],
    model: Annotated[
        str, typer.Option("--model", metavar="M", help="embedder: the newest that counts in the warehouse; else a folder or a spec.")
    ] = "embedder",
    warehouse: Warehouse = None,
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """Put any file of queries, pins or products into the joint space: its rows, with vector, model_revision and refused."""
    result, text_out = opened(warehouse, master).embed(file, kind, model, out)
    shown(result, text_out, as_json)


@quarantine.command("show")
def quarantine_show(
    target: Annotated[str | None, typer.Argument(metavar="[TARGET]", help="A job, a tag or a table; all where left out.")] = None,
    day: Day = None,
    first: First = None,
    last: Last = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows to show.")] = 20,
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Show refused rows that stand: counts by table and reason, and the newest rows. Private values are hashed."""
    days = chosen_days(day, first, last) if day or first or last else None
    result, text = opened(warehouse).quarantine_show(target, days, limit)
    shown(result, text, as_json)


@quarantine.command("replay")
def quarantine_replay(
    target: Target,
    day: Day = None,
    first: First = None,
    last: Last = None,
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Compute again the days on which rows were refused, after the cause was mended, and say how many came back."""
    days = chosen_days(day, first, last)
    result, text = opened(warehouse).quarantine_replay(target, days)
    shown(result, text, as_json)


@models.command("list")
def models_list(warehouse: Warehouse = None, as_json: AsJson = False) -> None:
    """List the models that are promoted or configured, and from which day on each counts. Fetches nothing."""
    result, text = opened(warehouse).models_list()
    shown(result, text, as_json)


@models.command("promote")
def models_promote(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the model is asked as, such as captioner or encoder.")],
    spec: Spec,
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="The first day on which it counts.")],
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Fetch and check a model, and write down that it counts from a day on; what was asked before stays as it is."""
    from models.specs import parse

    chosen_days(day, None, None)
    parse(spec)  # before a session is started for a typing error
    result, text = opened(warehouse).models_promote(name, spec, day)
    shown(result, text, as_json)


@models.command("resolve")
def models_resolve(spec: Spec, as_json: AsJson = False) -> None:
    """Fetch, convert and check a model, and say where it is and what its hash is. Promotes nothing."""
    from jobs.settings import load
    from models.store import ModelStore

    found = ModelStore(load({}).models_cache).resolved(spec, say=lambda line: print(line, file=sys.stderr))
    result = {"spec": found.spec, "content_hash": found.content_hash, "folder": str(found.folder)}
    shown(result, f"{found.content_hash} {found.folder}", as_json)


@app.command()
def runs(
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows to show.")] = 20,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="First write ops.runs anew from the metadata of all commits.")] = False,
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest runs, from ops.runs."""
    result, text = opened(warehouse).runs(limit, rebuild)
    shown(result, text, as_json)


@app.command()
def doctor(
    fetch: Annotated[bool, typer.Option("--fetch", help="Download what is missing (the Delta jars, the default models), once.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is missing (Java, jars, disk, memory, models) and what to type."""
    from jobs import doctor as checks
    from jobs.settings import load

    settings = load({})
    if fetch:
        checks.fetch(settings)
    found = checks.report(settings)
    shown({"checks": [c.__dict__ for c in found]}, checks.render(found), as_json)
    if not all(c.ok for c in found):
        raise typer.Exit(1)


@app.command()
def config(warehouse: Warehouse = None, as_json: AsJson = False) -> None:
    """Print all settings, where each comes from, and secrets masked."""
    from jobs.settings import described, load, masked

    settings = load({} if warehouse is None else {"warehouse": warehouse})
    shown(masked(settings), described(settings), as_json)


@app.command()
def demo(
    folder: Annotated[
        str | None, typer.Option("--warehouse", metavar="PATH", help="Where to write; a new folder `demo` where left out.")
    ] = None,
    pins: Annotated[int, typer.Option("--pins", min=300, help="Number of pins.")] = 1200,
    days: Annotated[int, typer.Option("--days", min=2, max=730, help="Number of days.")] = 15,
) -> None:
    """Write a sample lake of 15 days, run texts, embeddings, a small teacher, a day's labels and a student, and show what came out."""
    from jobs.demo import ENGINE, PARAMS, SPARK, play

    print(play(opened(folder or "./demo", spark=SPARK, params=PARAMS, engine=ENGINE), pins, days))
