"""Small model folders, and a random encoder of the real architecture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

WORDS = "[PAD] [UNK] [CLS] [SEP] blue lamp soup red the a query : passage table".split()


def plain(folder: Path, **more: bytes | str) -> Path:
    """A folder that is a model as far as the store looks: a config and one tensor; `more` are further files, `__` in a name a dot."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    save_file({"w": np.arange(6, dtype=np.float32).reshape(2, 3)}, folder / "model.safetensors")
    for name, content in more.items():
        (folder / name.replace("__", ".")).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def encoder(folder: Path, pooling: str | None = "mean", prompts: dict[str, str] | None = None, **sentence: object) -> Path:
    """A random two-layer BERT with a word tokenizer, saved as transformers saves it, with the files of sentence-transformers beside it."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(7)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 40}
    BertModel(BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    written = {"sentence_bert_config.json": sentence, "config_sentence_transformers.json": {"prompts": prompts or {}}}
    if pooling is not None:
        kinds = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
        written["modules.json"] = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in kinds]
        written["1_Pooling/config.json"] = {"pooling_mode_cls_token": pooling == "cls", "pooling_mode_mean_tokens": pooling == "mean"}
    for name, content in written.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return folder


def decoder(folder: Path) -> Path:
    """A random two-layer Llama with a word tokenizer that puts nothing around a text."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaModel, PreTrainedTokenizerFast

    torch.manual_seed(7)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 40}
    LlamaModel(LlamaConfig(vocab_size=len(WORDS), bos_token_id=2, eos_token_id=3, pad_token_id=0, **sizes)).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", bos_token="[CLS]", eos_token="[SEP]"
    ).save_pretrained(folder)
    return folder


def teacher(folder: Path, pooling: str = "mean", max_tokens: int = 16) -> Path:
    """A random teacher over the encoder, or over the decoder where the last token is pooled."""
    import torch

    from models.teacher import Network, Reading, Teacher, base

    tokenizer, body = base(decoder(folder) if pooling == "last" else encoder(folder, pooling=None))
    torch.manual_seed(8)
    reading = Reading(pooling, max_tokens)  # type: ignore[arg-type]
    network = Network(body, reading.pooling)
    torch.nn.init.normal_(network.head.weight, std=1.0)
    Teacher(tokenizer, network, reading).save(folder)
    return folder


def with_prior(folder: Path) -> Path:
    """The random teacher with the encoder as its prior, both counting the same."""
    from models.ordinal import Ordinal
    from models.prior import Prior
    from models.teacher import Blend, Teacher

    base = Teacher.loaded(teacher(folder.with_name(f"{folder.name}.base")))
    encoders = [encoder(folder.with_name(f"{folder.name}.prior"))]
    prior = Prior.loaded(encoders, base.reading.max_tokens, "cpu", "fp32", Ordinal((0,) * 5, (1,) * 5, (1,) * 5, (0, 1, 2, 3)))
    Teacher(base.tokenizer, base.network, base.reading, prior, Blend(0.5, 0.5)).save(folder)
    return folder


def chat(folder: Path, digits: bool = True) -> Path:
    """A random two-layer Llama with a head, a tokenizer by bytes with special tokens of a chat, and a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(7)
    special = ["<|pad|>", "<|user|>", "<|end|>", "<|assistant|>", "<|unknown|>"]
    letters = [letter for letter in pre_tokenizers.ByteLevel.alphabet() if digits or letter not in "12345"]
    vocabulary = {word: n for n, word in enumerate([*special, *sorted(letters)])}
    own = Tokenizer(models.BPE(vocabulary, [], unk_token="<|unknown|>"))
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    more = {"pad_token": "<|pad|>", "eos_token": "<|end|>", "additional_special_tokens": special[1:]}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=own, **more)
    tokenizer.chat_template = "{% for m in messages %}<|user|>{{ m.content }}<|end|>{% endfor %}<|assistant|>"
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 4_096}
    config = LlamaConfig(vocab_size=len(tokenizer), pad_token_id=0, initializer_range=0.3, **sizes)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
