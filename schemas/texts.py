"""Enriched text: what a model reads about an entity."""

from schemas.contract import CHANGES, Column, Rule, Table, Watch

SOURCES = ("title", "description", "caption", "link_title", "link_description", "board_titles", "engaged_queries")
PRODUCT_SOURCES = (
    "title",
    "description",
    "brand",
    "category",
    "colors",
    "size",
    "size_type",
    "patterns",
    "materials",
    "product_types",
    "canonical_desc",
    "captions",
    "link_title",
    "link_description",
    "board_titles",
    "engaged_queries",
)

_LISTS = ("colors", "patterns", "materials", "product_types", "captions", "board_titles", "engaged_queries")


def _rules(sources: tuple[str, ...]) -> tuple[Rule, ...]:
    """Every source that is said to be in the text has a value, and the text is what its hash and its sources say."""
    values = {source: f"coalesce(size({source}), 0) = 0" if source in _LISTS else f"{source} is null" for source in sources}
    lacks = " or ".join(f"(array_contains(sources, '{source}') and {missing})" for source, missing in values.items())
    return (
        Rule("source_without_value", "name a source that has no value", lacks),
        Rule("text_without_source", "have a text without a source, or a source without a text", "(text = '') <> (size(sources) = 0)"),
        Rule("hash_of_text", "have a text_hash that is not that of the text", "text_hash <> sha2(text, 256)"),
    )


def _watches(sources: tuple[str, ...], what: str) -> tuple[Watch, ...]:
    """Coverage: what share of all that lives has each source. How many rows changed is only told: that differs from night to night."""
    has = (
        Watch(f"has_{s}", f"share of {what} that have {s}", f"cast(array_contains({{}}sources, '{s}') as double)", 0.2, of_live=True)
        for s in sources
    )
    return (Watch("rows", "rows that changed", None, 10.0, critical=False), *has)


PINS = Table(
    name="texts.pins",
    kind=CHANGES,
    doc="Every text source of a pin in its own column, and the text that a model reads, as of the day. A pin with no source keeps a row.",
    key=("pin_id",),
    columns=(
        Column("pin_id", "string", "pin", required=True),
        Column("language", "string", "ISO 639-1 code of the author's language"),
        Column("title", "string", "the author's title, cleaned"),
        Column("description", "string", "the author's description, cleaned"),
        Column("caption", "string", "a model's words for the image, cleaned"),
        Column(
            "link_title", "string", "title of the linked page, cleaned; of the pin's page and its product's, the one people stayed on more"
        ),
        Column("link_description", "string", "description of the linked page, cleaned; chosen as the title is"),
        Column("board_titles", "array<string>", "titles of the boards that hold the pin, best first", maximum=10),
        Column("engaged_queries", "array<string>", "public queries that led to the pin, best first", maximum=20),
        Column("text", "string", "labelled lines of the sources that are present; empty where none is"),
        Column("text_hash", "string", "sha256 of `text`, hex", pattern="^[0-9a-f]{64}$"),
        Column("sources", "array<string>", "which sources are present, in the order of the text", allowed=SOURCES),
    ),
    rules=_rules(SOURCES),
    watches=_watches(SOURCES, "pins"),
    was=("sources",),
)

PRODUCTS = Table(
    name="texts.products",
    kind=CHANGES,
    doc="Every text source of a product in its own column, and the text that a model reads, as of the day. One with no source keeps a row.",
    key=("product_id",),
    columns=(
        Column("product_id", "string", "product", required=True),
        Column("title", "string", "title in the merchant's feed, cleaned"),
        Column("description", "string", "description in the merchant's feed, cleaned"),
        Column("brand", "string", "brand, cleaned"),
        Column("category", "string", "category path, parts separated by ' > ', cleaned"),
        Column("colors", "array<string>", "colours, cleaned, each once"),
        Column("size", "string", "size, cleaned"),
        Column("size_type", "string", "size system, cleaned"),
        Column("patterns", "array<string>", "patterns, cleaned, each once"),
        Column("materials", "array<string>", "materials, cleaned, each once"),
        Column("product_types", "array<string>", "product types, most general first, cleaned, each once"),
        Column("canonical_desc", "string", "description agreed over all merchants, cleaned"),
        Column("captions", "array<string>", "a model's words for the images, in their order, cleaned, each once", maximum=15),
        Column("link_title", "string", "title of the merchant's page, cleaned"),
        Column("link_description", "string", "description of the merchant's page, cleaned"),
        Column("board_titles", "array<string>", "titles of the boards that hold pins of the product, best first", maximum=10),
        Column("engaged_queries", "array<string>", "public queries that led to the product, best first", maximum=20),
        Column("text", "string", "labelled lines of the sources that are present; empty where none is"),
        Column("text_hash", "string", "sha256 of `text`, hex", pattern="^[0-9a-f]{64}$"),
        Column("sources", "array<string>", "which sources are present, in the order of the text", allowed=PRODUCT_SOURCES),
    ),
    rules=_rules(PRODUCT_SOURCES),
    watches=_watches(PRODUCT_SOURCES, "products"),
    was=("sources",),
)

TABLES = (PINS, PRODUCTS)
