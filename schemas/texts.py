"""Enriched text: what a model reads about an entity."""

from schemas.contract import CHANGES, Column, Table

SOURCES = ("title", "description", "caption", "link_title", "link_description", "board_titles", "engaged_queries")

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
        Column("caption", "string", "a model's words for the image"),
        Column("link_title", "string", "title of the linked page, cleaned"),
        Column("link_description", "string", "description of the linked page, cleaned"),
        Column("board_titles", "array<string>", "titles of the boards that hold the pin, best first", maximum=10),
        Column("engaged_queries", "array<string>", "public queries that led to the pin, best first", maximum=20),
        Column("text", "string", "labelled lines of the sources that are present; empty where none is"),
        Column("text_hash", "string", "sha256 of `text`, hex", pattern="^[0-9a-f]{64}$"),
        Column("sources", "array<string>", "which sources are present, in the order of the text", allowed=SOURCES),
    ),
)

TABLES = (PINS,)
