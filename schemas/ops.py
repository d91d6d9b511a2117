"""Who wrote what from which versions, and every row that was refused."""

from schemas.contract import OPS, Column, Table

RUNS = Table(
    name="ops.runs",
    kind=OPS,
    doc="One row a publication, read back from commit metadata, which is the truth; and one for a run that found nothing to publish, or "
    "whose rows were refused.",
    key=("run_id", "job", "first_ds"),
    columns=(
        Column("run_id", "string", "run", required=True),
        Column("job", "string", "job, or the command that wrote a raw table", required=True),
        Column("output", "string", "table that was written", required=True),
        Column("first_ds", "string", "first day of the step", required=True),
        Column("last_ds", "string", "last day of the step", required=True),
        Column("version", "bigint", "version of the commit; null where nothing was published"),
        Column("rows", "bigint", "rows built for the days of the step", minimum=0),
        Column("changed", "bigint", "rows written, of the days that differed", minimum=0),
        Column("quarantined", "bigint", "rows refused", minimum=0),
        Column("seconds", "double", "wall time of the step", minimum=0),
        Column("code", "string", "version of the code"),
        Column("started_at", "timestamp", "when the step began, UTC"),
        Column("metadata", "string", "the commit's metadata as JSON: digests by day, fingerprints of the inputs, params"),
        Column(
            "reads",
            "array<struct<input:string,table:string,version:bigint,first_ds:string,last_ds:string,model_revision:string>>",
            "what the rows were made from: each input's table at a version, its days, and of answers the model's revision",
        ),
        Column("unusual", "array<string>", "what of the days was unusual beside the 14 before, and published all the same; a line each"),
        Column("refused", "string", "why nothing was published, where a check or another writer forbade it; private values hashed"),
    ),
)

QUARANTINE = Table(
    name="ops.quarantine",
    kind=OPS,
    doc="Rows that were refused, with the reason; private values are hashed. Only rows of the run that published their day count.",
    key=("run_id", "output", "ds", "row_key", "reason", "row"),
    columns=(
        Column("run_id", "string", "run that refused the row", required=True),
        Column("output", "string", "table the row was meant for", required=True),
        Column("ds", "string", "day", required=True),
        Column("reason", "string", "why it was refused", required=True),
        Column("row_key", "string", "key of the refused row, as JSON; private values hashed", required=True),
        Column("row", "string", "the row as JSON, cut at 4 000 characters; private values hashed", required=True),
    ),
)

MODELS = Table(
    name="ops.models",
    kind=OPS,
    doc="Which revision of a model counts from which day on. A row is never changed; of two of one day the one written later counts.",
    key=("name", "promoted_ds", "promoted_at"),
    columns=(
        Column("name", "string", "what the model is for, such as captioner or encoder", required=True),
        Column("promoted_ds", "string", "first day on which it counts", required=True, pattern=r"^\d{4}-\d{2}-\d{2}$"),
        Column("spec", "string", "where it came from, such as hf:ORG/NAME@REV, path:FOLDER or pypi:PACKAGE==VERSION#MEMBER", required=True),
        Column("content_hash", "string", "sha256 over the names and bytes of its files, hex", required=True, pattern="^[0-9a-f]{64}$"),
        Column("promoted_at", "timestamp", "when the row was written, UTC", required=True),
        Column("metrics", "map<string,double>", "what it was promoted on; null where nobody measured"),
    ),
)

TABLES = (RUNS, QUARANTINE, MODELS)
