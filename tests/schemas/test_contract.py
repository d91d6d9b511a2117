"""Contracts refuse bad keys when they are made."""

from __future__ import annotations

import pytest

from schemas import catalog, signals
from schemas.contract import CHANGES, DAILY, Column, Table

PIN = Column("pin_id", "string", "pin", required=True)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: Column("Pin", "string", "pin"), "column name 'Pin'"),
        (lambda: Column("pin", "varchar", "pin"), "'varchar' is not a DDL type"),
        (lambda: Column("pin", "string", ""), "says what it means"),
        (lambda: Column("n", "int", "n", allowed=("1",)), "allowed values and patterns are for strings"),
        (lambda: Column("n", "string", "n", pattern="("), "unterminated subpattern"),
        (lambda: Table("pins", DAILY, "d", ("pin_id",), (PIN,)), "must be layer.table"),
        (lambda: Table("a.b", DAILY, "d", ("other",), (PIN,)), "key column other must be a required column"),
        (lambda: Table("a.b", DAILY, "d", ("x",), (Column("x", "string", "x"),)), "key column x must be a required column"),
        (lambda: Table("a.b", DAILY, "d", (), (PIN,)), "a key names each of its columns once"),
        (lambda: Table("a.b", DAILY, "d", ("pin_id", "pin_id"), (PIN,)), "a key names each of its columns once"),
        (lambda: Table("a.b", CHANGES, "d", ("pin_id",), (PIN, Column("deleted", "boolean", "x"))), "reserved by its kind: deleted"),
        (lambda: Table("a.b", DAILY, "d", ("pin_id",), (PIN, PIN)), "columns named twice"),
        (lambda: Table("a.b", DAILY, "", ("pin_id",), (PIN,)), "says what it is"),
        (lambda: catalog.by_name((signals.LINK_TEXTS, signals.LINK_TEXTS)), "two tables are named signals.link_texts"),
    ],
)
def test_a_bad_contract_is_refused_when_it_is_made(made, says):
    with pytest.raises(Exception, match=says.replace("(", r"\(")):
        made()


def test_the_kind_adds_its_columns():
    table = Table("a.b", CHANGES, "d", ("pin_id",), (PIN, Column("title", "string", "t")))
    assert [c.name for c in table.fields] == ["ds", "pin_id", "title", "deleted", "changed"]
    assert table.values == ("title",)
    assert table.ddl == "ds string, pin_id string, title string, deleted boolean, changed boolean"


def test_every_table_of_the_catalogue_has_its_own_name_and_a_layer_of_the_design():
    names = list(catalog.by_name())
    assert len(names) == len(catalog.TABLES) >= 20
    assert {name.split(".")[0] for name in names} <= {
        "raw",
        "state",
        "signals",
        "answers",
        "embeddings",
        "features",
        "texts",
        "evaluation",
        "labels",
        "ops",
        "sample",
        "training",
    }
