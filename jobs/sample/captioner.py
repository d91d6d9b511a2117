"""How the shipped captioner is trained: drawings of the sample lake and what they show, and how much of held-out ones it names."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from jobs.errors import UsageError
from jobs.sample.vocabulary import COLORS, OBJECTS, STYLES
from models import captioner
from models.captioning import Captioner
from models.generation import Generation
from udfs.sample_shapes import picture

BATCH = 32
HELD_OUT = len(OBJECTS) * len(COLORS) * len(STYLES)
"""Held-out images: every object in every colour and style once."""
PARTS = {"object": OBJECTS, "color": COLORS, "style": STYLES}
_ARTICLES = ("a", "an")
_TOLD_SECONDS = 5.0

Say = Callable[[str], None]


def caption(thing: str, color: str, style: str) -> str:
    """What a drawing shows, in English: `a red striped vase`."""
    return f"{_ARTICLES[color[0] in 'aeiou']} {color} {style} {thing}"


def shown(number: int) -> tuple[str, str, str]:
    """Object, colour and style of image `number`: as pins do, the objects take turns, then the colours, then the styles."""
    turn = number // len(OBJECTS)
    return OBJECTS[number % len(OBJECTS)], COLORS[turn % len(COLORS)], STYLES[turn // len(COLORS) % len(STYLES)]


def drawn(seed: int, number: int) -> captioner.Pixels:
    """Image `number` of a seed as the sample lake draws and stores it, decoded: (height, width, 3) of uint8."""
    draw = int.from_bytes(hashlib.sha256(f"{seed}:{number}".encode()).digest()[:8], "big")
    return np.asarray(Image.open(io.BytesIO(picture(*shown(number), draw))).convert("RGB"))


def pairs(seed: int, images: int) -> Iterator[tuple[list[captioner.Pixels], list[str]]]:
    """Batches of images and their captions, every image once, in an order that only depends on the seed."""
    order = np.random.default_rng(seed).permutation(images)
    for start in range(0, images - BATCH + 1, BATCH):
        numbers = [int(number) for number in order[start : start + BATCH]]
        yield [drawn(seed, number) for number in numbers], [caption(*shown(number)) for number in numbers]


def train(folder: Path, images: int, seed: int, say: Say) -> dict[str, Any]:
    """Trains a captioner, writes its folder with a model card, and returns what it names of held-out images.

    The same arguments give the same bytes on the same machine. Held-out images are those of the next seed: none was trained on.
    UsageError where the folder holds files already.
    """
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} holds files already: name a new folder, or remove them")
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    preprocessing = captioner.Preprocessing([*_ARTICLES, *COLORS, *STYLES, *OBJECTS])
    model = captioner.untrained(preprocessing.tokenizer, seed)
    steps = images // BATCH
    captioner.learn(model, preprocessing, pairs(seed, images), steps, _progress(steps, say))
    unfinished = folder.with_name(f"{folder.name}.unfinished-{os.getpid()}")
    captioner.save(unfinished, model, preprocessing)
    found = named(Captioner.loaded(unfinished, Generation(), dtype=torch.float32), seed + 1)
    facts = {"images": images, "seed": seed, "weights": sum(weight.numel() for weight in model.parameters()), **found}
    (unfinished / "README.md").write_text(card(facts), encoding="utf-8")
    unfinished.rename(folder)
    return {"folder": str(folder), "bytes": sum(file.stat().st_size for file in folder.iterdir()), **facts}


def named(model: Captioner, seed: int) -> dict[str, Any]:
    """The shares of a seed's images whose caption names the object, colour and style, and of the same captions dealt to other images."""
    said: list[set[str]] = []
    for start in range(0, HELD_OUT, BATCH):
        batch = [drawn(seed, number) for number in range(start, min(start + BATCH, HELD_OUT))]
        said += [set(words.split()) for words in model.captions(model.inputs(batch))]
    dealt = np.random.default_rng(seed).permutation(HELD_OUT)
    truth = [dict(zip(PARTS, shown(number), strict=True)) for number in range(HELD_OUT)]
    return {
        "held_out": HELD_OUT,
        **{part: _share(truth[n][part] in said[n] for n in range(HELD_OUT)) for part in PARTS},
        "shuffled": {part: _share(truth[n][part] in said[dealt[n]] for n in range(HELD_OUT)) for part in PARTS},
    }


def card(facts: dict[str, Any]) -> str:
    """The model card: what it is, what it was trained on, what it names."""
    shuffled = facts["shuffled"]
    rows = "\n".join(f"| {part} | {facts[part]:.3f} | {shuffled[part]:.3f} |" for part in PARTS)
    return f"""---
language: en
pipeline_tag: image-to-text
library_name: transformers
---
# The captioner of pinlake's sample lake

A {captioner.NAME}
of {facts["weights"]:,} weights, trained from random ones by `pinlake train captioner`, from pixels of drawings only.
It says what a drawing of a pinlake sample lake shows, in English, such as `a red striped vase`:
{len(OBJECTS)} objects, {len(COLORS)} colours, {len(STYLES)} styles. It knows nothing else.
Of a photograph it says one of these {HELD_OUT:,} captions too, and means nothing by it.

Trained on {facts["images"]:,} drawings of seed {facts["seed"]}, each seen once. Measured on {facts["held_out"]:,} drawings of seed
{facts["seed"] + 1}, every combination once, greedily. Shuffled: the same captions dealt to other images.

| named | share | shuffled |
|---|---|---|
{rows}

Licence: that of pinlake, whose code makes all drawings; no picture, text or weight of others went in.
"""


def _progress(steps: int, say: Say) -> Callable[[int, float], None]:
    """Says every few seconds how far the training is, and about how long it goes on."""
    started = told = time.monotonic()

    def step(number: int, loss: float) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told < _TOLD_SECONDS and number < steps:
            return
        told = now
        left = (now - started) / number * (steps - number)
        say(f"step {number}/{steps}, loss {loss:.3f}; about {left:.0f} s left")

    return step


def _share(right: Iterator[bool] | Sequence[bool]) -> float:
    return round(float(np.mean([*right])), 4)
