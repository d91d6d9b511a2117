"""The text fields of pins and products that the joint embedding reads (OmniSearchSage, arXiv 2404.16260), from their sources."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.text import shortened
from schemas.embeddings import FIELDS, NAMES, VECTORS

# In characters: a bag of tokens counts each word alike, so that a long description would drown a title.
BUDGETS = {
    "rich_pin_title": 200,
    "rich_pin_description": 400,
    "title": 200,
    "description": 500,
    "brand": 60,
    "colors": 80,
    "size_type": 40,
    "size": 40,
    "patterns": 80,
    "materials": 80,
    "product_types": 120,
    "domains": 100,
    "links": 200,
    "gpt": 120,
    "canonical_desc": 700,
    "board_title": 300,
    "navboost_v2": 400,
    "domain": 100,
    "image_caption": 400,
}
assert set(BUDGETS) == set(NAMES)
_BOTH: dict[str, tuple[str, ...]] = {
    "rich_pin_title": ("link_title",),
    "rich_pin_description": ("link_description",),
    "board_title": ("board_titles",),
    "navboost_v2": ("engaged_queries",),
    "links": ("link_url",),
}
CALLED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "pin": {**_BOTH, "canonical_desc": ("title", "description"), "image_caption": ("caption",)},
    "product": {**_BOTH, "image_caption": ("captions",), "gpt": ("category",)},
}
"""What columns of a file may be called beside the names of the authors' trainer: as in texts.pins and texts.products."""
OF_ITEM = (
    "title",
    "description",
    "brand",
    "colors",
    "size_type",
    "size",
    "patterns",
    "materials",
    "product_types",
    "domains",
    "links",
    "gpt",
)
"""Fields of a product, which those of its pins have too."""


def item_fields(text: str, link_url: Column) -> dict[str, Column]:
    """OF_ITEM by name, of a struct with the sources of texts.products and the address of the product's page."""
    lists = ("colors", "patterns", "materials", "product_types")
    said = {name: _listed(f"{text}.{name}") for name in lists}
    said |= {name: F.col(f"{text}.{name}") for name in ("title", "description", "brand", "size", "size_type")}
    said |= {"gpt": F.col(f"{text}.category"), "domains": host(link_url), "links": link_url}
    return {name: said[name] for name in OF_ITEM}


def pin_fields(text: str, item: str, link_url: Column) -> dict[str, Column]:
    """All fields of a pin: of a struct with the sources of texts.pins, one with OF_ITEM of its product, and the address of its page."""
    own = F.concat_ws("\n", f"{text}.title", f"{text}.description")
    return {
        "rich_pin_title": F.col(f"{text}.link_title"),
        "rich_pin_description": F.col(f"{text}.link_description"),
        **{name: F.col(f"{item}.{name}") for name in OF_ITEM},
        "canonical_desc": F.when(own != "", own),
        **_engaged(text),
        "domain": host(link_url),
        "image_caption": F.col(f"{text}.caption"),
    }


def product_fields(text: str, item: str) -> dict[str, Column]:
    """All fields of a product: of a struct with the sources of texts.products, and one with its own OF_ITEM."""
    return {
        "rich_pin_title": F.col(f"{text}.link_title"),
        "rich_pin_description": F.col(f"{text}.link_description"),
        **{name: F.col(f"{item}.{name}") for name in OF_ITEM},
        "canonical_desc": F.col(f"{text}.canonical_desc"),
        **_engaged(text),
        "domain": F.col(f"{item}.domains"),
        "image_caption": _listed(f"{text}.captions"),
    }


def columns_of(kind: str) -> dict[str, tuple[str, ...]]:
    """By field, what the columns of a file about pins or products may be called that make it."""
    return {field.name: (field.pin if kind == "pin" else field.product, *CALLED[kind].get(field.name, ())) for field in FIELDS}


def bounded(fields: Mapping[str, Column]) -> Column:
    """A struct of the fields in the order of NAMES, each within its budget."""
    # One expression for all: it is a large one, and a plan has to be made of it every night.
    both = F.array(*(F.struct(fields[name].alias("text"), F.lit(BUDGETS[name]).alias("room")) for name in NAMES))
    cut = F.array(F.transform(both, lambda one: shortened(one["text"], one["room"])))
    return F.transform(cut, lambda one: F.struct(*(one[place].alias(name) for place, name in enumerate(NAMES))))[0]


def input_hash() -> Column:
    """sha256 over the columns that a model reads, those of NAMES and VECTORS, each behind a seam, hex."""
    texts = [F.coalesce(name, F.lit("")) for name in NAMES]
    return F.sha2(F.concat_ws("\x1f", *texts, *(F.coalesce(F.hex(name), F.lit("")) for name in VECTORS)), 256)


def host(url: Column) -> Column:
    """The host of an address, lower-cased, without `www.`; null where there is none."""
    found = F.regexp_replace(F.lower(F.try_parse_url(url, F.lit("HOST"))), r"^www\.", "")
    return F.when(found != "", found)


def _engaged(text: str) -> dict[str, Column]:
    return {"board_title": _listed(f"{text}.board_titles"), "navboost_v2": _listed(f"{text}.engaged_queries")}


def _listed(name: str) -> Column:
    return F.when(F.size(name) > 0, F.array_join(name, ", "))
