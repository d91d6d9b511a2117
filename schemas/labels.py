"""Pairs that a teacher is asked about, and what it says of them."""

from schemas.contract import DAILY, PRECISIONS, Column, Rule, Table, Watch
from schemas.texts import PRODUCT_SOURCES, SOURCES

REQUEST_KEY = Column("request_key", "string", "sha256 over query, entity_type and entity_id, hex", required=True, pattern="^[0-9a-f]{64}$")

CANDIDATES = Table(
    name="labels.candidates",
    kind=DAILY,
    doc="Pairs of a public query and an entity, sampled from the day's searches by popularity, language and position; impressions count.",
    key=("request_key",),
    columns=(
        REQUEST_KEY,
        Column("query", "string", "normalised query, public on that day", required=True),
        Column("entity_type", "string", "what was shown", required=True, allowed=("pin", "product")),
        Column("entity_id", "string", "the entity", required=True),
        Column("language", "string", "ISO 639-1 code that most of the requests had; null where none had one"),
        Column("position", "int", "best place in the result lists, from 1; null where unknown", minimum=1),
        Column(
            "events",
            "bigint",
            "impressions and actions of the pair on that day; 0 where no searches are connected",
            required=True,
            minimum=0,
        ),
        Column("stratum", "string", "`popularity/language/position`, or `formed/words` and `formed/any` without searches", required=True),
        Column("text", "string", "labelled lines of the entity's sources on that day, as a model reads them", required=True, minimum=1),
        Column("sources", "array<string>", "which sources are in the text, in its order", allowed=(*SOURCES, *PRODUCT_SOURCES)),
        Column(
            "input_hash", "string", "sha256 over query and text, hex: what the teacher is asked by", required=True, pattern="^[0-9a-f]{64}$"
        ),
        Column(
            "probability", "double", "chance that the pair was sampled, among all pairs of the day", required=True, minimum=0, maximum=1
        ),
    ),
    watches=(Watch("rows", "candidates", None, 4.0),),
)

TEACHER_SCORES = Table(
    name="labels.teacher_scores",
    kind=DAILY,
    doc="Soft labels: what the teacher that counts says of every candidate of the day.",
    key=("request_key",),
    columns=(
        REQUEST_KEY,
        *(CANDIDATES.column(name) for name in ("query", "entity_type", "entity_id", "language", "stratum", "probability", "input_hash")),
        Column("probabilities", "array<float>", "of the grades 1 .. 5", required=True, minimum=5, maximum=5),
        Column("grade", "int", "the most probable grade, the lowest of equals", required=True, minimum=1, maximum=5),
        Column("expected_grade", "double", "mean of the grades by their probabilities", required=True, minimum=1, maximum=5),
        Column("entropy", "double", "of the probabilities, in nats", required=True, minimum=0),
        Column("model_revision", "string", "which teacher said it, and how it was asked", required=True),
        Column("precision", "string", "numbers that it ran with", required=True, allowed=PRECISIONS),
    ),
    rules=(
        Rule("sum", "have probabilities that do not sum to 1", "abs(aggregate(probabilities, 0D, (sum, p) -> sum + p) - 1) > 0.001"),
        Rule("grade", "have a grade that is not the most probable one", "probabilities[grade - 1] < array_max(probabilities)"),
        Rule(
            "expected_grade",
            "have an expected_grade that is not the mean of their grades",
            "abs(aggregate(transform(probabilities, (p, n) -> p * (n + 1)), 0D, (sum, p) -> sum + p) - expected_grade) > 0.01",
        ),
    ),
    watches=(
        Watch("rows", "scores", None, 4.0),
        Watch("expected_grade", "mean expected grade", "expected_grade", 0.5),
        Watch("entropy", "mean entropy", "entropy", 0.4),
        *(Watch(f"grade_{grade}", f"share of grade {grade}", f"cast(grade = {grade} as double)", 0.25) for grade in range(1, 6)),
    ),
)

TABLES = (CANDIDATES, TEACHER_SCORES)
