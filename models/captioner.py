"""The small captioner that is shipped: half a million weights, a vocabulary of whole words, and how it learns from pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import BertConfig, PreTrainedTokenizerFast, SegformerConfig, VisionEncoderDecoderConfig, VisionEncoderDecoderModel
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

Pixels = npt.NDArray[np.uint8]
Pairs = Iterator[tuple[list[Pixels], list[str]]]
Step = Callable[[int, float], None]

NAME = "vision-encoder-decoder (SegFormer's hierarchical transformer with convolutions, one layer of BERT as decoder)"
PAD, START, END, UNKNOWN = "[PAD]", "[START]", "[END]", "[UNK]"
SIDE = 64
# About the mean and spread of the drawings' pixels. With the usual 0.5 the pale ground outweighs the shapes, which are hardly learnt.
MEAN, SPREAD = 0.85, 0.25
STAGES: dict[str, Any] = {
    "num_encoder_blocks": 3,
    "depths": [1, 1, 1],
    "hidden_sizes": [32, 64, 128],
    "num_attention_heads": [1, 2, 4],
    "sr_ratios": [4, 2, 1],
    "patch_sizes": [7, 3, 3],
    "strides": [4, 2, 2],
    "mlp_ratios": [2, 2, 2],
}
WORDS: dict[str, Any] = {
    "hidden_size": 96,
    "intermediate_size": 192,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "max_position_embeddings": 16,
}
PEAK_RATE, WARMUP, DECAY = 1.5e-3, 0.08, 0.02


class Preprocessing:
    """Images to 64 x 64 pixels around zero; captions to ids of whole words in lower case, between start and end."""

    def __init__(self, words: Sequence[str]) -> None:
        size = {"height": SIDE, "width": SIDE}
        self.images = ViTImageProcessorPil(size=size, image_mean=[MEAN] * 3, image_std=[SPREAD] * 3)
        self.tokenizer = _tokenizer(words)

    def batch(self, images: list[Pixels], captions: list[str]) -> dict[str, Tensor]:
        """What the model is trained on: pixel_values (n, 3, 64, 64) and labels (n, tokens), which end and are then padded with -100."""
        pixels = self.images(images=images, return_tensors="pt", input_data_format="channels_last")["pixel_values"]
        said = self.tokenizer(captions, padding=True, return_tensors="pt")
        labels = said["input_ids"].masked_fill(said["attention_mask"] == 0, -100)
        return {"pixel_values": pixels, "labels": labels[:, 1:].contiguous()}


def untrained(tokenizer: Any, seed: int) -> VisionEncoderDecoderModel:
    """A model with random weights; the same for the same seed."""
    special: dict[str, Any] = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    no_dropout: dict[str, Any] = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    # The encoder gives its last stage as a row of tokens; what reads them asks for their width by the name hidden_size.
    shape = STAGES | no_dropout | {"drop_path_rate": 0.0, "reshape_last_stage": False, "hidden_size": STAGES["hidden_sizes"][-1]}
    seen = SegformerConfig(**shape)
    said = BertConfig(
        **WORDS, **special, **no_dropout, vocab_size=len(tokenizer), type_vocab_size=1, is_decoder=True, add_cross_attention=True
    )
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(seen, said, decoder_start_token_id=tokenizer.bos_token_id, **special)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = VisionEncoderDecoderModel(config=config)
        for part in model.modules():
            # The usual spread of 0.02 is made for layers of 768; in narrow ones nothing gets through for hundreds of steps.
            if isinstance(part, nn.Linear | nn.Conv2d):
                nn.init.normal_(part.weight, std=part.weight[0].numel() ** -0.5)
            elif isinstance(part, nn.Embedding):
                nn.init.normal_(part.weight, std=part.embedding_dim**-0.5)
    return model


def learn(model: VisionEncoderDecoderModel, preprocessing: Preprocessing, pairs: Pairs, steps: int, told: Step) -> None:
    """Trains the model in place on `steps` batches of images and captions; `told` gets each step (from 1) and its loss.

    AdamW with warm-up and a cosine to zero; a weight is decayed where it is a matrix.
    """
    decayed = [p for p in model.parameters() if p.ndim > 1]
    other = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": DECAY}, {"params": other, "weight_decay": 0.0}], betas=(0.9, 0.98))
    model.train()
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = PEAK_RATE * rate(step, steps)
        loss = model(**preprocessing.batch(*next(pairs))).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        told(step, float(loss.detach()))
    model.eval()


def rate(step: int, steps: int) -> float:
    """The share of the peak rate at a step (from 1): up in a line, then down by a cosine to zero at the last."""
    warm = max(1, round(WARMUP * steps))
    if step <= warm:
        return step / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


def save(folder: Path, model: VisionEncoderDecoderModel, preprocessing: Preprocessing) -> None:
    """Writes a complete Hugging Face folder: weights as safetensors in half precision, configuration, preprocessing."""
    model.half().save_pretrained(folder)
    preprocessing.images.save_pretrained(folder)
    preprocessing.tokenizer.save_pretrained(folder)


def _tokenizer(words: Sequence[str]) -> PreTrainedTokenizerFast:
    ids = {word: number for number, word in enumerate((PAD, START, END, UNKNOWN, *dict.fromkeys(words)))}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(f"{START} $A {END}", special_tokens=[(START, ids[START]), (END, ids[END])])
    special = {"pad_token": PAD, "bos_token": START, "eos_token": END, "unk_token": UNKNOWN}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=WORDS["max_position_embeddings"], **special)
