from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.captioning import Captioner, NotACaptioner
from models.generation import Generation
from tests.models.tiny import FAMILIES, tokenizer

ASKED = Generation(request="say what it is", new_tokens=6)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder a family."""
    found = {}
    for name, build in FAMILIES.items():
        found[name] = tmp_path_factory.mktemp("models") / name
        build(found[name])
    return found


def images(count: int) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Images of several sizes, each of a colour of its own with noise."""
    luck = np.random.default_rng(5)
    return [luck.integers(0, 1 + luck.integers(1, 255, 3), (20 + 7 * n, 40 - 3 * n, 3), dtype=np.uint8) for n in range(count)]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_caption_does_not_depend_on_the_batch_and_comes_out_the_same_again(folders: dict[str, Path], family: str) -> None:
    captioner = Captioner.loaded(folders[family], ASKED)
    together = captioner.captions(captioner.inputs(images(5)))
    alone = [captioner.captions(captioner.inputs([image]))[0] for image in images(5)]
    again = Captioner.loaded(folders[family], ASKED)
    assert together == alone == again.captions(again.inputs(images(5)))
    assert len(set(together)) > 1
    assert all("[" not in caption and "<" not in caption and caption == " ".join(caption.split()) for caption in together)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_greedy_caption_is_the_likeliest_token_after_token(folders: dict[str, Path], family: str) -> None:
    captioner = Captioner.loaded(folders[family], ASKED)
    inputs = captioner.inputs(images(3)[2:])
    prefix = inputs.get("input_ids", torch.tensor([[1]]))
    sees = {k: v for k, v in inputs.items() if k not in ("input_ids", "attention_mask", "prefix_ids")}
    ids = prefix
    for _ in range(ASKED.new_tokens):
        given = {"decoder_input_ids" if family == "encoder-decoder" else "input_ids": ids}
        with torch.inference_mode():
            likeliest = captioner.model(**sees, **given).logits[:, -1].argmax(-1)
        ids = torch.cat([ids, likeliest[:, None]], 1)
        if int(likeliest) == 2:
            break
    expected = tokenizer().decode(ids[0, prefix.shape[1] :], skip_special_tokens=True)
    assert captioner.captions(inputs) == [" ".join(expected.split())]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_prompt_changes_what_is_said_and_stands_in_no_caption(folders: dict[str, Path], family: str) -> None:
    prompted = Generation(prompt="a picture of", request="say what it is", new_tokens=3)
    captioner = Captioner.loaded(folders[family], prompted)
    inputs = captioner.inputs(images(4))
    captions = captioner.captions(inputs)
    plain = Captioner.loaded(folders[family], ASKED)
    assert all(len(caption.split()) <= 3 and not caption.startswith("a picture of") for caption in captions)
    assert captions != [" ".join(caption.split()[:3]) for caption in plain.captions(plain.inputs(images(4)))]


@pytest.mark.parametrize("family", ["blip", "encoder-decoder", "llava"])
def test_a_folders_wish_to_sample_is_not_heard_and_beams_answer_every_image(folders: dict[str, Path], family: str, tmp_path: Path) -> None:
    folder = shutil.copytree(folders[family], tmp_path / family)
    wishes = json.loads((folder / "generation_config.json").read_text()) | {"do_sample": True, "temperature": 9.0, "max_length": 2}
    (folder / "generation_config.json").write_text(json.dumps(wishes))
    plain, wishing = Captioner.loaded(folders[family], ASKED), Captioner.loaded(folder, ASKED)
    greedy = plain.captions(plain.inputs(images(6)))
    assert wishing.captions(wishing.inputs(images(6))) == greedy
    wishing.generation = replace(ASKED, beams=3)
    once, twice = (wishing.captions(wishing.inputs(images(6))) for _ in range(2))
    assert once == twice != greedy


@pytest.mark.parametrize("family", ["blip", "git", "encoder-decoder"])
def test_a_caption_that_does_not_end_is_as_long_as_the_model_has_positions_for(
    folders: dict[str, Path], family: str, tmp_path: Path
) -> None:
    captioner = Captioner.loaded(folders[family], replace(ASKED, prompt="a picture of", new_tokens=10_000))
    for config in (captioner.model, getattr(captioner.model, "text_decoder", None), getattr(captioner.model, "decoder", None)):
        if config is not None:
            config.generation_config.suppress_tokens = [2]
    captions = captioner.captions(captioner.inputs(images(2)))
    assert all(20 < len(caption.split()) < 64 for caption in captions)


def test_weights_are_mapped_from_the_file_where_their_dtype_is_kept_and_converted_otherwise(folders: dict[str, Path]) -> None:
    kept, converted = Captioner.loaded(folders["blip"], ASKED), Captioner.loaded(folders["blip"], ASKED, dtype=torch.bfloat16)
    assert (kept.model.dtype, converted.model.dtype) == (torch.float32, torch.bfloat16)
    mapped = _mapped(folders["blip"] / "model.safetensors")
    weights = [weight.data_ptr() for weight in kept.model.vision_model.parameters()]
    assert all(any(start <= place < end for start, end in mapped) for place in weights)
    assert len(converted.captions(converted.inputs(images(2)))) == 2


def _mapped(file: Path) -> list[tuple[int, int]]:
    """Ranges of this process's addresses that the file is mapped to."""
    lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(str(file))]
    return [(int(start, 16), int(end, 16)) for start, _, end in (line[0].partition("-") for line in lines)]


def test_folders_that_are_no_captioners_are_refused_with_the_reason(folders: dict[str, Path], tmp_path: Path) -> None:
    def spoilt(name: str, family: str = "blip", **config: object) -> Path:
        folder = shutil.copytree(folders[family], tmp_path / name)
        (folder / "config.json").write_text(json.dumps(json.loads((folder / "config.json").read_text()) | config))
        return folder

    unweighted, pickled, unprepared, empty = spoilt("unweighted"), spoilt("pickled"), spoilt("unprepared"), tmp_path / "empty"
    torch.save({}, pickled / "pytorch_model.bin")
    for folder in (unweighted, pickled):
        (folder / "model.safetensors").unlink()
    (unprepared / "processor_config.json").unlink()
    empty.mkdir()
    partial = spoilt("partial")
    shutil.copy(folders["git"] / "model.safetensors", partial / "model.safetensors")
    truncated = spoilt("truncated")
    (truncated / "model.safetensors").write_bytes((folders["blip"] / "model.safetensors").read_bytes()[:-500])
    text = spoilt("text", model_type="bert", architectures=["BertModel"])
    code = spoilt("code", model_type="own", auto_map={"AutoConfig": "own.OwnConfig"})
    cases = {
        empty: "no config.json",
        tmp_path / "missing": "no config.json",
        text: "type bert.*not an image-to-text model",
        spoilt("asks", architectures=["BlipForQuestionAnswering"]): "BlipForQuestionAnswering.*not an image-to-text model",
        code: "no model that this version of transformers knows",
        unweighted: "no weights in safetensors",
        pickled: "no weights in safetensors",
        unprepared: "preprocessing",
        partial: "weights are missing",
        truncated: "weights cannot be loaded",
    }
    for folder, reason in cases.items():
        with pytest.raises(NotACaptioner, match=reason) as refusal:
            Captioner.loaded(folder, ASKED)
        assert str(folder) in str(refusal.value)


def test_only_images_of_three_bytes_a_pixel_are_taken(folders: dict[str, Path]) -> None:
    captioner = Captioner.loaded(folders["blip"], ASKED)
    for bad in (np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3), np.float32)):
        with pytest.raises(ValueError, match="uint8"):
            captioner.inputs([bad])
    with pytest.raises(ValueError, match="no images"):
        captioner.inputs([])
    with pytest.raises(ValueError, match="at least 1"):
        Generation(beams=0)
