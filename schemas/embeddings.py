"""One space of queries, pins and products (OmniSearchSage, arXiv 2404.16260): what its network reads, and the vectors that it makes."""

from __future__ import annotations

from typing import NamedTuple

from schemas.contract import CHANGES, DAILY, Column, Rule, Table, Watch

KINDS = ("pin", "product")
GRAMS = ("char_trigram", "unigram", "bigram")
"""Kinds of tokens that a field is cut into, in the order of their ids."""
TASKS = {"query_pin": "pin", "query_product": "product", "query_product_offsite": "product", "query_query": "query"}
"""What is learnt from, each a table of training pairs, and what its queries lead to."""
PAIRS, NEGATIVES, TOKENS = "pairs", "negatives", "vocabulary"
"""The parts of what a joint embedding is trained on, each a folder of Parquet: (task, split, query, query_id, key, key_id, NAMES, VECTORS),
(entity_type, split, key_id, NAMES, VECTORS) and (gram, token, idx). The key of query_query is a query, whose NAMES and VECTORS are null."""
WIDTH, BITS = 256, 1024
"""Numbers of the embeddings that exist already, and bits of those of images."""


class Field(NamedTuple):
    """A text field of the network: its name here, those that the authors' public trainer has for pins and for products, its meaning."""

    name: str
    pin: str
    product: str
    doc: str


FIELDS = (
    Field("rich_pin_title", "rich_pin_title", "item_rich_pin_title", "title of the linked page"),
    Field("rich_pin_description", "rich_pin_description", "item_rich_pin_description", "description of the linked page"),
    Field("title", "item_title", "title", "title of the product, a shopping pin's or itself; so are the product's others"),
    Field("description", "item_description", "description", "description of the product"),
    Field("brand", "item_brand", "brand", "brand"),
    Field("colors", "item_colors", "colors", "colours"),
    Field("size_type", "item_size_type", "size_type", "size system"),
    Field("size", "item_size", "size", "size"),
    Field("patterns", "item_patterns", "patterns", "patterns"),
    Field("materials", "item_materials", "materials", "materials"),
    Field("product_types", "item_product_types", "product_types", "product types, most general first"),
    Field("domains", "item_domains", "domains", "host of the product's page"),
    Field("links", "item_links", "links", "address of the product's page"),
    Field("gpt", "item_gpt", "gpt", "category path of the product"),
    Field("canonical_desc", "canonical_desc", "canonical_desc", "a pin's title and description; what all merchants say of a product"),
    Field("board_title", "board_title", "board_title", "titles of the boards that hold it, best first"),
    Field("navboost_v2", "navboost_v2", "navboost_v2", "public queries that led to it, best first"),
    Field("domain", "domain", "domain", "host of the linked page"),
    Field("image_caption", "image_caption", "image_caption_feat", "a model's words for the image, of a product for all of them"),
)
NAMES = tuple(field.name for field in FIELDS)
VECTORS = ("graphs", "item", "visuals")

ENTITY_INPUTS = Table(
    name="features.entity_inputs",
    kind=CHANGES,
    doc="What the joint embedding reads of a pin or product: nineteen fields of text, and embeddings that exist already.",
    key=("entity_type", "entity_id"),
    columns=(
        Column("entity_type", "string", "pin or product", required=True, allowed=KINDS),
        Column("entity_id", "string", "the entity", required=True),
        *(Column(field.name, "string", f"{field.doc}; null where there is none") for field in FIELDS),
        Column("graphs", "binary", "pinsage of a pin, or of a product's images: of each 256 little-endian fp16, one behind another"),
        Column("item", "binary", "itemsage of the product, a shopping pin's or itself: 256 little-endian fp16"),
        Column("visuals", "binary", "visual embeddings of the images, main one first: 1024 bits of each, most significant first"),
        Column("input_hash", "string", "sha256 over fields and embeddings, hex", pattern="^[0-9a-f]{64}$"),
    ),
)

VOCABULARY = Table(
    name="features.vocabulary",
    kind=DAILY,
    doc="Tokens that the joint embedding knows: the most frequent ones in the fields of all pins and products that live on the day.",
    key=("gram", "token"),
    columns=(
        Column("gram", "string", "trigram of characters, word or pair of words", required=True, allowed=GRAMS),
        Column("token", "string", "the token, as the fields are cut; a pair is joined by #", required=True, minimum=1),
        Column("n", "bigint", "how often it comes", required=True, minimum=1),
        Column("idx", "bigint", "its number among those of its kind, from 0, the most frequent first", required=True, minimum=0),
    ),
)

HEAD_QUERIES = Table(
    name="features.head_queries",
    kind=CHANGES,
    doc="Queries whose vectors are made beforehand: public, and asked in the last 30 days.",
    key=("query",),
    columns=(
        Column("query", "string", "normalised query", required=True),
        Column("input_hash", "string", "sha256 over the query, hex", pattern="^[0-9a-f]{64}$"),
    ),
)

_VECTOR = (
    Column("vector", "binary", "of length 1, fp16, little-endian; `vector_of(vector)` in SQL is array<float>"),
    Column("input_hash", "string", "what was read, hex", pattern="^[0-9a-f]{64}$"),
    Column("model_revision", "string", "which joint embedding made it", pattern="^[0-9a-f]{16}$"),
)


_MOVED = "if(was.model_revision = model_revision, dot_of(vector, was.vector), null)"
_LENGTH = Rule(
    "length", "have a vector that is not finite or not of length 1", "vector is not null and not abs(dot_of(vector, vector) - 1) <= 0.01"
)


def _vectors(name: str, key: str, what: str) -> Table:
    """A table of vectors, of which those that change stay near those that they were while the model stays the same."""
    drift = Watch("moved", "mean cosine of vectors that changed with those that they were, of the same model", _MOVED, 0.1, least=0.5)
    return Table(
        name=f"embeddings.{name}",
        kind=CHANGES,
        doc=f"The vector of every {what} in the joint space, by the revision that counts.",
        key=(key,),
        columns=(Column(key, "string", what, required=True), *_VECTOR),
        rules=(_LENGTH,),
        watches=(Watch("rows", "vectors that changed", None, 10.0, critical=False), drift),
        was=("vector", "model_revision"),
    )


PINS = _vectors("pins", "pin_id", "pin")
PRODUCTS = _vectors("products", "product_id", "product")
QUERIES = _vectors("queries", "query", "public query that was asked in the last 30 days")

TABLES = (ENTITY_INPUTS, VOCABULARY, HEAD_QUERIES, PINS, PRODUCTS, QUERIES)
