"""What trainers read: examples with their text as of their day, split by query."""

from schemas.contract import CHANGES, DAILY, Column, Rule, Table, Watch
from schemas.embeddings import ENTITY_INPUTS, NAMES, TASKS, VECTORS
from schemas.features import NUMBERS
from schemas.texts import PRODUCT_SOURCES, SOURCES

SPLITS = ("train", "validation", "test")
_GRADED = ("grade", "level", "level_low", "level_high")

TEACHER_EXAMPLES = Table(
    name="training.teacher_examples",
    kind=DAILY,
    doc="Pairs that people graded, with the text of the entity as of that day; what users did with it counts up to 15 days earlier.",
    key=("example_id",),
    columns=(
        Column("example_id", "string", "sha256 over query, entity_type and entity_id, hex", required=True, pattern="^[0-9a-f]{64}$"),
        Column("query", "string", "query as it was shown to the raters", required=True),
        Column("entity_type", "string", "what was graded", required=True, allowed=("pin", "product")),
        Column("entity_id", "string", "the entity", required=True),
        Column("language", "string", "ISO 639-1 code of the entity's author; null where unknown, and for products"),
        Column("text", "string", "labelled lines of the entity's sources, as a model reads them", required=True, minimum=1),
        Column("text_hash", "string", "sha256 of `text`, hex", required=True, pattern="^[0-9a-f]{64}$"),
        Column("sources", "array<string>", "which sources are in the text, in its order", allowed=(*SOURCES, *PRODUCT_SOURCES)),
        Column(
            "target",
            "array<double>",
            "probabilities of the grades 1 .. 5, from the raters' mean and spread",
            required=True,
            minimum=5,
            maximum=5,
        ),
        Column("grade", "int", "the raters' median, the lower one of two; null where an aggregate does not tell", minimum=1, maximum=5),
        Column("mean", "double", "the centre of the target on the scale of grades", required=True, minimum=1, maximum=5),
        Column("spread", "double", "the raters' standard deviation, in grades; null where unknown", minimum=0),
        Column("raters", "int", "raters who knew a grade; null where an aggregate does not tell", minimum=1),
        Column(
            "agreement",
            "double",
            "share of pairs of raters who gave one grade; null for one rater and for aggregates",
            minimum=0,
            maximum=1,
        ),
        Column("level_low", "int", "lowest level of the raters' own scale", required=True),
        Column("level_high", "int", "highest level of the raters' own scale", required=True),
        Column("level", "double", "the raters' mean or median on their own scale", required=True),
        Column("split", "string", "by the hash of the normalised query", required=True, allowed=SPLITS),
    ),
)

TRAINED = (
    Column("model", "string", "what the model is promoted as", required=True),
    Column("content_hash", "string", "sha256 over the names and bytes of its files, hex", required=True, pattern="^[0-9a-f]{64}$"),
    Column("spec", "string", "where its folder lies", required=True),
    Column("training_key", "string", "hash over rows, parameters and the models it starts from", required=True),
    Column("starts_from", "map<string,string>", "sha256 over the files of the models that it starts from, by their part in it"),
    Column("rows", "map<string,bigint>", "how many rows it was trained on, by split"),
    Column("params", "string", "how it was trained, as JSON"),
)
"""Columns of every table of trained models."""

TEACHERS = Table(
    name="training.teachers",
    kind=DAILY,
    doc="The teacher that came of the human labels up to the day; ops.models says which of them counts.",
    key=("model",),
    columns=TRAINED,
)

STUDENT_EXAMPLES = Table(
    name="training.student_examples",
    kind=DAILY,
    doc="Labelled pairs with all that a student reads, as of the day of the label; what users did counts up to 15 days earlier.",
    key=("example_id",),
    columns=(
        Column(
            "example_id",
            "string",
            "sha256 over who labelled, query, entity_type and entity_id, hex",
            required=True,
            pattern="^[0-9a-f]{64}$",
        ),
        Column("labelled_by", "string", "a teacher, or people", required=True, allowed=("teacher", "human")),
        Column("model_revision", "string", "which teacher, and how it was asked; null where people graded"),
        *(TEACHER_EXAMPLES.column(name) for name in ("query", "entity_type", "entity_id", "language", "text", "sources", "target")),
        *(Column(c.name, c.type, f"{c.doc}; null where a teacher labelled") for c in map(TEACHER_EXAMPLES.column, _GRADED)),
        Column("weight", "double", "1 over the chance that the pair had to be sampled; 1 where people graded", required=True, minimum=0),
        TEACHER_EXAMPLES.column("split"),
        Column(
            "numbers",
            "array<float>",
            f"null where unknown: {', '.join(NUMBERS)}",
            required=True,
            minimum=len(NUMBERS),
            maximum=len(NUMBERS),
        ),
        Column("query_vector", "array<float>", "of the query, by the encoder that counts; null where it was not asked"),
        Column("text_vector", "array<float>", "of `text`, likewise"),
        Column("graph_vector", "array<float>", "pinsage of a pin, itemsage of a product; null where there is none"),
    ),
    rules=(
        Rule("sum", "have a target that does not sum to 1", "abs(aggregate(target, 0D, (sum, p) -> sum + p) - 1) > 0.001"),
        Rule(
            "labelled_by",
            "name a teacher where people graded, or none where one did",
            "(labelled_by = 'teacher') <> (model_revision is not null)",
        ),
        Rule("weight", "have a weight below 1, which no chance gives", "weight < 1"),
    ),
    versions_days=180,  # trainers name a version, and repeat what they trained
    watches=(
        Watch("rows", "examples", None, 4.0, critical=False),
        Watch("by_people", "share that people graded", "cast(labelled_by = 'human' as double)", 0.3, critical=False),
    ),
)

STUDENTS = Table(
    name="training.students",
    kind=DAILY,
    doc="The student that came of the labels up to the day; ops.models says which of them counts.",
    key=("model",),
    columns=TRAINED,
)

_EXAMPLE_ID = Column("example_id", "string", "sha256 over task, query and entity, hex", required=True, pattern="^[0-9a-f]{64}$")
_QUERY = Column("query", "string", "normalised query, public on that day", required=True)
_ACTION = Column("action", "string", "the most that people did on that day", required=True)
_INPUTS = tuple(ENTITY_INPUTS.column(name) for name in (*NAMES, *VECTORS, "input_hash"))

EMBEDDING_PAIRS = Table(
    name="training.embedding_pairs",
    kind=CHANGES,
    doc="Which pairs trainers of embeddings were given, each once, and no entity in more than its share; queries as hashes.",
    key=("task", "pair_hash"),
    columns=(
        Column("task", "string", "what learns from it", required=True, allowed=tuple(TASKS)),
        Column("pair_hash", "string", "hash over query and entity", required=True, pattern="^[0-9a-f]{32}$"),
        Column("entity_hash", "string", "hash over the entity, which may be a query", required=True, pattern="^[0-9a-f]{32}$"),
        Column("place", "int", "the how-manieth pair of its entity it is", required=True, minimum=1),
    ),
)


def _pairs_of(name: str, kind: str, doc: str) -> Table:
    return Table(
        name=f"training.{name}",
        kind=DAILY,
        doc=f"{doc}, on the first day; boards and queries as of 15 days earlier, all else as of the day.",
        key=("example_id",),
        columns=(
            _EXAMPLE_ID,
            _QUERY,
            Column("entity_type", "string", kind, required=True, allowed=(kind,)),
            Column("entity_id", "string", f"the {kind}", required=True),
            _ACTION,
            Column("popularity", "bigint", "what people did with it in two years, after all queries", required=True, minimum=0),
            *_INPUTS,
            TEACHER_EXAMPLES.column("split"),
        ),
    )


QUERY_PIN = _pairs_of("query_pin", "pin", "Pins that people saved or stayed on after a query")
QUERY_PRODUCT = _pairs_of("query_product", "product", "Products that people saved, stayed on or bought on site after a query")
QUERY_PRODUCT_OFFSITE = _pairs_of("query_product_offsite", "product", "Products that people took on the merchant's site after a query")
QUERY_QUERY = Table(
    name="training.query_query",
    kind=DAILY,
    doc="Suggested queries that people followed after a query, on the first day; both were public on it.",
    key=("example_id",),
    columns=(
        _EXAMPLE_ID,
        _QUERY,
        Column("cand_query", "string", "the query that was followed", required=True),
        _ACTION,
        QUERY_PIN.column("split"),
    ),
)
RANDOM_NEGATIVES = Table(
    name="training.random_negatives",
    kind=DAILY,
    doc="Pins and products drawn evenly from all that live; boards and queries as of 15 days earlier, all else as of the day.",
    key=("example_id",),
    columns=(
        Column("example_id", "string", "sha256 over entity_type and entity_id, hex", required=True, pattern="^[0-9a-f]{64}$"),
        *(ENTITY_INPUTS.column(name) for name in ("entity_type", "entity_id")),
        *_INPUTS,
    ),
)

EMBEDDERS = Table(
    name="training.embedders",
    kind=DAILY,
    doc="The joint embedding that came of what people engaged with up to the day; ops.models says which of them counts.",
    key=("model",),
    columns=TRAINED,
)

TABLES = (
    TEACHER_EXAMPLES,
    TEACHERS,
    STUDENT_EXAMPLES,
    STUDENTS,
    EMBEDDING_PAIRS,
    QUERY_PIN,
    QUERY_PRODUCT,
    QUERY_PRODUCT_OFFSITE,
    QUERY_QUERY,
    RANDOM_NEGATIVES,
    EMBEDDERS,
)
