"""What a student reads of queries, entities and pairs, each as it was known on its day."""

from schemas.contract import CHANGES, DAILY, Column, Table
from schemas.labels import REQUEST_KEY
from schemas.signals import ACTION_COUNTS

KINDS = ("pin", "product")
MATCHED = ("title", "description", "caption", "link", "boards", "queries")
"""The text sources that a query is matched with; the sources of pins and products that each is made of are in features/matching.py."""

TEXT_NUMBERS = ("query_words", "phrase_text", "share_text", "phrase_first", "share_first")
"""What is known of any pair from its query and its text: the query's words, whether they stand in the text in their order and which share
of them stands there at all, and both for the text's first line."""
TABLE_NUMBERS = (
    *(f"{measure}_{source}" for source in MATCHED for measure in ("bm25", "phrase", "share")),
    "search_cosine",
    "click_rate",
    "long_click_rate",
    "save_rate",
    "query_engagements",
    "query_product_share",
    "interest_share",
    "same_language",
    "entity_engagements",
    "entity_click_rate",
    "entity_save_rate",
    "entity_age",
    *(f"has_{source}" for source in MATCHED),
)
"""What only tables know of a pair: left out where a pair comes from a file."""
NUMBERS = (*TEXT_NUMBERS, *TABLE_NUMBERS)
"""The order of a student's numbers."""

_KIND = Column("entity_type", "string", "pin or product", required=True, allowed=KINDS)
_ENTITY = Column("entity_id", "string", "the entity", required=True)

CORPUS_WORDS = Table(
    name="features.corpus_words",
    kind=DAILY,
    doc="Corpus statistics of BM25 by text source, frozen on the table's first day and on each month's first; other days are empty.",
    key=("entity_type", "source", "word"),
    columns=(
        _KIND,
        Column("source", "string", "the text source", required=True, allowed=MATCHED),
        Column("word", "string", "lower-cased word; of scripts without spaces two neighbouring characters", required=True),
        Column("entities", "bigint", "entities whose source has the word", required=True, minimum=1),
        Column("total_entities", "bigint", "entities that have the source", required=True, minimum=1),
        Column("total_words", "bigint", "words of the source in all entities, repeats counted", required=True, minimum=1),
    ),
)

ENTITIES = Table(
    name="features.entities",
    kind=CHANGES,
    doc="What is known of a pin or product: which sources it has, what it is about, since when, and what people did with it in two years.",
    key=("entity_type", "entity_id"),
    columns=(
        _KIND,
        _ENTITY,
        Column("language", "string", "ISO 639-1 code of the author's language; null for products"),
        Column("interest", "string", "first part of the category: the product's own, a shopping pin's product's; null where there is none"),
        Column("present", "array<string>", "the text sources that it has", allowed=MATCHED),
        Column("born", "string", "the first day on which it was known", pattern=r"^\d{4}-\d{2}-\d{2}$"),
        *(Column(c.name, c.type, f"{c.doc}, after all queries", minimum=0) for c in ACTION_COUNTS),
    ),
)

QUERIES = Table(
    name="features.queries",
    kind=DAILY,
    doc="What is known of the queries of a day's labelled pairs: what people engaged with after each, as of 15 days earlier.",
    key=("query",),
    columns=(
        Column("query", "string", "normalised query: public on that day, or one that people graded", required=True),
        Column("words", "int", "its words", required=True, minimum=0),
        Column("language", "string", "language of most of the engagements with pins; null without any"),
        Column("engagements", "bigint", "what people did after it in two years, impressions left out", required=True, minimum=0),
        Column("product_engagements", "bigint", "the part with products: shopping intent", required=True, minimum=0),
        Column(
            "interests",
            "array<struct<interest:string,engagements:bigint>>",
            "what the engaged entities are about, most engaged first, at most twenty",
            maximum=20,
        ),
    ),
)

PAIRS = Table(
    name="features.pairs",
    kind=DAILY,
    doc="Word match of a query with each text source of an entity, and what people did with it after the query, of a day's labelled pairs.",
    key=("request_key",),
    columns=(
        REQUEST_KEY,
        Column("query", "string", "normalised query", required=True),
        _KIND,
        _ENTITY,
        Column(
            "matches",
            "array<struct<bm25:double,phrase:double,share:double>>",
            f"for each of {', '.join(MATCHED)}: BM25, whether the query's words stand in it in their order, the share of them that it has; "
            "null where the entity lacks the source",
            required=True,
            minimum=len(MATCHED),
            maximum=len(MATCHED),
        ),
        Column("impressions", "bigint", "times shown after the query in two years, as of 15 days earlier", required=True, minimum=0),
        Column("clicks", "bigint", "clicks, likewise", required=True, minimum=0),
        Column("long_clicks", "bigint", "clicks with a long stay, likewise", required=True, minimum=0),
        Column("saves", "bigint", "saves, likewise", required=True, minimum=0),
        Column("search_cosine", "double", "cosine of the search embeddings of query and entity; null where one is not known"),
    ),
)

TABLES = (CORPUS_WORDS, ENTITIES, QUERIES, PAIRS)
