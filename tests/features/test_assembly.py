from __future__ import annotations

import hashlib
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from features.assembly import BUDGETS, LABELS, Assembly, PinAssembly, ProductAssembly, assembled
from schemas import texts
from schemas.contract import Table

KINDS: tuple[tuple[type[Assembly], tuple[str, ...], Table], ...] = (
    (PinAssembly, texts.SOURCES, texts.PINS),
    (ProductAssembly, texts.PRODUCT_SOURCES, texts.PRODUCTS),
)


def pin(spark: SparkSession, **sources: Any) -> DataFrame:
    """One pin with these sources, all others null."""
    columns = [texts.PINS.column(name) for name in texts.SOURCES]
    ddl = ", ".join(f"{column.name} {column.type}" for column in columns)
    return spark.createDataFrame([tuple(sources.get(column.name) for column in columns)], ddl)


def text(frame: DataFrame, params: Assembly, variant: str | None = None) -> tuple[str, list[str]]:
    """The text of the one row, and the sources in it."""
    (row,) = assembled(frame, params, variant).collect()
    assert row.text_hash == hashlib.sha256(row.text.encode()).hexdigest()
    return row.text, row.sources


@pytest.mark.parametrize(("kind", "sources", "table"), KINDS, ids=lambda one: getattr(one, "__name__", ""))
def test_every_source_has_an_order_a_label_a_budget_and_a_family(kind: type[Assembly], sources: tuple[str, ...], table: Table) -> None:
    variants = kind.variants()
    assert sorted(kind().sources) == sorted(sources) == sorted(variants["all"])
    assert {*sources} <= {*LABELS} & {*BUDGETS}
    assert len({LABELS[name] for name in sources}) == len(sources)
    assert {*sources} < {column.name for column in table.columns}


def test_variants_are_each_source_alone_each_left_out_and_the_families_one_after_the_other() -> None:
    found = PinAssembly.variants()
    assert found["only_title"] == ("title",)
    assert found["only_link"] == ("link_title", "link_description")
    assert found["without_caption"] == tuple(name for name in found["all"] if name != "caption")
    assert found["without_title_description"] == ("caption", "link_title", "link_description", "board_titles", "engaged_queries")
    assert {name: members for name, members in found.items() if name.startswith("up_to_")} == {
        "up_to_caption": ("caption",),
        "up_to_title_description": ("caption", "title", "description"),
        "up_to_link": ("caption", "title", "description", "link_title", "link_description"),
        "up_to_board_titles": ("caption", "title", "description", "link_title", "link_description", "board_titles"),
        "up_to_engaged_queries": found["all"],
    }
    assert len(found) == 1 + 2 * (7 + 2) + 5


def test_a_variant_is_assembled_from_the_stored_columns_by_its_name(spark: SparkSession) -> None:
    frame = pin(spark, title="Red chair", caption="a chair", board_titles=["Chairs", "Home"], engaged_queries=["red chair"])
    whole = "title: Red chair\nimage: a chair\nsearches: red chair\nboards: Chairs, Home"
    stored = assembled(frame, PinAssembly())  # as texts.pins holds it: the text of a variant replaces it
    assert text(stored, PinAssembly()) == (whole, ["title", "caption", "engaged_queries", "board_titles"])
    assert text(stored, PinAssembly(), "only_board_titles") == ("boards: Chairs, Home", ["board_titles"])
    assert text(stored, PinAssembly(), "up_to_title_description") == ("title: Red chair\nimage: a chair", ["title", "caption"])
    without = ("title: Red chair\nsearches: red chair\nboards: Chairs, Home", ["title", "engaged_queries", "board_titles"])
    assert text(stored, PinAssembly(), "without_caption") == text(stored, PinAssembly(variant="without_caption")) == without
    assert text(stored, PinAssembly(variant="without_caption"), "all")[0] == whole
    assert text(stored, PinAssembly(), "only_link") == ("", [])


def test_what_does_not_fit_is_cut_from_the_last_sources_and_order_labels_and_budgets_are_parameters(spark: SparkSession) -> None:
    frame = pin(spark, title="one two three four", description="five six seven eight", engaged_queries=["nine ten", "eleven"])
    everything = ["title", "engaged_queries", "description"]
    first = "title: one two three four\nsearches: nine ten, eleven"
    assert text(frame, PinAssembly()) == (f"{first}\ndescription: five six seven eight", everything)
    assert text(frame, PinAssembly(characters=77)) == (f"{first}\ndescription: five six", everything)
    assert text(frame, PinAssembly(characters=len(first))) == (first, everything)
    assert text(frame, PinAssembly(characters=25)) == ("title: one two three four", everything)
    assert text(frame, PinAssembly(budgets={"title": 9, "description": 4}))[0] == (
        "title: one two\nsearches: nine ten, eleven\ndescription: five"
    )
    assert text(frame, PinAssembly(sources=("engaged_queries", "title"), labels={"title": "T"}, characters=40)) == (
        "searches: nine ten, eleven\nT: one two",
        ["engaged_queries", "title"],
    )


def test_lists_of_a_product_are_joined_by_commas(spark: SparkSession) -> None:
    columns = [texts.PRODUCTS.column(name) for name in texts.PRODUCT_SOURCES]
    ddl = ", ".join(f"{column.name} {column.type}" for column in columns)
    row = {column.name: ["x", "y"] if column.type.startswith("array") else f"the {column.name}" for column in columns}
    found, present = text(spark.createDataFrame([tuple(row.values())], ddl), ProductAssembly())
    assert found.split("\n")[:5] == ["title: the title", "brand: the brand", "type: x, y", "category: the category", "color: x, y"]
    assert present == list(ProductAssembly().sources)


def test_parameters_that_make_no_sense_are_refused() -> None:
    for given, message in (
        ({"sources": ("title", "titel")}, "unknown sources titel; known: caption, title"),
        ({"budgets": {"brand": 3}}, "unknown sources brand"),
        ({"labels": {"headline": "x"}}, "unknown sources headline"),
        ({"sources": ("title", "title")}, "each source once"),
        ({"sources": ()}, "at least one"),
        ({"budgets": {"title": 0}}, "at least 1"),
        ({"characters": 0}, "at least 1"),
        ({"variant": "without_brand"}, "unknown variant without_brand; known: all, only_caption"),
        ({"sources": ("title",), "variant": "only_caption"}, "variant only_caption leaves none of the sources title"),
    ):
        with pytest.raises(ValueError, match=message):
            PinAssembly(**given)
