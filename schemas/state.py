"""The newest known row of every entity, as change logs."""

from schemas.contract import CHANGES, Column, Table

PINS = Table(
    name="state.pins",
    kind=CHANGES,
    doc="The newest known fields of every pin, as raw.pin_updates gave them.",
    key=("pin_id",),
    columns=(
        Column("pin_id", "string", "pin", required=True),
        Column("image_id", "string", "image of the pin"),
        Column("product_id", "string", "product of a shopping pin, else null"),
        Column("title", "string", "title as its author wrote it"),
        Column("description", "string", "description as its author wrote it"),
        Column("link_url", "string", "page the pin links to"),
        Column("language", "string", "ISO 639-1 code of the author's language"),
        Column("country", "string", "ISO 3166-1 alpha-2 code"),
    ),
)

TABLES = (PINS,)
