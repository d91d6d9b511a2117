"""Captions from pixels by any Hugging Face image-to-text model: BLIP, GIT, encoder-decoders, and image-text-to-text chat models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor
from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

from models.generation import Generation
from models.specs import ModelError

Pixels = npt.NDArray[np.uint8]
Batch = dict[str, Tensor]
# A folder is all that is read: no code out of it, nothing from a hub, no pickles.
_LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
_PREFIX = "prefix_ids"


class NotACaptioner(ModelError):
    """A folder that cannot caption images; the message says why."""


class _Family(Protocol):
    """How models of one family take images and words."""

    tokenizer: Any

    def inputs(self, images: list[Image.Image]) -> Batch:
        """What `generate` takes, and under `prefix_ids` what its answers begin with (images x tokens; none: nothing)."""


class Captioner:
    """A loaded model and its preprocessing: `inputs` on the CPU, from any thread, then `captions` on the model's device."""

    def __init__(self, model: Any, family: _Family, generation: Generation) -> None:
        self.model = model
        self.generation = generation
        self._family = family

    @classmethod
    def loaded(
        cls,
        folder: Path,
        generation: Generation,
        device: torch.device | str = "cpu",
        dtype: torch.dtype | None = None,
    ) -> Captioner:
        """The model of a complete Hugging Face folder with safetensors, in that dtype, else in the one its weights have.

        Weights stay memory-mapped on the CPU where the dtype is kept. NotACaptioner says why a folder is none.
        """
        config = _config(folder)
        family = _family(folder, config, generation)
        return cls(_model(folder, dtype).to(device).eval(), family, generation)

    def inputs(self, images: Sequence[Pixels]) -> Batch:
        """Tensors on the CPU for images (height, width, 3) of red, green and blue from 0 to 255, each of any size."""
        if not images:
            raise ValueError("no images: a batch has at least one")
        for image in images:
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
                raise ValueError(f"an image is (height, width, 3) of uint8, got {image.shape} of {image.dtype}")
        return self._family.inputs([Image.fromarray(image) for image in images])

    @torch.inference_mode()
    def captions(self, inputs: Batch) -> list[str]:
        """One caption an image, in the order of `inputs`, without the prompt and without special tokens."""
        placed = {name: self._placed(tensor) for name, tensor in inputs.items()}
        prefix = placed.pop(_PREFIX, None)
        # Limits of the folder's own would count the prompt, and its sampling would draw.
        ids = self.model.generate(
            **placed,
            do_sample=False,
            num_beams=self.generation.beams,
            max_new_tokens=self._new_tokens(1 if prefix is None else prefix.shape[1]),
            max_length=None,
            min_length=0,
        )
        if prefix is not None and torch.equal(ids[:, : prefix.shape[1]], prefix):
            ids = ids[:, prefix.shape[1] :]
        return [" ".join(text.split()) for text in self._family.tokenizer.batch_decode(ids, skip_special_tokens=True)]

    def _new_tokens(self, begun: int) -> int:
        """How many tokens may follow those that the answer begins with: as many as are asked for and the model has positions for."""
        positions = getattr(self.model.config.get_text_config(decoder=True), "max_position_embeddings", None)
        asked = self.generation.new_tokens
        return asked if positions is None else max(1, min(asked, positions - begun))

    def _placed(self, tensor: Tensor) -> Tensor:
        """The tensor on the model's device; fractions in the model's dtype."""
        return tensor.to(self.model.device, self.model.dtype if tensor.is_floating_point() else tensor.dtype)


class _Continued:
    """BLIP and others whose processor takes images and, if any, the first words of the answer."""

    def __init__(self, processor: Any, prompt: str) -> None:
        self.tokenizer = processor.tokenizer
        self._processor = processor
        self._prompt = prompt

    def inputs(self, images: list[Image.Image]) -> Batch:
        if not self._prompt:
            return dict(self._processor(images=images, return_tensors="pt"))
        found = dict(self._processor(images=images, text=[self._prompt] * len(images), return_tensors="pt"))
        return {**found, _PREFIX: self._prefix(found["input_ids"].clone())}

    def _prefix(self, ids: Tensor) -> Tensor:
        """What the model's answers begin with, from the prompt's ids (images x tokens)."""
        return ids


class _Blip(_Continued):
    """BLIP, which drops the token that ends the prompt and puts its own for the first."""

    def _prefix(self, ids: Tensor) -> Tensor:
        ids[:, 0] = self.tokenizer.bos_token_id
        return ids[:, :-1]


class _Git(_Continued):
    """GIT, which takes a prompt as the beginning of a text, where its processor would also end it."""

    def inputs(self, images: list[Image.Image]) -> Batch:
        found = dict(self._processor(images=images, return_tensors="pt"))
        if not self._prompt:
            return found
        ids = torch.tensor([_opened(self.tokenizer, self.tokenizer.cls_token_id, self._prompt)] * len(images))
        return {**found, "input_ids": ids, "attention_mask": torch.ones_like(ids), _PREFIX: ids}


class _EncoderDecoder:
    """Vision-encoder-decoder models, whose folders hold an image processor and a tokenizer by themselves."""

    def __init__(self, images: Any, tokenizer: Any, start: int, prompt: str) -> None:
        self.tokenizer = tokenizer
        self._images = images
        self._ids = _opened(tokenizer, start, prompt) if prompt else []

    def inputs(self, images: list[Image.Image]) -> Batch:
        found = dict(self._images(images=images, return_tensors="pt"))
        if not self._ids:
            return found
        ids = torch.tensor([self._ids] * len(images))
        return {**found, "decoder_input_ids": ids, _PREFIX: ids}


class _Chat:
    """Image-text-to-text models with a chat template: one message of the image and the request; the prompt begins the answer."""

    def __init__(self, processor: Any, generation: Generation) -> None:
        self.tokenizer = processor.tokenizer
        # Answers of a batch begin in one column only where shorter requests are padded before.
        self.tokenizer.padding_side = "left"
        self._processor = processor
        self._generation = generation

    def inputs(self, images: list[Image.Image]) -> Batch:
        asked = self._generation
        found = self._processor.apply_chat_template(
            [self._said(image) for image in images],
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            add_generation_prompt=not asked.prompt,
            continue_final_message=bool(asked.prompt),
            processor_kwargs={"padding": True},
        )
        return {**found, _PREFIX: found["input_ids"]}

    def _said(self, image: Image.Image) -> list[dict[str, Any]]:
        """The conversation so far about one image."""
        said = [{"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": self._generation.request}]}]
        if self._generation.prompt:
            said.append({"role": "assistant", "content": [{"type": "text", "text": self._generation.prompt}]})
        return said


def _config(folder: Path) -> Any:
    """The folder's configuration; NotACaptioner where it is no image-to-text model's."""
    if not (folder / "config.json").is_file():
        raise NotACaptioner(f"{folder} is no Hugging Face model: it has no config.json")
    try:
        config = AutoConfig.from_pretrained(folder, **_LOCAL)
    except (OSError, ValueError, KeyError) as e:
        raise NotACaptioner(f"{folder} is no model that this version of transformers knows: {_first_line(e)}") from e
    known = MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES.get(config.model_type)
    named = config.architectures or [known]
    if known is None or known not in named:
        raise NotACaptioner(f"{folder} is a model of type {config.model_type} ({', '.join(map(str, named))}), not an image-to-text model")
    if not any(folder.glob("*.safetensors")):
        raise NotACaptioner(f"{folder} has no weights in safetensors, the only format that is read")
    return config


def _family(folder: Path, config: Any, generation: Generation) -> _Family:
    """How the folder's model is fed; NotACaptioner where the folder lacks what that takes."""
    try:
        if config.model_type == "vision-encoder-decoder":
            images, tokenizer = AutoImageProcessor.from_pretrained(folder, **_LOCAL), AutoTokenizer.from_pretrained(folder, **_LOCAL)
            return _EncoderDecoder(images, tokenizer, _decoder_start(folder, config), generation.prompt)
        processor = AutoProcessor.from_pretrained(folder, **_LOCAL)
    except (OSError, ValueError, ImportError) as e:
        raise NotACaptioner(f"{folder}: its preprocessing cannot be loaded: {_first_line(e)}") from e
    if not hasattr(processor, "image_processor") or not hasattr(processor, "tokenizer"):
        raise NotACaptioner(f"{folder}: its preprocessing is a {type(processor).__name__}, which does not take images and text")
    if getattr(processor, "chat_template", None):
        return _Chat(processor, generation)
    return {"blip": _Blip, "git": _Git}.get(config.model_type, _Continued)(processor, generation.prompt)


def _opened(tokenizer: Any, start: int, prompt: str) -> list[int]:
    """The ids of a text that begins with the prompt and goes on."""
    return [start, *tokenizer(prompt, add_special_tokens=False).input_ids]


def _decoder_start(folder: Path, config: Any) -> int:
    """The token that a decoder's answers begin with."""
    named = getattr(config, "decoder_start_token_id", None)
    start = config.decoder.bos_token_id if named is None else named
    if start is None:
        raise NotACaptioner(f"{folder}: config.json names no decoder_start_token_id")
    return int(start)


def _model(folder: Path, dtype: torch.dtype | None) -> Any:
    """The model with all of its weights; NotACaptioner where some are missing."""
    try:
        found: Any = AutoModelForImageTextToText.from_pretrained(
            folder, dtype="auto" if dtype is None else dtype, use_safetensors=True, output_loading_info=True, **_LOCAL
        )
    except (OSError, ValueError, RuntimeError, ImportError, SafetensorError) as e:
        raise NotACaptioner(f"{folder}: its weights cannot be loaded: {_first_line(e)}") from e
    model, loading = found
    # Transformers would draw missing weights at random, and the captions with them.
    if loading["missing_keys"]:
        names = sorted(loading["missing_keys"])
        raise NotACaptioner(f"{folder}: {len(names)} weights are missing, such as {names[0]}")
    return model


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300]
