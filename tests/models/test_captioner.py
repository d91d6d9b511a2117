from __future__ import annotations

from itertools import cycle, repeat
from pathlib import Path

import numpy as np
import pytest
import torch

from models import captioner
from models.captioning import Captioner
from models.generation import Generation

SHAPES = ("red bar", "blue bar", "red post", "blue post")


def image(name: str, place: int) -> captioner.Pixels:
    """A bar (lying) or a post (standing) of a colour, somewhere on a pale ground."""
    pixels = np.full((60, 60, 3), 235, np.uint8)
    color, shape = name.split()
    box = (slice(place, place + 10), slice(5, 55)) if shape == "bar" else (slice(5, 55), slice(place, place + 10))
    pixels[box] = (206, 32, 38) if color == "red" else (34, 86, 196)
    return pixels


def test_a_captioner_learns_words_from_pixels_and_says_them_out_of_its_folder(tmp_path: Path) -> None:
    preprocessing = captioner.Preprocessing("a red blue bar post".split())
    model = captioner.untrained(preprocessing.tokenizer, 3)
    places = range(10, 40, 2)
    batches = cycle([([image(name, place) for name in SHAPES], [f"a {name}" for name in SHAPES]) for place in places])
    losses: list[float] = []
    captioner.learn(model, preprocessing, batches, 60, lambda step, loss: losses.append(loss))
    assert len(losses) == 60
    captioner.save(tmp_path / "model", model, preprocessing)
    loaded = Captioner.loaded(tmp_path / "model", Generation(), dtype=torch.float32)
    unseen = [image(name, 25) for name in SHAPES]
    assert loaded.captions(loaded.inputs(unseen)) == [f"a {name}" for name in SHAPES]


def test_the_same_seed_and_images_give_the_same_bytes(tmp_path: Path) -> None:
    preprocessing = captioner.Preprocessing(["red", "bar"])
    states = []
    for place, seed in enumerate((3, 3, 4)):
        model = captioner.untrained(preprocessing.tokenizer, seed)
        captioner.learn(model, preprocessing, repeat(([image("red bar", 9)], ["red bar"])), 2, lambda step, loss: None)
        captioner.save(tmp_path / str(place), model, preprocessing)
        states.append({file.name: file.read_bytes() for file in (tmp_path / str(place)).iterdir()})
    assert states[0] == states[1]
    assert states[0]["model.safetensors"] != states[2]["model.safetensors"]


def test_captions_become_whole_words_in_lower_case_and_padding_is_not_learnt() -> None:
    preprocessing = captioner.Preprocessing("a red bar red".split())
    found = preprocessing.batch([image("red bar", 9), image("red post", 30)], ["A RED bar", "post"])
    # 0 to 3 are special: padding, start, end, unknown.
    assert found["labels"].tolist() == [[4, 5, 6, 2], [3, 2, -100, -100]]
    assert found["pixel_values"].shape == (2, 3, captioner.SIDE, captioner.SIDE)
    assert preprocessing.tokenizer.decode([1, 4, 5, 6, 2, 0], skip_special_tokens=True) == "a red bar"


@pytest.mark.parametrize("steps", [1, 2, 50, 1000])
def test_the_rate_rises_to_its_peak_and_ends_at_zero(steps: int) -> None:
    rates = [captioner.rate(step, steps) for step in range(1, steps + 1)]
    peak = rates.index(max(rates))
    assert max(rates) == 1
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] == pytest.approx(0 if steps > 1 else 1, abs=1e-9)
