from __future__ import annotations

from pathlib import Path

import pytest

from jobs.errors import UsageError
from jobs.imports.mapping import TRANSFORMS, Constant, Source, Transform, load, parsed, shipped
from schemas import raw

LABELS = '[raw.human_labels]\nlabel_id = "id"\nquery = "q"\nentity_type = { constant = "pin" }\nentity_id = "pin"\n'


def test_the_mappings_that_ship_are_valid_and_fill_these_tables() -> None:
    assert {name: [one.table.name for one in load(name).tables] for name in shipped()} == {
        "images": ["raw.images"],
        "link_pages": ["raw.link_pages"],
        "product_relevance": ["raw.product_updates", "raw.human_labels"],
    }


def test_columns_are_filled_from_sources_constants_and_transforms() -> None:
    (one,) = parsed(
        LABELS + 'grade_mean = { constant = 3 }\nscale = { transform = "concat", of = ["a", "b"], separator = "_" }', "mine", "x"
    ).tables
    assert one.table == raw.HUMAN_LABELS
    assert not one.merge_equal
    assert dict(one.columns) == {
        "label_id": Source("id"),
        "query": Source("q"),
        "entity_type": Constant("pin"),
        "entity_id": Source("pin"),
        "grade_mean": Constant(3),
        "scale": Transform("concat", ("a", "b"), "_"),
    }
    assert one.sources() == ("id", "q", "pin", "a", "b")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["no table", "[raw.images]"]),
        ("[", ["is not TOML"]),
        ('[state.pins]\npin_id = "id"', ["unknown key state", "[raw.pin_updates]"]),
        ('[raw.imagess]\nimage_id = "id"', ["unknown table raw.imagess", "raw.images"]),
        ("raw.images = 3", ["raw.images must be a table"]),
        ('[raw.images]\nimage_id = "id"\nwidth = "w"', ["no column width", "allowed: image_id, image, uri"]),
        ('[raw.images]\nimage_id = "id"\nds = "day"', ["no column ds"]),
        ('[raw.images]\nimage_id = "id"\nwritten_by = "me"', ["no column written_by"]),
        ('[raw.images]\nimage = "i"', ["raw.images needs image_id"]),
        ("[raw.images]\nimage_id = 3", ["raw.images.image_id", "{constant = ...}"]),
        ('[raw.images]\nimage_id = { constant = "a", of = ["b"] }', ["raw.images.image_id: must be"]),
        ("[raw.images]\nimage_id = { constant = 3 }", ["the constant 3 does not suit string; give a str"]),
        (LABELS + "grade = { constant = true }", ["the constant True does not suit int"]),
        ('[raw.images]\nimage_id = "a"\nimage = { constant = "x" }', ["constants cannot be of this type"]),
        ('[raw.images]\nimage_id = { transform = "md5", of = ["a"] }', ["unknown transform 'md5'", *TRANSFORMS]),
        ('[raw.images]\nimage_id = { transform = "sha256_id" }', ["sha256_id needs of = [source columns]"]),
        ('[raw.images]\nimage_id = { transform = "sha256_id", of = ["a"], seed = 1 }', ["takes no seed; allowed: transform, of"]),
        ('[raw.images]\nimage_id = "a"\nimage = { transform = "to_utf8_bytes", of = ["a", "b"] }', ["of = [one source column]"]),
        ('[raw.images]\nimage_id = { transform = "to_utf8_bytes", of = "a" }', ["gives binary, the column is string"]),
        (LABELS + 'scale = { transform = "concat", of = "a" }', ["concat needs separator"]),
        ('[raw.images]\n_repeated = "drop"\nimage_id = "a"', ["_repeated is 'drop'; allowed: refuse, merge_equal"]),
    ],
)
def test_a_mistake_is_named_with_its_file_its_key_and_what_is_allowed(text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        parsed(text, "mine", "mine.toml")
    assert str(error.value).startswith("mine.toml: ")
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize(
    "name", ["../link_pages", "link_page", "", "LINK_PAGES", "a/b", "link_pages\x00", "x" * 10_000, "__init__", "'; --"]
)
def test_a_name_that_does_not_ship_is_refused_with_those_that_do(name: str) -> None:
    with pytest.raises(UsageError, match="images, link_pages, product_relevance") as error:
        load(name)
    assert len(str(error.value)) < 400


def test_a_file_is_a_mapping_by_its_own_name(tmp_path: Path) -> None:
    good, bad, odd = tmp_path / "my_images.toml", tmp_path / "My images.toml", tmp_path / "odd.toml"
    for path in (good, bad):
        path.write_text('[raw.images]\nimage_id = "id"\n')
    odd.write_bytes(b"\xff\xfe")
    assert load(str(good)).name == "my_images"
    for path, words in (
        (bad, "the file's name signs the rows"),
        (odd, "is not UTF-8"),
        (tmp_path / "no.toml", "there is no such mapping file"),
    ):
        with pytest.raises(UsageError, match=words):
            load(str(path))
