"""What trainers read: examples with their text as of their day, split by query."""

from schemas.contract import DAILY, Column, Table
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
)

STUDENTS = Table(
    name="training.students",
    kind=DAILY,
    doc="The student that came of the labels up to the day; ops.models says which of them counts.",
    key=("model",),
    columns=TRAINED,
)

TABLES = (TEACHER_EXAMPLES, TEACHERS, STUDENT_EXAMPLES, STUDENTS)
