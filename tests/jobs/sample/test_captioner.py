from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from jobs.errors import UsageError
from jobs.sample import captioner
from jobs.sample.vocabulary import COLORS, OBJECTS, STYLES
from models.captioning import Captioner
from models.generation import Generation
from models.store import ModelStore

MOST_BYTES = 2_000_000


def test_a_caption_names_colour_style_and_object() -> None:
    assert captioner.caption("vase", "red", "striped") == "a red striped vase"
    assert captioner.caption("boat", "orange", "plain") == "an orange plain boat"


def test_held_out_images_are_every_combination_once_and_none_was_trained_on() -> None:
    assert {captioner.shown(n) for n in range(captioner.HELD_OUT)} == {(o, c, s) for o in OBJECTS for c in COLORS for s in STYLES}
    assert captioner.shown(0) == captioner.shown(captioner.HELD_OUT) == ("vase", "red", "plain")
    assert np.array_equal(captioner.drawn(5, 17), captioner.drawn(5, 17))
    first, again, other = (captioner.drawn(*key) for key in ((5, 17), (5, 17 + captioner.HELD_OUT), (6, 17)))
    assert not np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_batches_hold_every_image_once_in_an_order_of_the_seed() -> None:
    said = [caption for _, captions in captioner.pairs(5, 1152) for caption in captions]
    assert sorted(said) == sorted(captioner.caption(*captioner.shown(n)) for n in range(1152))
    assert said == [caption for _, captions in captioner.pairs(5, 1152) for caption in captions]
    assert said != [caption for _, captions in captioner.pairs(6, 1152) for caption in captions]


def test_a_training_writes_a_folder_with_its_card_says_how_long_it_takes_and_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A model that has learnt nothing does not end its captions: all held-out images would take a minute.
    monkeypatch.setattr(captioner, "HELD_OUT", 36)
    folder, lines = tmp_path / "model", list[str]()
    found = captioner.train(folder, 64, 5, lines.append)
    assert lines[-1].startswith("step 2/2, loss ")
    assert lines[-1].endswith("about 0 s left")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (found["images"], found["held_out"]) == (64, 36)
    assert found["bytes"] == sum(file.stat().st_size for file in folder.iterdir()) < MOST_BYTES
    card = (folder / "README.md").read_text()
    assert f"| object | {found['object']:.3f} | {found['shuffled']['object']:.3f} |" in card
    assert "64 drawings of seed 5" in card
    with pytest.raises(UsageError, match="holds files already"):
        captioner.train(folder, 64, 5, lines.append)


def test_the_shipped_captioner_names_what_unseen_drawings_show_and_its_captions_fit_no_other_drawings(tmp_path: Path) -> None:
    stored = ModelStore(tmp_path).resolved("shipped:captioner")
    assert sum(file.stat().st_size for file in stored.folder.iterdir()) < MOST_BYTES
    model = Captioner.loaded(stored.folder, Generation(), dtype=torch.float32)
    numbers = range(0, captioner.HELD_OUT, 5)
    said = model.captions(model.inputs([captioner.drawn(99, number) for number in numbers]))
    words = [set(caption.split()) for caption in said]
    others = np.random.default_rng(1).permutation(len(words))
    for place, (part, least) in enumerate({"object": 0.9, "color": 0.95, "style": 0.95}.items()):
        truth = [captioner.shown(number)[place] for number in numbers]
        right = np.mean([name in named for name, named in zip(truth, words, strict=True)])
        dealt = np.mean([name in named for name, named in zip(truth, (words[n] for n in others), strict=True)])
        assert right >= least, f"{part}: {right}"
        assert dealt < 0.5, f"{part} by chance: {dealt}"


@pytest.mark.parametrize("seed", [1, 2])
def test_shares_of_a_captioner_that_always_says_one_thing_are_those_of_chance(seed: int) -> None:
    class Stubborn:
        def inputs(self, images: list[object]) -> int:
            return len(images)

        def captions(self, inputs: int) -> list[str]:
            return ["a red striped vase"] * inputs

    found = captioner.named(Stubborn(), seed)  # type: ignore[arg-type]
    assert (found["object"], found["color"], found["style"]) == (round(1 / 36, 4), 1 / 8, 1 / 4)
    assert found["shuffled"] == {part: found[part] for part in captioner.PARTS}
