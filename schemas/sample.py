"""The planted truth of the sample lake: for evaluations, never an input of a job."""

from schemas.contract import DAILY, Column, Table

TRUTH = Table(
    name="sample.truth",
    kind=DAILY,
    doc="What every pin, product and query of the sample lake is really about. All rows lie on the lake's first day.",
    key=("entity_type", "entity_id"),
    columns=(
        Column("entity_type", "string", "what the row describes", required=True, allowed=("pin", "product", "query")),
        Column("entity_id", "string", "the entity; for a query, its text", required=True),
        Column("language", "string", "ISO 639-1 code the entity's text is written in", required=True),
        Column("topic", "string", "topic", required=True),
        Column("object", "string", "the object drawn on the image or asked for", required=True),
        Column("color", "string", "colour; null where a query names none"),
        Column("style", "string", "style; null where a query names none"),
        Column("labelled_topic", "boolean", "true where human raters saw the topic", required=True),
    ),
)

TABLES = (TRUTH,)
