"""`pinlake evaluate`: options in, a call into `jobs.commands`, text or one JSON object out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.options import AsJson, IfConnected, Warehouse, chosen_days, done_or_skipped, opened, shown

evaluate = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Measure a table or a model against what people wrote.")
Picture = Annotated[
    Path | None, typer.Option("--picture", metavar="FILE", help="Where the picture goes (.png); below the warehouse where left out.")
]


@evaluate.command("link-texts")
def evaluate_link_texts(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Pages with the title and description that people wrote (Parquet).")],
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="Texts as of this day.")],
    peers: Annotated[bool, typer.Option("--peers", help="Also run trafilatura and resiliparse alone on the pages of FILE.")] = False,
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Compare signals.link_texts with what people wrote: equal, but for case and white space."""
    days = chosen_days(day, None, None)
    result, text = opened(warehouse).evaluate_link_texts(file, days, peers)
    shown(result, text, as_json)


@evaluate.command("captions")
def evaluate_captions(
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="Captions as of this day.")],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="image_id and caption as people wrote it (Parquet); the sample lake's truth if left out."),
    ] = None,
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Compare signals.image_captions with people's words, or with the sample lake's truth, chance beside it; kept in evaluation.metrics."""
    days = chosen_days(day, None, None)
    result, text = opened(warehouse).evaluate_captions(file, days)
    shown(result, text, as_json)


@evaluate.command("coverage")
def evaluate_coverage(
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="Texts as of this day.")],
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Share of live pins and products with each text source, by language and popularity; kept in evaluation.metrics."""
    days = chosen_days(day, None, None)
    result, text = opened(warehouse).evaluate_coverage(days)
    shown(result, text, as_json)


@evaluate.command("teacher")
def evaluate_teacher(
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="The teacher that counts on this day, on labels up to it.")],
    if_connected: IfConnected = False,
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Compare the teacher with people on queries that it never saw, BM25, cosine and the commonest grade beside it."""
    days = chosen_days(day, None, None)
    result, text = done_or_skipped(lambda: opened(warehouse).evaluate_teacher(days), if_connected)
    shown(result, text, as_json)


@evaluate.command("distillation")
def evaluate_distillation(
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="The teacher and student that count on it, on labels up to it.")],
    multiple: Annotated[
        list[float] | None,
        typer.Option(
            "--multiple",
            min=0.1,
            metavar="X",
            help="Pairs that the teacher labelled for each that people graded; repeat it. Default 1, 5, 20.",
        ),
    ] = None,
    picture: Picture = None,
    if_connected: IfConnected = False,
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Train students on people's labels alone and on growing sets of the teacher's, and compare them on queries that none of them saw.

    Each takes as long as one of `pinlake run students`; run again after a kill, it goes on where it was.
    """
    days = chosen_days(day, None, None)
    multiples = multiple or [1, 5, 20]
    result, text = done_or_skipped(lambda: opened(warehouse).evaluate_distillation(days, multiples, picture), if_connected)
    shown(result, text, as_json)


@evaluate.command("serving")
def evaluate_serving(
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="The teacher, student and joint embedding that count on it.")],
    entities: Annotated[int, typer.Option("--entities", min=1, metavar="N", help="Entities that a request scores.")] = 500,
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Time one query with 500 entities on one core: the student, whose vectors of texts were made before, beside the teacher; and one
    query alone: the query encoder of the joint embedding."""
    days = chosen_days(day, None, None)
    result, text = opened(warehouse).evaluate_serving(days, entities)
    shown(result, text, as_json)


@evaluate.command("ablation")
def evaluate_ablation(
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="People's labels up to this day.")],
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.1, help="About how long all of it may take; what does not fit is said.")
    ] = 30,
    picture: Picture = None,
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """Compare small teachers and students that read growing sets of text sources, and all sources but one."""
    days = chosen_days(day, None, None)
    result, text = opened(warehouse).evaluate_ablation(days, minutes, picture)
    shown(result, text, as_json)


@evaluate.command("embeddings")
def evaluate_embeddings(
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="The joint embedding that counts on it, on the week up to it.")],
    among: Annotated[int, typer.Option("--among", min=10, metavar="N", help="Random entities among which each is to be found.")] = 10_000,
    untrained: Annotated[bool, typer.Option(help="Also read all texts by an untrained encoder, which takes longest.")] = True,
    ablations: Annotated[
        bool, typer.Option("--ablations", help="Also train variants: sources added and left out, tasks alone and apart, no compatibility.")
    ] = False,
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, metavar="M", help="About how long all ablations may take.")] = 30,
    if_connected: IfConnected = False,
    warehouse: Warehouse = None,
    as_json: AsJson = False,
) -> None:
    """recall@10 of the joint embedding: of what people engaged with, by action, language, country and popularity, and of what they
    graded 4 or 5; beside word match, embeddings that exist already and an untrained encoder."""
    days = chosen_days(day, None, None)
    within = minutes if ablations else None
    result, text = done_or_skipped(lambda: opened(warehouse).evaluate_embeddings(days, among, untrained, within), if_connected)
    shown(result, text, as_json)
