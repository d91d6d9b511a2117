"""A student's head as ONNX: what an online server runs, with the transform of features inside and without torch."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[np.float32]
INPUTS = ("query", "text", "graph", "numbers")
OUTPUT = "probabilities"


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
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)  # of torchvision, which is not needed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Probabilities(head).eval(),
            example,
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_shapes={name: {0: pairs} for name in INPUTS},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.save(str(file), external_data=False)


class Served:
    """The head of a student's folder in ONNX Runtime, on so many threads."""

    def __init__(self, file: Path, threads: int = 1) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 3
        self._session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self._takes = {one.name for one in self._session.get_inputs()}

    def probabilities(self, query: Floats, text: Floats, graph: Floats, numbers: Floats) -> Floats:
        """Probabilities of the grades 1 .. 5, (n, 5), fp32."""
        given = dict(zip(INPUTS, (query, text, graph, numbers), strict=True))
        # A head without an embedding of the entity alone has no such input.
        fed = {name: np.ascontiguousarray(values, np.float32) for name, values in given.items() if name in self._takes}
        found: Floats = self._session.run([OUTPUT], fed)[0]
        return found
