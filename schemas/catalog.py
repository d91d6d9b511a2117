"""Every table by name."""

from schemas import answers, embeddings, evaluation, features, labels, ops, raw, sample, signals, state, texts, training
from schemas.contract import Table

TABLES: tuple[Table, ...] = (
    *raw.TABLES,
    *state.TABLES,
    *signals.TABLES,
    *answers.TABLES,
    *texts.TABLES,
    *training.TABLES,
    *labels.TABLES,
    *features.TABLES,
    *embeddings.TABLES,
    *evaluation.TABLES,
    *ops.TABLES,
    *sample.TABLES,
)


def by_name(tables: tuple[Table, ...] = TABLES) -> dict[str, Table]:
    """Tables by `layer.table`; ValueError where two have one name."""
    found: dict[str, Table] = {}
    for table in tables:
        if table.name in found:
            raise ValueError(f"two tables are named {table.name}")
        found[table.name] = table
    return found
