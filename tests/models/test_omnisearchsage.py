"""The networks of the joint embedding: what they read, against plain sums, and that a folder gives back what was saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from models.bags import Vocabulary
from models.encoder import Encoder
from models.omnisearchsage import EXISTING, EntityEncoder, HashedBags, OmniSearchSage, Shape, entities
from models.specs import ModelError
from schemas.embeddings import BITS, NAMES, VECTORS, WIDTH
from tests.models.folders import encoder

VOCABULARY = Vocabulary({"char_trigram": ["#re", "red", "木🔥#"], "unigram": ["red", "vase"], "bigram": ["red#vase"]})


def columns(rows: int, **given: list[object]) -> dict[str, pa.Array]:
    """NAMES and VECTORS with what is given, all else null."""
    kinds = dict.fromkeys(NAMES, pa.string()) | dict.fromkeys(VECTORS, pa.binary())
    return {name: pa.array(given.get(name, [None] * rows), kind) for name, kind in kinds.items()}


def test_bags_are_weighed_sums_of_hashed_rows() -> None:
    bags = HashedBags(vocabulary=5, table=7, width=4, hashes=2)
    ids, offsets = torch.tensor([0, 3, 3, 4]), torch.tensor([0, 1, 1])
    found = bags(ids, offsets)
    a, b = bags.factors.tolist()
    for place, bag in enumerate(([0], [], [3, 3, 4])):
        total = torch.zeros(4)
        for one in bag:
            for n in range(2):
                row = (one * a[n] + b[n]) % ((1 << 31) - 1) % 7
                total = total + bags.importance.weight[one, n] * bags.table.weight[row]
        assert torch.allclose(found[place], bags.norm(total), atol=1e-5)


def test_an_entity_is_its_fields_one_behind_another_and_the_mean_of_its_vectors() -> None:
    two = np.stack([np.full(WIDTH, 1.0), np.full(WIDTH, 3.0)]).astype("<f2").tobytes()
    bits = bytes([0b10000000] + [0] * (BITS // 8 - 1))
    given = columns(
        2,
        title=["red vase", None],
        navboost_v2=["red", "vase"],
        graphs=[two, None],
        item=[None, two[: WIDTH * 2]],
        visuals=[None, bits + bits],
    )
    some = entities(VOCABULARY, given)
    assert len(some) == 2
    assert some.bags.offsets.shape == (2 * len(NAMES),)
    place = {(row, name): row * len(NAMES) + n for row in range(2) for n, name in enumerate(NAMES)}
    ends = [*some.bags.offsets[1:], len(some.bags.ids)]

    def bag(row: int, name: str) -> list[int]:
        at = place[row, name]
        return some.bags.ids[some.bags.offsets[at] : ends[at]].tolist()

    assert bag(0, "title") == [0, 1, 3, 4, 5]
    assert (bag(0, "navboost_v2"), bag(1, "navboost_v2"), bag(1, "title")) == ([0, 1, 3], [4], [])
    graphs, item, visuals = np.split(some.existing, np.cumsum(list(EXISTING.values()))[:-1], axis=1)
    assert (graphs[0].tolist(), graphs[1].any()) == ([1.0] * WIDTH, False), "the mean, of the length of as many ones"
    assert (item[0].any(), item[1].tolist()) == (False, [1.0] * WIDTH)
    assert (visuals[0].any(), visuals[1, 0], set(visuals[1, 1:].tolist())) == (False, 1.0, {-1.0})
    with pytest.raises(ValueError, match="vectors of 256 numbers are wanted"):
        entities(VOCABULARY, columns(1, item=[two[:100]]))
    assert len(entities(VOCABULARY, columns(0))) == 0
    turned = some.taken(np.array([1, 0, 1]))
    alone = entities(VOCABULARY, {name: column.take(pa.array([1, 0, 1])) for name, column in given.items()})
    assert turned.bags.ids.tolist() == alone.bags.ids.tolist()
    assert turned.bags.offsets.tolist() == alone.bags.offsets.tolist()
    assert (turned.existing == alone.existing).all()
    assert len(some.taken(np.zeros(0, np.int64))) == 0


def test_an_entity_without_anything_has_a_vector_too() -> None:
    torch.manual_seed(1)
    tower = EntityEncoder(Shape(len(VOCABULARY), states=8, table=50, width=16, hidden=8)).eval()
    found = tower(*entities(VOCABULARY, columns(3, title=[None, "red", "unknown"])).tensors())
    assert found.shape == (3, 16)
    assert torch.allclose(found.norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose(found[0], found[2]), "words that are not in the vocabulary are left out"
    assert not torch.allclose(found[0], found[1])


def test_a_folder_gives_back_what_was_saved(tmp_path: Path) -> None:
    base = encoder(tmp_path / "base", "cls")
    model = OmniSearchSage.fresh(Encoder.loaded(base), VOCABULARY, seed=3, table=50, width=16, hidden=8)
    for tower in (model.query, model.entity):
        tower.eval()
    model.save(tmp_path / "saved", base)
    again = OmniSearchSage.loaded(tmp_path / "saved")
    assert again.vocabulary == VOCABULARY
    some = entities(again.vocabulary, columns(2, title=["red vase", "vase"]))
    assert again.of_entities(some) == pytest.approx(model.of_entities(some), abs=1e-6)
    queries = again.of_queries(["red vase", "a longer query"])
    assert queries == pytest.approx(model.of_queries(["red vase", "a longer query"]), abs=1e-6)
    assert np.linalg.norm(queries, axis=1) == pytest.approx(np.ones(2), abs=1e-5)
    with pytest.raises(ModelError, match="holds no joint embedding"):
        OmniSearchSage.loaded(base)
