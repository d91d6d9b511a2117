"""What a model folder may hold: nothing that runs code."""

from __future__ import annotations

import json
import pickle
import struct

import pytest
from safetensors import safe_open

from models.checks import check, taken
from models.specs import ModelError
from tests.models.folders import plain


def header(tensors: object, data: bytes, length: int | None = None) -> bytes:
    """The bytes of a safetensors file with such a header."""
    text = json.dumps(tensors).encode() if not isinstance(tensors, bytes) else tensors
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(begin: int, end: int, shape: list[int]) -> dict[str, object]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('a pickle ran')",)


def test_a_folder_in_the_layout_of_the_hub_passes(tmp_path):
    folder = plain(tmp_path / "m", tokenizer__json='{"model": {"vocab": {"auto_map": 1}}}', merges__txt="a b", chat_template__jinja="x")
    plain(folder / "1_Pooling")
    check(folder)
    with safe_open(folder / "model.safetensors", framework="numpy") as weights:
        assert list(weights.keys()) == ["w"]


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "a.pt", "b.PTH", "c.ckpt", "d.pkl", "e.py", "f.so", "g.npy", "h.h5", "deep/i.pickle", "j.pyc"]
)
def test_files_that_are_code_or_run_code_when_loaded_are_refused_by_name(tmp_path, name):
    with pytest.raises(ModelError, match="can run code when it is loaded"):
        taken(name)
    folder = plain(tmp_path / "m")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ModelError, match="can run code when it is loaded"):
        check(folder)


def test_only_files_that_a_model_consists_of_are_taken_over():
    assert [
        name for name in ("README.md", "LICENSE", "a.onnx", "x.gguf", "model.safetensors", "spiece.model", "v.JSON") if taken(name)
    ] == [
        "a.onnx",
        "model.safetensors",
        "spiece.model",
        "v.JSON",
    ]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"config__json": '{"model_type": "x", "auto_map": {"AutoModel": "evil.Evil"}}'}, "config.json: has auto_map"),
        ({"tokenizer_config__json": '{"a": [{"auto_map": 1}]}'}, "tokenizer_config.json: has auto_map"),
        ({"config__json": "{}"}, "no config.json with a model_type"),
        ({"config__json": "[1]"}, "no config.json with a model_type"),
        ({"config__json": "{"}, "config.json: not JSON"),
        ({"deep__json": "[" * 100_000}, "deep.json: not JSON"),
        ({"notes__md": "x"}, "only plain files that end in .safetensors"),
        ({"a__safetensors__index__json": "{}"}, "has no weight_map"),
        ({"a__safetensors__index__json": '{"weight_map": {"w": "../b.safetensors"}}'}, "names ../b.safetensors, which is not there"),
    ],
)
def test_what_would_load_other_code_or_no_model_is_refused(tmp_path, files, reason):
    with pytest.raises(ModelError) as refused:
        check(plain(tmp_path / "m", **files))
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04.",
        header({"w": tensor(0, 24, [2, 3])}, b"\0" * 23),
        header({"w": tensor(0, 24, [2, 3])}, b"\0" * 25),
        header({"w": tensor(0, 24, [2, 4])}, b"\0" * 24),
        header({"w": tensor(0, 24, [2, 3]), "v": tensor(0, 24, [6])}, b"\0" * 24),
        header({"w": tensor(8, 32, [2, 3])}, b"\0" * 32),
        header({"w": tensor(0, 24, [2, 3])}, b"\0" * 24, length=1 << 40),
        header(b"not json", b""),
        header({}, b""),
    ],
)
def test_safetensors_whose_header_does_not_describe_its_bytes_are_refused(tmp_path, content):
    with pytest.raises(ModelError, match="model.safetensors: (not sound safetensors|holds no tensor)"):
        check(plain(tmp_path / "m", model__safetensors=content))


def test_a_folder_without_weights_and_one_with_links_are_refused(tmp_path):
    folder = plain(tmp_path / "m")
    (folder / "model.safetensors").rename(tmp_path / "elsewhere.safetensors")
    with pytest.raises(ModelError, match="no .safetensors file"):
        check(folder)
    (folder / "model.safetensors").symlink_to(tmp_path / "elsewhere.safetensors")
    with pytest.raises(ModelError, match="only plain files"):
        check(folder)
