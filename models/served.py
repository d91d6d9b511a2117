"""What an online server runs, as ONNX and without torch: a student's head, and the query encoder of a joint embedding."""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[np.float32]
INPUTS = ("query", "text", "graph", "numbers")
OUTPUT = "probabilities"
QUERY_INPUTS, QUERY_OUTPUT = ("ids", "held"), "vector"
QUERY_ENCODER, READING = "query.onnx", "query.json"
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


class _Probabilities(torch.nn.Module):
    """A head that ends in probabilities."""

    def __init__(self, head: Any) -> None:
        super().__init__()
        self.head = head

    def forward(self, query: torch.Tensor, text: torch.Tensor, graph: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        """(n, 5)."""
        found: torch.Tensor = self.head(query, text, graph, numbers).softmax(1)
        return found


def export(head: Any, file: Path) -> None:
    """Writes the head as ONNX: INPUTS as `Head.forward` takes them, any number of pairs, to OUTPUT, (n, 5)."""
    shape = head.shape
    example = tuple(torch.zeros(2, width) for width in (shape.vector, shape.vector, shape.graph, len(shape.numbers)))
    pairs = torch.export.Dim("pairs")
    _written(_Probabilities(head), example, {name: {0: pairs} for name in INPUTS}, OUTPUT, file)


def export_query_encoder(model: Any, folder: Path, out: Path) -> None:
    """Writes the query encoder of a joint embedding as ONNX, its tokenizer, and how queries are read: tokens and where they are held,
    (n, longest), to vectors of length 1, (n, width). `folder`: the joint embedding's."""
    out.mkdir(parents=True, exist_ok=True)
    example = torch.ones(2, 5, dtype=torch.int64), torch.ones(2, 5, dtype=torch.bool)
    rows, longest = torch.export.Dim("rows"), torch.export.Dim("longest")
    _written(model.query, example, {name: {0: rows, 1: longest} for name in QUERY_INPUTS}, QUERY_OUTPUT, out / QUERY_ENCODER)
    for name in TOKENIZER:
        if (folder / name).is_file():
            shutil.copy2(folder / name, out / name)
    read = model.encoder.reading
    about = {"max_tokens": read.max_tokens, "prefix": read.prefixes.get("query", ""), "lower": read.lower}
    (out / READING).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def _written(module: torch.nn.Module, example: tuple[torch.Tensor, ...], shapes: Mapping[str, Any], output: str, file: Path) -> None:
    """The module as one ONNX file; `shapes`: the inputs by name, and which of their dimensions may be of any size."""
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)  # of torchvision, which is not needed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(),
            example,
            input_names=list(shapes),
            output_names=[output],
            dynamic_shapes=dict(shapes),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.save(str(file), external_data=False)


def _session(file: Path, threads: int) -> Any:
    """ONNX Runtime over a file, on so many threads."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    return ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


class ServedQueries:
    """The query encoder of a folder that `export_query_encoder` wrote, in ONNX Runtime, with its tokenizer: no torch, no transformers."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        from tokenizers import Tokenizer

        self._reading = json.loads((folder / READING).read_bytes())
        self._session = _session(folder / QUERY_ENCODER, threads)
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER[0]))
        self._tokenizer.enable_truncation(self._reading["max_tokens"])
        self._tokenizer.enable_padding()

    def vectors(self, queries: Sequence[str]) -> Floats:
        """Vectors of queries, (n, width), fp32; `queries` in the spelling that is a key."""
        texts = [self._reading["prefix"] + (query.lower() if self._reading["lower"] else query) for query in queries]
        read = self._tokenizer.encode_batch(texts)
        fed = {"ids": np.array([one.ids for one in read], np.int64), "held": np.array([one.attention_mask for one in read], bool)}
        found: Floats = self._session.run([QUERY_OUTPUT], fed)[0]
        return found


class Served:
    """The head of a student's folder in ONNX Runtime, on so many threads."""

    def __init__(self, file: Path, threads: int = 1) -> None:
        self._session = _session(file, threads)
        self._takes = {one.name for one in self._session.get_inputs()}

    def probabilities(self, query: Floats, text: Floats, graph: Floats, numbers: Floats) -> Floats:
        """Probabilities of the grades 1 .. 5, (n, 5), fp32."""
        given = dict(zip(INPUTS, (query, text, graph, numbers), strict=True))
        # A head without an embedding of the entity alone has no such input.
        fed = {name: np.ascontiguousarray(values, np.float32) for name, values in given.items() if name in self._takes}
        found: Floats = self._session.run([OUTPUT], fed)[0]
        return found
