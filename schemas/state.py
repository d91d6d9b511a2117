"""The newest known row of every entity, as change logs."""

from schemas.contract import CHANGES, Column, Table
from schemas.raw import ENTITY_EMBEDDINGS as ARRIVED

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

PRODUCTS = Table(
    name="state.products",
    kind=CHANGES,
    doc="The newest known fields of every product, as raw.product_updates gave them.",
    key=("product_id",),
    columns=(
        Column("product_id", "string", "product", required=True),
        Column("title", "string", "title in the merchant's feed"),
        Column("description", "string", "description in the merchant's feed, may hold markup"),
        Column("brand", "string", "brand"),
        Column("category", "string", "category path, parts separated by ' > '"),
        Column("price", "decimal(18,2)", "price in `currency`"),
        Column("currency", "string", "ISO 4217 code"),
        Column("colors", "array<string>", "colours"),
        Column("size", "string", "size"),
        Column("size_type", "string", "size system, such as regular, petite, EU"),
        Column("patterns", "array<string>", "patterns, such as striped"),
        Column("materials", "array<string>", "materials"),
        Column("product_types", "array<string>", "product types, most general first"),
        Column("canonical_desc", "string", "description agreed over all merchants of the product"),
        Column("image_ids", "array<string>", "images of the product, main one first; of more than fifteen the first", maximum=15),
        Column("link_url", "string", "the merchant's page"),
    ),
)

ENTITY_EMBEDDINGS = Table(
    name="state.entity_embeddings",
    kind=CHANGES,
    doc="The newest known embedding of every pin, product and image, by its name; those of queries stay in raw: few may have asked them.",
    key=ARRIVED.key,
    columns=tuple(column for column in ARRIVED.columns if column.name != "written_by"),
)

TABLES = (PINS, PRODUCTS, ENTITY_EMBEDDINGS)
