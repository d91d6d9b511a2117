"""What makes the joint embedding as good as it is: variants of its training, by what entities are read of and by what is learnt together
(the tables of arXiv 2404.16260, 4.2 and 4.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from models.recipe import EmbeddingRecipe
from schemas.embeddings import NAMES, NEGATIVES, PAIRS, TASKS, TOKENS, VECTORS

EXISTING = "existing embeddings"
SOURCES: Mapping[str, tuple[str, ...]] = {
    EXISTING: VECTORS,
    "captions": ("image_caption",),
    "title, description": ("canonical_desc", "title", "description"),
    "attributes": ("brand", "colors", "size_type", "size", "patterns", "materials", "product_types", "gpt"),
    "link": ("rich_pin_title", "rich_pin_description", "domain", "domains", "links"),
    "board titles": ("board_title",),
    "engaged queries": ("navboost_v2",),
}
"""What is read of an entity, in the order in which the paper adds it."""
assert sorted(name for names in SOURCES.values() for name in names) == sorted((*NAMES, *VECTORS))
ALL = "all"


@dataclass(frozen=True)
class Variant:
    """A training by its name: the table that it stands in, what is read of entities, which tasks are learnt, and whether queries learn the
    embeddings that exist already."""

    table: str
    name: str
    sources: tuple[str, ...] = tuple(SOURCES)
    tasks: tuple[str, ...] = tuple(TASKS)
    compatible: bool = True

    def recipe(self, whole: EmbeddingRecipe, minutes: float) -> EmbeddingRecipe:
        """The recipe of this variant, in about so many minutes."""
        weights = tuple(weight if task in self.tasks else 0.0 for task, weight in zip(TASKS, whole.weights, strict=True))
        return replace(whole, weights=weights, compatible=self.compatible, minutes=minutes, processes=1)


def variants() -> list[Variant]:
    """All of them; the first is the whole, beside which the others stand."""
    names = list(SOURCES)
    found = [Variant(ALL, ALL)]
    found += [Variant("sources added", f"{'+ ' if n else ''}{name}", tuple(names[: n + 1])) for n, name in enumerate(names[:-1])]
    found += [Variant("sources left out", f"without {name}", tuple(one for one in names if one != name)) for name in names]
    found += [Variant("one task", f"{task} alone", tasks=(task,)) for task in TASKS]
    pins, products = ("query_pin", "query_query"), ("query_product", "query_product_offsite", "query_query")
    found += [Variant("apart", "pins apart", tasks=pins), Variant("apart", "products apart", tasks=products)]
    return [*found, Variant("compatibility", "without compatibility", compatible=False)]


def lesson(rows: Path, variant: Variant, out: Path) -> Path:
    """The rows of a training as the variant reads them: pairs of its tasks, and nothing of the sources that it lacks.

    Pairs behind the gap stay those of all tasks, by which every variant is judged alike.
    """
    lacking = [field for name, fields in SOURCES.items() if name not in variant.sources for field in fields]
    for part in (PAIRS, NEGATIVES):
        table = ds.dataset(rows / part, format="parquet").to_table()
        for field in lacking:
            place = table.column_names.index(field)
            table = table.set_column(place, table.schema.field(field), pa.nulls(len(table), table.schema.field(field).type))
        if part == PAIRS:
            own = pc.is_in(table["task"], pa.array(variant.tasks))
            table = table.filter(pc.or_(own, pc.equal(table["split"], "test")))
        (out / part).mkdir(parents=True)
        pq.write_table(table, out / part / "part-0.parquet")
    (out / TOKENS).symlink_to(rows / TOKENS, target_is_directory=True)
    return out


def reasons(rows: Path, some: Sequence[Variant]) -> dict[str, str]:
    """Why variants are not run, by name: entities have nothing of the only source, all are without the one that is left out, or nobody did
    what the only task learns from."""
    pairs, drawn = (ds.dataset(rows / part, format="parquet").to_table() for part in (PAIRS, NEGATIVES))
    learnt = pairs.filter(pc.equal(pairs["split"], "train"))
    has = {name: any(drawn[field].null_count < len(drawn) for field in fields) for name, fields in SOURCES.items()}
    tasks = set(pc.unique(learnt["task"]).to_pylist())
    found = {}
    for one in some:
        lacks = [name for name in SOURCES if name not in one.sources and has[name]]
        newest = one.sources[-1] if one.table == "sources added" else None
        if not tasks & set(one.tasks):
            found[one.name] = "no pair of these tasks to learn from"
        elif newest is not None and not has[newest]:
            found[one.name] = f"no entity has {newest}"
        elif one.table == "sources left out" and not lacks:
            found[one.name] = "no entity has it"
        elif one.table in ("one task", "apart") and tasks <= set(one.tasks):
            found[one.name] = "there are no other pairs"
    return found


def lines(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """A row a variant: recall@10 by task, and of queries among embeddings that exist already."""
    names = [*TASKS, *(f"{task} among existing" for task in TASKS if TASKS[task] != "query")]
    shown = [name for name in names if any(name in row.get("recall", {}) for row in rows)]
    table: list[tuple[str, ...]] = [("variant", *shown, "")]
    for row in rows:
        recall = row.get("recall", {})
        table.append((row["variant"], *(f"{recall[name]:.3f}" if name in recall else "" for name in shown), row.get("not_run") or ""))
    return table
