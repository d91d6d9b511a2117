"""Signals: what is known about pins, queries, boards and pages, ready to become text."""

from schemas.contract import CHANGES, DAILY, Column, Table, Watch

ENTITY = (
    Column("entity_type", "string", "what people engaged with", required=True, allowed=("pin", "product", "ad", "query")),
    Column("entity_id", "string", "the entity", required=True, private=True),
)
ACTION_COUNTS = (
    Column("impressions", "bigint", "times shown", required=True, minimum=0),
    Column("clicks", "bigint", "clicks", required=True, minimum=0),
    Column("long_clicks", "bigint", "clicks with a long stay", required=True, minimum=0),
    Column("saves", "bigint", "saves", required=True, minimum=0),
    Column("carts", "bigint", "added to cart on site", required=True, minimum=0),
    Column("checkouts", "bigint", "bought on site", required=True, minimum=0),
    Column("offsite_carts", "bigint", "added to cart on the merchant's site", required=True, minimum=0),
    Column("offsite_checkouts", "bigint", "bought on the merchant's site", required=True, minimum=0),
)

LINK_TEXTS = Table(
    name="signals.link_texts",
    kind=CHANGES,
    doc="What a linked page says about itself, from the newest readable fetch. A page that is gone (404, 410) is a tombstone.",
    key=("url",),
    columns=(
        Column("url", "string", "address of the page", required=True),
        Column(
            "title",
            "string",
            "title: of the item the page is about (JSON-LD, microdata, RDFa), else a heading its titles hold, else Open Graph, <title>",
        ),
        Column(
            "description",
            "string",
            "description: of the same item, else Open Graph, meta, JSON-LD of the page, else the first paragraph of the main text",
        ),
        Column("main_text", "string", "main text without navigation and banners", maximum=20_000),
        Column("language", "string", "ISO 639-1 code", pattern="^[a-z]{2,3}$"),
        Column("encoding", "string", "encoding the bytes were decoded with"),
        Column(
            "status",
            "string",
            "ok, or what is missing; no_text: title, description and main text",
            required=True,
            allowed=("ok", "no_text", "no_title", "no_description"),
        ),
    ),
)

QUERY_USERS = Table(
    name="signals.query_users",
    kind=DAILY,
    doc="Who asked what that day, for k-anonymity only. Holds rare queries: never published onwards.",
    key=("query", "user_hash"),
    columns=(
        Column("query", "string", "normalised query", required=True, private=True),
        Column("user_hash", "string", "sha256 of the user id, hex", required=True, private=True, pattern="^[0-9a-f]{64}$"),
    ),
    watches=(Watch("rows", "queries by user", None, 4.0),),
)

PUBLIC_QUERIES = Table(
    name="signals.public_queries",
    kind=CHANGES,
    doc="Queries that at least k distinct users asked in the last 90 days, exactly; a query that is no longer public is a tombstone.",
    key=("query",),
    columns=(Column("query", "string", "normalised query", required=True),),
)

ENGAGEMENT_DAILY = Table(
    name="signals.engagement_daily",
    kind=DAILY,
    doc="What people did with an entity after a query, that day; repeats and bots left out. Holds rare queries.",
    key=("entity_type", "entity_id", "query"),
    columns=(*ENTITY, Column("query", "string", "normalised query", required=True, private=True), *ACTION_COUNTS),
    watches=(
        Watch("rows", "pairs of a query and an entity", None, 4.0),
        Watch("clicked", "share of pairs with a click", "cast(clicks > 0 as double)", 0.3),
    ),
)

ENGAGEMENT_TOTALS = Table(
    name="signals.engagement_totals",
    kind=CHANGES,
    doc="Sums of signals.engagement_daily over the last 730 days, public or not; a pair whose sums are all zero is a tombstone.",
    key=("entity_type", "entity_id", "query"),
    columns=(*ENTITY, Column("query", "string", "normalised query", required=True, private=True), *ACTION_COUNTS),
)

ENGAGED_QUERIES = Table(
    name="signals.engaged_queries",
    kind=CHANGES,
    doc="The public queries that led people to engage with an entity, best first. Entities of type query are left out unless public.",
    key=("entity_type", "entity_id"),
    columns=(
        Column("entity_type", "string", "what people engaged with", required=True, allowed=("pin", "product", "ad", "query")),
        Column("entity_id", "string", "the entity", required=True),
        Column(
            "queries",
            "array<struct<query:string,score:bigint>>",
            "best first, at most twenty; score: action weights times counts",
            maximum=20,
        ),
    ),
)

PIN_BOARDS = Table(
    name="signals.pin_boards",
    kind=CHANGES,
    doc="Boards that hold a pin and who saved it there; a pair that nobody holds any more is a tombstone.",
    key=("pin_id", "board_id"),
    columns=(
        Column("pin_id", "string", "pin", required=True),
        Column("board_id", "string", "board", required=True),
        Column("title", "string", "title at the pair's newest event with one, cleaned; null where it holds personal data", private=True),
        Column("user_hashes", "array<string>", "sha256 of the users who hold the pin there, sorted", private=True),
    ),
)

WORD_PREVALENCE = Table(
    name="signals.word_prevalence",
    kind=DAILY,
    doc="In how many boards' titles a word stands, frozen on the table's first day and on each month's first; other days are empty.",
    key=("language", "word"),
    columns=(
        Column("language", "string", "language of the pins on the boards; und where unknown", required=True),
        Column("word", "string", "lower-cased word of a title, in the form a dictionary of the language lists it", required=True),
        Column("boards", "bigint", "boards of the language whose title has the word", required=True, minimum=1),
        Column("total_boards", "bigint", "boards of the language", required=True, minimum=1),
    ),
)

BOARD_TITLES = Table(
    name="signals.board_titles",
    kind=CHANGES,
    doc="The board titles that describe a pin best.",
    key=("pin_id",),
    columns=(
        Column("pin_id", "string", "pin", required=True),
        Column("titles", "array<struct<title:string,score:bigint,boards:bigint>>", "best first, at most ten", maximum=10),
    ),
)

LINK_CLICKS = Table(
    name="signals.link_clicks",
    kind=CHANGES,
    doc="Long clicks in two years of all pins and products that link to a page; a page that nobody stayed on, or links to, is a tombstone.",
    key=("url",),
    columns=(
        Column("url", "string", "address of the page", required=True),
        Column("long_clicks", "bigint", "clicks with a long stay on the pins and products that link to the page now", minimum=1),
    ),
)

IMAGES = Table(
    name="signals.images",
    kind=CHANGES,
    doc="What is known of an image that can be decoded, and where its bytes are. One that is refused later keeps its older row.",
    key=("image_id",),
    columns=(
        Column("image_id", "string", "image", required=True),
        Column("image_hash", "string", "sha256 of the file's bytes, hex", pattern="^[0-9a-f]{64}$"),
        Column("format", "string", "file format", allowed=("jpeg", "png", "webp", "gif")),
        Column("width", "int", "pixels, as the image is shown (EXIF orientation applied)", minimum=1),
        Column("height", "int", "pixels, as the image is shown", minimum=1),
        Column(
            "bytes_ds", "string", "the day whose row of raw.images holds the bytes, or the uri of the file", pattern=r"^\d{4}-\d{2}-\d{2}$"
        ),
    ),
)

IMAGE_CAPTIONS = Table(
    name="signals.image_captions",
    kind=CHANGES,
    doc="The caption that the promoted model gives an image.",
    key=("image_id",),
    columns=(
        Column("image_id", "string", "image", required=True),
        Column("caption", "string", "what the model says is on the image, cleaned", maximum=1_000),
        Column("model_revision", "string", "the model and how it was asked", pattern="^[0-9a-f]{16}$"),
    ),
)

TABLES = (
    LINK_TEXTS,
    LINK_CLICKS,
    IMAGES,
    IMAGE_CAPTIONS,
    QUERY_USERS,
    PUBLIC_QUERIES,
    ENGAGEMENT_DAILY,
    ENGAGEMENT_TOTALS,
    ENGAGED_QUERIES,
    PIN_BOARDS,
    WORD_PREVALENCE,
    BOARD_TITLES,
)
