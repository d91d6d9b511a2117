"""4-bit blocks to a folder: the weights, the tokenizer's rules, and the real file where it is in the cache."""

from __future__ import annotations

import itertools
import os
import struct
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from models import e5_blocks
from models.e5_blocks import Blocks, convert, read, tokenizer
from models.specs import DEFAULTS, ModelError
from models.store import ModelStore

HIDDEN, LAYERS, HEADS, INNER, POSITIONS, TYPES = 32, 1, 2, 64, 12, 2
PIECES = {
    **dict.fromkeys(("<s>", "<pad>", "</s>", "<unk>"), 0.0),
    **{
        "\u2581": -4.0,
        "\u2581blue": -3.0,
        "\u2581lamp": -3.5,
        "lamp": -5.0,
        "\u2581bl": -4.5,
        "ue": -5.0,
        "s": -4.0,
        "\u2581lam": -2.0,
        "p": -1.0,
    },
    **{
        "\u3059": -6.0,
        "\u3059\u3057": -6.5,
        "\u2581\u3059": -7.0,
        "\uff5e": -6.0,
        "~": -6.0,
        "caf": -5.0,
        "\u00e9": -5.0,
        "\u2581caf\u00e9": -8.0,
    },
    "<mask>": 0.0,
}
MAP = {"\t": " ", "\u200b": " ", "\u2581": " ", "\x01": "", "\uff21": "A", "\ufb01": "fi", "\u2460": "1"}


def quantised(values: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Blocks of 32 weights as the file has them, and the weights that they hold."""
    blocks, kept = b"", []
    for block in values.reshape(-1, 32):
        scale = np.float16(np.abs(block).max() / 7)
        levels = np.clip(np.round(block / np.float32(scale)), -8, 7).astype(int) + 8
        blocks += struct.pack("<e", scale) + bytes(int(levels[i] | levels[i + 16] << 4) for i in range(16))
        kept.append((levels - 8) * np.float32(scale))
    return blocks, np.concatenate(kept).astype(np.float32)


def block_file() -> tuple[bytes, dict[str, np.ndarray]]:
    """A block file with random weights, and its tensors."""
    random = np.random.default_rng(3)
    vocabulary = len(PIECES) + 3
    sizes = {"emb.word": vocabulary * HIDDEN, "emb.pos": POSITIONS * HIDDEN, "emb.type": HIDDEN, "emb.ln.w": HIDDEN, "emb.ln.b": HIDDEN}
    for layer, (part, rows, columns) in itertools.product(
        range(LAYERS), (("q", 1, 1), ("k", 1, 1), ("v", 1, 1), ("ao", 1, 1), ("fi", 2, 1), ("fo", 1, 2))
    ):
        sizes |= {f"l{layer}.{part}.w": rows * columns * HIDDEN * HIDDEN, f"l{layer}.{part}.b": rows * HIDDEN}
    sizes |= {f"l{layer}.{part}.{kind}": HIDDEN for layer in range(LAYERS) for part in ("aln", "oln") for kind in "wb"}
    texts = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, texts)]).astype("<u4")
    entries = [struct.pack(f"<IB{len(v)}I", ord(k), len(v), *map(ord, v)) for k, v in sorted(MAP.items())]
    head = b"E5S1" + struct.pack("<i7ifi", 1, HIDDEN, LAYERS, HEADS, INNER, vocabulary, POSITIONS, TYPES, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(offsets[-1]))
    head += offsets.tobytes() + np.array(list(PIECES.values()), "<f4").tobytes() + b"".join(texts)
    head += struct.pack("<iI", len(entries), sum(map(len, entries))) + b"".join(entries) + struct.pack("<i", len(sizes))
    at = len(head) + sum(2 + len(name) + 21 for name in sizes)
    directory, body, tensors = b"", b"", {}
    for name, count in sizes.items():
        values = random.normal(size=count).astype(np.float32)
        packed = name == "emb.word" or (name.startswith("l") and name.endswith(".w") and "ln" not in name)
        raw, tensors[name] = quantised(values) if packed else (values.tobytes(), values)
        directory += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", int(packed), count, at + len(body), len(raw))
        body += raw
    return head + directory + body, tensors


CONTENT, TENSORS = block_file()
BLOCKS = read(CONTENT)


def by_the_rules(blocks: Blocks, text: str) -> list[int]:
    """Token ids by the rules themselves: map, compose, strip, and the cut of the highest sum of scores, tried in full."""
    index: dict[str, tuple[int, float]] = {}
    for number, (piece, score) in enumerate(blocks.pieces):
        index.setdefault(piece, (number, score))
    unknown = min(score for _, score in blocks.pieces) - 10
    mapped = unicodedata.normalize("NFC", "".join(blocks.normalised.get(c, c) for c in text))
    words = [word for word in mapped.split(" ") if word]
    marked = "".join(f"\u2581{word}" for word in words)
    best: list[tuple[float, int, int]] = [(0.0, 0, -1)] + [(float("-inf"), 0, -1)] * len(marked)
    for begin, end in itertools.combinations(range(len(marked) + 1), 2):
        number, score = index.get(marked[begin:end], (3, unknown if end == begin + 1 else float("-inf")))
        if best[begin][0] + score > best[end][0]:
            best[end] = (best[begin][0] + score, begin, number)
    ids, at = [], len(marked)
    while at:
        ids.append(best[at][2])
        at = best[at][1]
    kept = [one for n, one in enumerate(ids[::-1]) if one != 3 or n == 0 or ids[::-1][n - 1] != 3]
    return [0, *kept, 2]


def test_the_converted_folder_is_the_model_that_the_blocks_hold(tmp_path):
    import torch
    from transformers import AutoModel, AutoTokenizer, BertModel

    (tmp_path / "file.bin").write_bytes(CONTENT)
    found = ModelStore(tmp_path / "store").resolved(f"path:{tmp_path / 'file.bin'}")
    model = AutoModel.from_pretrained(found.folder, local_files_only=True, add_pooling_layer=False)
    assert isinstance(model, BertModel)
    weights = dict(model.named_parameters())
    assert set(weights) == set(load_file(found.folder / "model.safetensors")), "no parameter is left as it was drawn"
    same = {"embeddings.word_embeddings.weight": "emb.word", "encoder.layer.0.intermediate.dense.weight": "l0.fi.w"}
    same |= {"encoder.layer.0.output.dense.weight": "l0.fo.w", "encoder.layer.0.attention.output.LayerNorm.bias": "l0.aln.b"}
    for ours, theirs in same.items():
        assert torch.equal(weights[ours].flatten(), torch.from_numpy(TENSORS[theirs])), ours
    types = weights["embeddings.token_type_embeddings.weight"]
    assert torch.equal(types[0], torch.from_numpy(TENSORS["emb.type"]))
    assert not types[1].any()
    made = AutoTokenizer.from_pretrained(found.folder, local_files_only=True)
    assert made("blue lamps")["input_ids"] == by_the_rules(BLOCKS, "blue lamps")
    assert (made.model_max_length, made.pad_token_id, made.cls_token_id, made.sep_token_id) == (POSITIONS, 1, 0, 2)


def test_the_conversion_is_deterministic(tmp_path):
    (tmp_path / "file.bin").write_bytes(CONTENT)
    hashes = {ModelStore(tmp_path / name).resolved(f"path:{tmp_path / 'file.bin'}").content_hash for name in ("a", "b")}
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("blue lamp", ["\u2581blue", "\u2581lam", "p"]),
        ("  blue\t \u200bblue\x01 ", ["\u2581blue", "\u2581blue"]),
        ("blue\u2581blue", ["\u2581blue", "\u2581blue"]),
        ("cafe\u0301", ["\u2581caf\u00e9"]),
        ("\uff5e", ["\u2581", "\uff5e"]),
        ("\u3059\u3057", ["\u2581", "\u3059\u3057"]),
        ("QQQ p", ["\u2581", "<unk>", "\u2581", "p"]),
        ("", []),
    ],
)
def test_texts_are_cut_by_the_rules_of_the_vocabulary(text, pieces):
    encoded = tokenizer(BLOCKS).encode(text)
    assert [BLOCKS.pieces[i][0] for i in encoded.ids] == ["<s>", *pieces, "</s>"]
    assert encoded.ids == by_the_rules(BLOCKS, text)


@settings(max_examples=200)
@given(st.text(alphabet="bluelampscaf\u00e9 \t\u200b\u2581\x01\uff21\ufb01\u2460\uff5e~\u3059\u3057QZ", max_size=25))
def test_any_text_is_cut_as_the_full_search_does(text):
    ours, wanted = (
        sum(BLOCKS.pieces[i][1] if i != 3 else -17.0 for i in ids) for ids in (TOKENIZER.encode(text).ids, by_the_rules(BLOCKS, text))
    )
    assert ours == pytest.approx(wanted), "cuts of equal score may differ, a worse one not"


TOKENIZER = tokenizer(BLOCKS)


@pytest.mark.parametrize("length", [0, 3, 8, 40, 100, 700, len(CONTENT) - 1])
def test_a_cut_file_is_refused(tmp_path, length):
    (tmp_path / "cut.bin").write_bytes(CONTENT[:length])
    (tmp_path / "m").mkdir()
    with pytest.raises(ModelError, match="cut.bin: not a sound block file"):
        convert(tmp_path / "cut.bin", tmp_path / "m")
    assert list((tmp_path / "m").iterdir()) == []


def test_a_map_that_nfkc_does_not_follow_is_refused():
    other = Blocks(BLOCKS.sizes, BLOCKS.epsilon, BLOCKS.pieces, BLOCKS.special, {"x": "y"}, {})
    with pytest.raises(ValueError, match="neither as NFKC does"):
        tokenizer(other)


def test_the_real_file_reads_known_words_as_known_ids_and_puts_translations_together():
    """On the stored default encoder, where `pinlake doctor --fetch` was run."""
    from models.encoder import Encoder

    store = ModelStore(Path(os.environ.get("PINLAKE_MODELS_CACHE", "~/.cache/pinlake/models")).expanduser())
    if not store.known(DEFAULTS["encoder"]):
        pytest.skip("multilingual-e5-small is not in the cache: pinlake doctor --fetch")
    encoder = Encoder.loaded(store.resolved(DEFAULTS["encoder"]).folder)
    assert (encoder.dim, encoder.reading.max_tokens, encoder.reading.pooling) == (384, 512, "mean")
    assert encoder.reading.prefixes == {"query": "query: ", "document": "passage: "}
    assert encoder.tokens(["hello world"]) == [[0, 33600, 31, 8999, 2]]
    texts = [
        "chocolate cake recipe",
        "receta de pastel de chocolate",
        "\u30c1\u30e7\u30b3\u30ec\u30fc\u30c8\u30b1\u30fc\u30ad\u306e\u30ec\u30b7\u30d4",
    ]
    texts += [
        "modern living room lamp",
        "l\u00e1mpara moderna para la sala",
        "\u30e2\u30c0\u30f3\u306a\u30ea\u30d3\u30f3\u30b0\u306e\u30e9\u30f3\u30d7",
    ]
    vectors = encoder.vectors(encoder.tokens(texts, "query"))
    nearest = (vectors @ vectors.T - np.eye(6)).argmax(1)
    assert [n // 3 for n in nearest] == [0, 0, 0, 1, 1, 1]


def test_magic_is_what_the_store_knows_the_file_by():
    from models.sources import _CONVERTERS

    assert _CONVERTERS[e5_blocks.MAGIC] == "models.e5_blocks"
