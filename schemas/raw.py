"""Raw tables: somebody else writes them (or the sample lake, or the importer); `ds` is the day of arrival. Jobs only read them."""

from schemas.contract import DAILY, Column, Table

ENTITY_TYPES = ("pin", "product", "ad", "query")
SEARCH_ACTIONS = ("impression", "click", "long_click", "save", "add_to_cart", "checkout")

WRITTEN_BY = Column("written_by", "string", "who wrote the row: the sample lake or an import mapping; null for other systems")

PIN_UPDATES = Table(
    name="raw.pin_updates",
    kind=DAILY,
    doc="Pins that changed that day, each with all its fields.",
    key=("pin_id",),
    columns=(
        Column("pin_id", "string", "pin", required=True),
        Column("image_id", "string", "image of the pin (raw.images)"),
        Column("product_id", "string", "product of a shopping pin (raw.product_updates), else null"),
        Column("title", "string", "title as its author wrote it"),
        Column("description", "string", "description as its author wrote it"),
        Column("link_url", "string", "page the pin links to (raw.link_pages)"),
        Column("language", "string", "ISO 639-1 code of the author's language"),
        Column("country", "string", "ISO 3166-1 alpha-2 code"),
        Column("deleted", "boolean", "true on the day the pin was deleted"),
        WRITTEN_BY,
    ),
)

PRODUCT_UPDATES = Table(
    name="raw.product_updates",
    kind=DAILY,
    doc="Products that changed that day, each with all its fields.",
    key=("product_id",),
    columns=(
        Column("product_id", "string", "product", required=True),
        Column("title", "string", "title in the merchant's feed"),
        Column("description", "string", "description in the merchant's feed, may hold markup"),
        Column("brand", "string", "brand"),
        Column("category", "string", "category path, parts separated by ' > '"),
        Column("price", "decimal(18,2)", "price in `currency`", minimum=0),
        Column("currency", "string", "ISO 4217 code", pattern="^[A-Z]{3}$"),
        Column("colors", "array<string>", "colours"),
        Column("size", "string", "size"),
        Column("size_type", "string", "size system, such as regular, petite, EU"),
        Column("patterns", "array<string>", "patterns, such as striped"),
        Column("materials", "array<string>", "materials"),
        Column("product_types", "array<string>", "product types, most general first"),
        Column("canonical_desc", "string", "description agreed over all merchants of the product"),
        Column("image_ids", "array<string>", "images of the product (raw.images), main one first", maximum=15),
        Column("link_url", "string", "the merchant's page"),
        Column("deleted", "boolean", "true on the day the product was withdrawn"),
        WRITTEN_BY,
    ),
)

IMAGES = Table(
    name="raw.images",
    kind=DAILY,
    doc="Images that arrived that day.",
    key=("image_id",),
    columns=(
        Column("image_id", "string", "image", required=True),
        Column("image", "binary", "the file's bytes (JPEG, PNG, WEBP or GIF)"),
        Column("uri", "string", "where the cluster can read the bytes, if they are not in the row"),
        WRITTEN_BY,
    ),
)

LINK_PAGES = Table(
    name="raw.link_pages",
    kind=DAILY,
    doc="Pages that pins and products link to, as the crawler fetched them that day.",
    key=("url",),
    columns=(
        Column("url", "string", "address of the page", required=True),
        Column("html", "binary", "the body as received, in whatever encoding"),
        Column("http_status", "int", "status of the response"),
        Column("fetched_at", "timestamp", "when it was fetched, UTC"),
        WRITTEN_BY,
    ),
)

BOARD_SAVES = Table(
    name="raw.board_saves",
    kind=DAILY,
    doc="Pins saved to and removed from boards.",
    key=("event_id",),
    events=True,
    columns=(
        Column("event_id", "string", "event", required=True),
        Column("pin_id", "string", "pin"),
        Column("board_id", "string", "board"),
        Column("board_title", "string", "title of the board at the time", private=True),
        Column("user_id", "string", "who did it", private=True),
        Column("action", "string", "what was done", allowed=("save", "remove")),
        Column("ts", "timestamp", "when it was done, UTC"),
        WRITTEN_BY,
    ),
)

SEARCH_EVENTS = Table(
    name="raw.search_events",
    kind=DAILY,
    doc="What people were shown for their queries and what they did with it.",
    key=("event_id",),
    events=True,
    columns=(
        Column("event_id", "string", "event", required=True),
        Column("request_id", "string", "the search request that showed the entity"),
        Column("user_id", "string", "who searched", private=True),
        Column("query", "string", "query as typed", private=True),
        Column("language", "string", "ISO 639-1 code of the request"),
        Column("country", "string", "ISO 3166-1 alpha-2 code of the request"),
        Column("entity_type", "string", "what was shown; `query` is a suggested query that was followed", allowed=ENTITY_TYPES),
        Column("entity_id", "string", "the entity; for a query, its text", private=True),
        Column("action", "string", "what was done", allowed=SEARCH_ACTIONS),
        Column("offsite", "boolean", "true where the action happened on the merchant's site"),
        Column("position", "int", "place in the result list, from 1", minimum=1),
        Column("ts", "timestamp", "when it happened, UTC"),
        WRITTEN_BY,
    ),
)

HUMAN_LABELS = Table(
    name="raw.human_labels",
    kind=DAILY,
    doc="Relevance grades that people gave: one row a rater, or one row a pair, already aggregated.",
    key=("label_id",),
    columns=(
        Column("label_id", "string", "label", required=True),
        Column("query", "string", "query that was shown to the rater", required=True),
        Column("entity_type", "string", "what was graded", required=True, allowed=("pin", "product")),
        Column("entity_id", "string", "the entity", required=True),
        Column("grade", "int", "5 highly relevant .. 1 highly irrelevant; null where it cannot be known", minimum=1, maximum=5),
        Column("rater_id", "string", "who graded; null where the row is an aggregate", private=True),
        Column("grade_mean", "double", "aggregate: mean (or median, as `scale` says) of the raters' levels"),
        Column("grade_std", "double", "aggregate: population standard deviation of the raters' levels", minimum=0),
        Column("raters", "int", "aggregate: number of raters, null where unknown", minimum=1),
        Column("scale", "string", "aggregate: levels and statistic of grade_mean, such as `median_1_4`"),
        WRITTEN_BY,
    ),
)

ENTITY_EMBEDDINGS = Table(
    name="raw.entity_embeddings",
    kind=DAILY,
    doc="Embeddings that exist already, as other teams publish them.",
    key=("entity_type", "entity_id", "name"),
    columns=(
        Column("entity_type", "string", "what is embedded", required=True, allowed=("pin", "product", "query", "image")),
        Column("entity_id", "string", "the entity", required=True),
        Column("name", "string", "which embedding", required=True, allowed=("pinsage", "itemsage", "searchsage", "visual")),
        Column("vector", "array<float>", "256 numbers, L2-normalised; null for `visual`", minimum=256, maximum=256),
        Column("bits", "binary", "1024 bits of `visual`, most significant first, else null", minimum=128, maximum=128),
        WRITTEN_BY,
    ),
)

TABLES = (PIN_UPDATES, PRODUCT_UPDATES, IMAGES, LINK_PAGES, BOARD_SAVES, SEARCH_EVENTS, HUMAN_LABELS, ENTITY_EMBEDDINGS)
