"""docs/tables.md is what the contracts say."""

from __future__ import annotations

from pathlib import Path

from jobs.describing import described, tables_page
from schemas import catalog

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"


def test_the_page_of_tables_is_the_one_that_the_contracts_make():
    assert PAGE.read_text() == tables_page(), "run: .venv/bin/python -m jobs.describing > docs/tables.md"


def test_every_table_can_be_described():
    for table in catalog.TABLES:
        found, facts = described(table.name)
        assert found is table
        assert [c["name"] for c in facts["columns"]] == [c.name for c in table.fields]
