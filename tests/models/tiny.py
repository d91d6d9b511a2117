"""Complete Hugging Face folders of image-to-text models with random weights: one of each family, a few thousand weights each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipProcessor,
    CLIPVisionConfig,
    GitConfig,
    GitForCausalLM,
    GitProcessor,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
    ViTConfig,
)
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

SPECIAL = (
    "[PAD]",
    "[START]",
    "[END]",
    "[UNK]",
    "<image>",
    "<fake_token_around_image>",
    "<global-img>",
    "<end_of_utterance>",
    "<row_1_col_1>",
)
WORDS = ("a", "picture", "of", "red", "blue", "cat", "dog", "hat", "on", "the", "user:", "assistant:", "say", "what", "it", "is")
SIDE, WIDTH = 32, 32
SMALL = {"hidden_size": WIDTH, "intermediate_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": 2}
SEEN = SMALL | {"image_size": SIDE, "patch_size": 8}
IDS = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] + ': ' }}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<image> ' }}{% else %}{{ part['text'] + ' ' }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
)


def tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of a few whole words."""
    ids = {word: number for number, word in enumerate((*SPECIAL, *WORDS))}
    words = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.post_processor = processors.TemplateProcessing("[START] $A [END]", special_tokens=[("[START]", 1), ("[END]", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="[PAD]",
        bos_token="[START]",
        cls_token="[START]",
        eos_token="[END]",
        sep_token="[END]",
        unk_token="[UNK]",
        extra_special_tokens=list(SPECIAL[4:]),
    )


def blip(folder: Path) -> Any:
    """BLIP."""
    vocabulary = IDS | {"sep_token_id": 2, "vocab_size": len(SPECIAL + WORDS), "max_position_embeddings": 64}
    config = BlipConfig(text_config=SMALL | vocabulary, vision_config=SEEN | {"initializer_range": 0.5})
    processor = BlipProcessor(BlipImageProcessorPil(size={"height": SIDE, "width": SIDE}), tokenizer())
    return _written(folder, BlipForConditionalGeneration(config), processor)


def git(folder: Path) -> Any:
    """GIT."""
    config = GitConfig(vision_config=SEEN, **SMALL, **IDS, vocab_size=len(SPECIAL + WORDS), max_position_embeddings=64)
    images = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    return _written(folder, GitForCausalLM(config), GitProcessor(images, tokenizer()))


def encoder_decoder(folder: Path) -> Any:
    """A ViT that a BERT reads."""
    text = BertConfig(
        **SMALL, **IDS, vocab_size=len(SPECIAL + WORDS), max_position_embeddings=64, is_decoder=True, add_cross_attention=True
    )
    both = VisionEncoderDecoderConfig.from_encoder_decoder_configs(ViTConfig(**SEEN), text, decoder_start_token_id=1, **IDS)
    ViTImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return _written(folder, VisionEncoderDecoderModel(config=both), tokenizer())


def llava(folder: Path) -> Any:
    """LLaVA, with a chat template: CLIP's encoder and Llama."""
    text = LlamaConfig(**SMALL, **IDS, num_key_value_heads=2, vocab_size=len(SPECIAL + WORDS))
    config = LlavaConfig(vision_config=CLIPVisionConfig(**SEEN), text_config=text, image_token_index=4, vision_feature_layer=-1)
    images = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    extra = {"patch_size": 8, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    return _written(folder, LlavaForConditionalGeneration(config), LlavaProcessor(images, tokenizer(), chat_template=TEMPLATE, **extra))


def idefics3(folder: Path) -> Any:
    """Idefics3, the class behind the first SmolVLM, with a chat template."""
    text = {"model_type": "llama", **SMALL, **IDS, "num_key_value_heads": 2, "vocab_size": len(SPECIAL + WORDS)}
    config = Idefics3Config(vision_config=SEEN, text_config=text, image_token_id=4, scale_factor=2, pad_token_id=0)
    images = Idefics3ImageProcessorPil(size={"longest_edge": SIDE}, max_image_size={"longest_edge": SIDE}, do_image_splitting=False)
    processor = Idefics3Processor(images, tokenizer(), image_seq_len=4, chat_template=TEMPLATE)
    return _written(folder, Idefics3ForConditionalGeneration(config), processor)


FAMILIES = {"blip": blip, "git": git, "encoder-decoder": encoder_decoder, "llava": llava, "idefics3": idefics3}


def _written(folder: Path, model: Any, words: Any) -> Any:
    """The model, after its folder is written: large weights, so that its words depend on what it sees, and the same in every run."""
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1 or name.endswith("class_embedding"):
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.3)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return model.eval()
