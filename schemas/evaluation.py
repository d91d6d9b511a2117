"""What was measured: one number a row, with what it is over and what it was made from."""

from schemas.contract import DAILY, Column, Table

METRICS = Table(
    name="evaluation.metrics",
    kind=DAILY,
    doc="What evaluations found as of the day; measuring a data set again replaces what the same evaluation said of it that day.",
    key=("evaluation", "data_set", "slice", "metric"),
    columns=(
        Column("evaluation", "string", "the evaluation, as the command line names it", required=True),
        Column("data_set", "string", "what was measured: a table, or a file's name", required=True),
        Column("slice", "string", "`all`, or a part of the data set such as `language=en`", required=True),
        Column("metric", "string", "what the value is", required=True),
        Column("value", "double", "the value; null where there is nothing to measure"),
        Column("count", "bigint", "how many entities, pairs or queries the value is over", required=True, minimum=0),
        Column("lower", "double", "lower end of the 95 % interval; null where all were measured, not a sample"),
        Column("upper", "double", "upper end of the 95 % interval; null where all were measured, not a sample"),
        Column("model_revisions", "map<string,string>", "revisions of the models that had a part, by model name; null where none had"),
        Column("table_versions", "map<string,bigint>", "versions of the tables that were read, by table name"),
    ),
)

TABLES = (METRICS,)
