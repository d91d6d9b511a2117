"""The student: reads what is known of a query and an entity and tells probabilities of five grades (arXiv 2410.17152, 3.3).

Query and text stand apart: an encoder makes a vector of each, those of texts beforehand. A feed-forward network reads both vectors, their
product, an embedding of the entity alone, and numbers; what is not known is nan and says so itself. So the same student reads pairs that
tables know everything of and pairs of a file, of which there is a query and a text.

A folder of a student is the encoder's (config.json, model.safetensors, tokenizer, modules.json) with `head.safetensors`, `head.onnx` and
`student.json` beside.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file

from models.encoder import Encoder
from models.kinds import STUDENT as READING
from models.kinds import is_student
from models.specs import ModelError
from models.teacher import GRADES

HEAD, SERVED = "head.safetensors", "head.onnx"
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """What a head reads: the width of vectors and of the embedding of the entity alone (0: none), the names of the numbers; and how wide it
    is."""

    vector: int
    graph: int
    numbers: tuple[str, ...]
    narrow: int = 32
    hidden: int = 128
    dropout: float = 0.2


class Head(torch.nn.Module):
    """Vectors and numbers of pairs to five logits. The transform of features is a part of it: serving cannot differ from training."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        inputs = len(shape.numbers) + 1  # and the cosine
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("deviation", torch.ones(inputs))
        narrow = {"query": shape.vector, "text": shape.vector, "product": shape.vector, **({"graph": shape.graph} if shape.graph else {})}
        self.narrow = torch.nn.ModuleDict({name: torch.nn.Linear(width, shape.narrow) for name, width in narrow.items()})
        self.wide = torch.nn.Linear(2 * inputs, GRADES)
        self.deep = torch.nn.Sequential(
            torch.nn.Linear(2 * inputs + shape.narrow * len(narrow), shape.hidden),
            torch.nn.ReLU(),
            torch.nn.Dropout(shape.dropout),
            torch.nn.Linear(shape.hidden, shape.hidden // 2),
            torch.nn.ReLU(),
            torch.nn.Dropout(shape.dropout),
            torch.nn.Linear(shape.hidden // 2, GRADES),
        )

    def standardise(self, query: torch.Tensor, text: torch.Tensor, numbers: torch.Tensor) -> None:
        """Takes means and deviations over the known values of these pairs; arguments as `forward` has them."""
        values = torch.cat([(query * text).sum(1, keepdim=True), numbers], 1).double()
        known = ~values.isnan()
        n = known.sum(0).clamp(min=1)
        mean = torch.where(known, values, 0.0).sum(0) / n
        deviation = (torch.where(known, values - mean, 0.0).square().sum(0) / n).sqrt()
        self.mean.copy_(mean)
        self.deviation.copy_(torch.where(deviation > 1e-6, deviation, 1.0))

    def forward(self, query: torch.Tensor, text: torch.Tensor, graph: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        """Logits of the grades 1 .. 5, (n, 5). `query`, `text`: (n, vector), of length 1; `graph`: (n, graph), `numbers`:
        (n, numbers), nan where not known."""
        product = query * text
        values = torch.cat([product.sum(1, keepdim=True), numbers], 1)
        missing = torch.isnan(values)
        told = torch.where(missing, torch.zeros_like(values), (values - self.mean) / self.deviation).clamp(-5.0, 5.0)
        inputs = torch.cat([told, missing.to(told.dtype)], 1)
        width = float(self.shape.vector) ** 0.5  # a vector of length 1 has small numbers: each is made about 1
        narrow = [self.narrow["query"](query * width), self.narrow["text"](text * width), self.narrow["product"](product * width * width)]
        if self.shape.graph:
            narrow.append(
                self.narrow["graph"](torch.where(torch.isnan(graph), torch.zeros_like(graph), graph) * float(self.shape.graph) ** 0.5)
            )
        deep: torch.Tensor = self.deep(torch.cat([inputs, *(torch.relu(one) for one in narrow)], 1))
        return self.wide(inputs) + deep


@dataclass(frozen=True)
class Pairs:
    """Pairs as a head reads them: places of each pair's query and text among vectors that may serve many pairs, and the rest by pair."""

    queries: Floats
    texts: Floats
    query_of: npt.NDArray[np.int64]
    text_of: npt.NDArray[np.int64]
    graph: Floats
    numbers: Floats

    def __len__(self) -> int:
        return len(self.query_of)

    def tensors(self, places: npt.NDArray[np.int64]) -> tuple[torch.Tensor, ...]:
        """What `Head.forward` takes, of the pairs at these places."""
        parts = (self.queries[self.query_of[places]], self.texts[self.text_of[places]], self.graph[places], self.numbers[places])
        return tuple(torch.from_numpy(np.ascontiguousarray(one, np.float32)) for one in parts)


class Student:
    """Pairs to probabilities. Made by `loaded`; safe to use from one thread at a time."""

    def __init__(self, encoder: Encoder, head: Head, max_tokens: int, folder: Path) -> None:
        self.encoder, self.head, self.max_tokens, self.folder = encoder, head, max_tokens, folder

    @classmethod
    def loaded(cls, folder: Path, device: str = "cpu", dtype: str = "fp32") -> Student:
        """The student in the folder; the head always runs in fp32. ModelError where there is none. No code of the folder runs."""
        said = about(folder)
        shape = Shape(**{**said["shape"], "numbers": tuple(said["shape"]["numbers"])})
        head = Head(shape)
        head.load_state_dict(load_file(folder / HEAD))
        encoder = Encoder.loaded(folder, device, dtype, max_tokens=said["max_tokens"])
        return cls(encoder, head.eval().requires_grad_(False), said["max_tokens"], folder)

    def probabilities(self, query: Floats, text: Floats, graph: Floats, numbers: Floats) -> Floats:
        """Probabilities of the grades 1 .. 5, (n, 5), fp32, from what `Head.forward` takes."""
        with torch.inference_mode():
            logits = self.head(*(torch.from_numpy(np.ascontiguousarray(one, np.float32)) for one in (query, text, graph, numbers)))
            found: Floats = logits.softmax(1).numpy()
        return found


def save(folder: Path, encoder: Path, head: Head, max_tokens: int) -> None:
    """Writes the folder that `loaded` reads: the encoder's files, the head as weights and as ONNX, and how pairs are read."""
    from models.served import export

    folder.mkdir(parents=True, exist_ok=True)
    if encoder != folder:
        shutil.copytree(encoder, folder, dirs_exist_ok=True)
    head = head.eval().float().cpu()
    save_file({name: weight.detach().contiguous() for name, weight in head.state_dict().items()}, folder / HEAD)
    (folder / READING).write_text(json.dumps({"shape": asdict(head.shape), "max_tokens": max_tokens}, indent=1) + "\n", encoding="utf-8")
    export(head, folder / SERVED)


def about(folder: Path) -> Mapping[str, Any]:
    """What `save` wrote of the student; ModelError where there is none."""
    if not is_student(folder) or not (folder / HEAD).is_file():
        raise ModelError(f"{folder} is no student: it lacks {READING} or {HEAD}; train one with pinlake run students")
    return dict(json.loads((folder / READING).read_bytes()))
