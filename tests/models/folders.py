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
    words.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
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
