"""What a model folder may hold: weights as safetensors and settings as JSON; nothing that runs code when it is read."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from models.specs import ModelError

KEPT = (".safetensors", ".json", ".txt", ".model", ".jinja", ".onnx")
"""Endings of the files that are taken over from a source; everything else, such as a README, is left behind."""
CODE = tuple(".bin .pt .pth .ckpt .pkl .pickle .joblib .npy .npz .h5 .keras .py .pyc .so .dll .dylib".split())
"""Endings of files that are code, or from which loading runs code: a folder that holds one is refused, even where nobody would read it."""
_VOCABULARIES = ("tokenizer.json", "vocab.json", "added_tokens.json")


def taken(name: str) -> bool:
    """Whether the file is taken over from a source; ModelError where it is code or may run code when it is loaded."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in CODE:
        raise ModelError(
            f"{name}: a {suffix} file can run code when it is loaded, so its folder is refused. Weights must be safetensors, with no "
            f"code beside them: save the model anew with save_pretrained(), or take the files apart"
        )
    return suffix in KEPT


def check(folder: Path) -> None:
    """Nothing; ModelError says why the folder is no model that can be read without running code from it."""
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir())
    for name in names:
        if not taken(name) or (folder / name).is_symlink():
            raise ModelError(f"{name}: only plain files that end in {', '.join(KEPT)} belong in a stored model")
    for name in names:
        if name.endswith(".json") and PurePosixPath(name).name not in _VOCABULARIES and _names(_json(folder, name), "auto_map"):
            raise ModelError(f"{name}: has auto_map, which loads the model's own code; only architectures of transformers are read")
    config = _json(folder, "config.json") if "config.json" in names else None
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ModelError("no config.json with a model_type: not a model folder in the layout of the Hugging Face hub")
    weights = [name for name in names if name.endswith(".safetensors")]
    if not weights:
        raise ModelError("no .safetensors file: weights in other formats are not read (a .gguf file is converted, named by itself)")
    for name in weights:
        _check_weights(folder / name, name)
    for name in names:
        if name.endswith(".safetensors.index.json"):
            _check_index(folder, name, names)


def _check_weights(file: Path, name: str) -> None:
    """Nothing; ModelError where the header does not describe exactly the bytes of the file."""
    from safetensors import SafetensorError, safe_open  # the library itself judges offsets, sizes and overlaps

    try:
        with safe_open(file, framework="numpy") as weights:
            empty = not weights.keys()
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{name}: not sound safetensors: {error}") from None
    if empty:
        raise ModelError(f"{name}: holds no tensor")


def _check_index(folder: Path, name: str, names: list[str]) -> None:
    """Nothing; ModelError where a shard that the index names is not there."""
    index = _json(folder, name)
    shards = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(shards, dict):
        raise ModelError(f"{name}: has no weight_map")
    beside = PurePosixPath(name).parent
    missing = sorted({str(shard) for shard in shards.values() if str(beside / str(shard)) not in names})
    if missing:
        raise ModelError(f"{name}: names {', '.join(missing[:3])}, which is not there")


def _json(folder: Path, name: str) -> Any:
    try:
        return json.loads((folder / name).read_bytes())
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{name}: not JSON: {error}") from None


def _names(value: Any, wanted: str) -> bool:
    """Whether the name is a key anywhere in the value."""
    if isinstance(value, dict):
        return wanted in value or any(_names(v, wanted) for v in value.values())
    return isinstance(value, list) and any(_names(v, wanted) for v in value)
