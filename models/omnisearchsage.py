"""Queries, pins and products in one space (OmniSearchSage, arXiv 2404.16260): the networks, and a folder of them.

A query is read by a language model (3.3.1), a pin or product by one network that both share (3.3.2): nineteen fields of text as bags of
hashed tokens, summed, beside the embeddings that exist already, through a feed-forward network. All vectors have length 1.

A folder is the language model's (config.json, model.safetensors, tokenizer) with `towers.safetensors`, `omnisearchsage.json` and
`vocabularies/` beside.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from safetensors.torch import load_file, save_file

from models.bags import Bags, Vocabulary
from models.columns import bytes_of
from models.encoder import Encoder, by_length, pooled
from models.kinds import EMBEDDER, is_embedder
from models.specs import ModelError
from schemas.embeddings import BITS, GRAMS, NAMES, VECTORS, WIDTH

TOWERS, VOCABULARIES = "towers.safetensors", "vocabularies"
EXISTING = {"graphs": WIDTH, "item": WIDTH, "visuals": BITS}
"""Numbers that the network has of each embedding that exists already; 0 where there is none."""
BLOCK = 1_024
"""Entities that are read at a time."""
_PRIME = (1 << 31) - 1
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """What the networks read, and how wide they are: ids of the vocabulary, numbers of the language model's states; rows of the hash table
    and hashes of an id (Hash Embeddings, arXiv 1709.03933), the vectors' width, the hidden layers'."""

    vocabulary: int
    states: int
    table: int = 100_000
    hashes: int = 2
    width: int = 256
    hidden: int = 1_024


class HashedBags(torch.nn.Module):
    """Bags of ids to vectors: each id has rows of one table, by as many hashes, weighed by what is learnt of the id alone, and summed."""

    factors: torch.Tensor

    def __init__(self, vocabulary: int, table: int, width: int, hashes: int) -> None:
        super().__init__()
        self.table = torch.nn.EmbeddingBag(table, width, mode="sum")
        self.importance = torch.nn.Embedding(max(vocabulary, 1), hashes)
        self.norm = torch.nn.LayerNorm(width)
        torch.nn.init.xavier_normal_(self.table.weight)
        torch.nn.init.normal_(self.importance.weight)
        luck = torch.Generator().manual_seed(2404)
        self.register_buffer("factors", torch.randint(1, _PRIME, (2, hashes), generator=luck))

    def forward(self, ids: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """(bags, width); the sum of an empty bag is 0 before the norm."""
        a, b = self.factors
        rows = (ids[:, None] * a + b) % _PRIME % self.table.num_embeddings
        hashes = rows.shape[1]
        found: torch.Tensor = self.norm(self.table(rows.reshape(-1), offsets * hashes, self.importance(ids).reshape(-1)))
        return found


class EntityEncoder(torch.nn.Module):
    """Pins and products to vectors of length 1."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.bags = HashedBags(shape.vocabulary, shape.table, shape.width, shape.hashes)
        inputs = shape.width + sum(EXISTING.values())
        self.deep = torch.nn.Sequential(
            torch.nn.Linear(inputs, shape.hidden),
            torch.nn.ReLU(),
            torch.nn.LayerNorm(shape.hidden),
            torch.nn.Linear(shape.hidden, shape.hidden),
            torch.nn.ReLU(),
            torch.nn.LayerNorm(shape.hidden),
            torch.nn.Linear(shape.hidden, shape.width),
        )

    def forward(self, ids: torch.Tensor, offsets: torch.Tensor, existing: torch.Tensor) -> torch.Tensor:
        """(n, width). `ids`, `offsets`: the bags of all fields of an entity, then those of the next, (n x fields); `existing`: (n,
        EXISTING)."""
        words = self.bags(ids, offsets).view(len(existing), len(NAMES), self.bags.table.embedding_dim).sum(1)
        return torch.nn.functional.normalize(self.deep(torch.cat([words, existing], 1)), dim=1)


class QueryEncoder(torch.nn.Module):
    """Queries to vectors of length 1: a language model, its first token's state or the mean of all, and one linear layer."""

    def __init__(self, encoder: Encoder, width: int) -> None:
        super().__init__()
        self.body, self.pooling = encoder.model, encoder.reading.pooling
        self.out = torch.nn.Linear(encoder.dim, width)

    def forward(self, ids: torch.Tensor, held: torch.Tensor) -> torch.Tensor:
        """(n, width). `ids`, `held`: tokens, and where they are no padding, (n, longest)."""
        states = self.body(input_ids=ids, attention_mask=held.long()).last_hidden_state.float()
        return self.of_states(pooled(states, held, self.pooling))

    def of_states(self, states: torch.Tensor) -> torch.Tensor:
        """(n, width), of what the language model says of each query, (n, states)."""
        return torch.nn.functional.normalize(self.out(states), dim=1)


@dataclass(frozen=True)
class Entities:
    """Pins and products as the network reads them: bags of all fields of one, then of the next, and what exists already, (n, EXISTING)."""

    bags: Bags
    existing: Floats

    def __len__(self) -> int:
        return len(self.existing)

    def taken(self, places: npt.NDArray[np.int64]) -> Entities:
        """Those at the places, in their order."""
        fields = len(self.bags) // max(len(self), 1)
        ends = np.append(self.bags.offsets[1:], len(self.bags.ids))
        bags = (places[:, None] * fields + np.arange(fields)).reshape(-1)
        sizes = (ends - self.bags.offsets)[bags]
        offsets = np.cumsum(sizes) - sizes
        ids = self.bags.ids[np.repeat(self.bags.offsets[bags] - offsets, sizes) + np.arange(sizes.sum())]
        return Entities(Bags(ids, offsets), self.existing[places])

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What `EntityEncoder.forward` takes."""
        return torch.from_numpy(self.bags.ids), torch.from_numpy(self.bags.offsets), torch.from_numpy(self.existing)


def entities(vocabulary: Vocabulary, columns: Mapping[str, pa.Array]) -> Entities:
    """Rows with the columns NAMES and VECTORS as the network reads them. ValueError where a vector has another width."""
    rows = len(columns[NAMES[0]])
    # Field after field of one entity: the places of a table of fields by rows, read by rows.
    fields = pa.concat_arrays([_strings(columns[name]) for name in NAMES])
    order = np.arange(len(NAMES) * rows).reshape(len(NAMES), rows).T.reshape(-1)
    existing = np.concatenate([existing_vectors(columns[name], width) for name, width in EXISTING.items()], axis=1)
    return Entities(vocabulary.bags(fields.take(pa.array(order))), existing)


def _strings(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return (column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column).cast(pa.string())


def existing_vectors(column: pa.Array | pa.ChunkedArray, width: int) -> Floats:
    """The mean of each row's vectors, (n, width), fp16 numbers or bits (as -1 and 1), one vector behind another: of the length of as many
    numbers of size 1, else the words beside them, normalised to that, would drown them; 0 where a row has none."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    data, offsets = bytes_of(whole)
    each = width // 8 if width == BITS else width * 2
    if (np.diff(offsets) % each).any():
        raise ValueError(f"vectors of {width} numbers are wanted")
    numbers, counts = np.unpackbits(data) if width == BITS else data.view("<f2"), np.diff(offsets) // each
    found = np.zeros((len(whole), width), np.float32)
    numbers = numbers.reshape(-1, width).astype(np.float32)
    np.add.at(found, np.repeat(np.arange(len(whole)), counts), numbers * 2 - 1 if width == BITS else numbers)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return np.divide(found * np.float32(np.sqrt(width)), lengths, out=np.zeros_like(found), where=lengths > 0)


class OmniSearchSage:
    """Queries, pins and products to vectors of one space. Made by `loaded`; safe to use from one thread at a time."""

    def __init__(self, encoder: Encoder, vocabulary: Vocabulary, shape: Shape) -> None:
        self.encoder, self.vocabulary, self.shape = encoder, vocabulary, shape
        self.query, self.entity = QueryEncoder(encoder, shape.width), EntityEncoder(shape)

    @classmethod
    def fresh(cls, encoder: Encoder, vocabulary: Vocabulary, seed: int, **widths: int) -> OmniSearchSage:
        """One that has learnt nothing yet, but what its language model knows."""
        torch.manual_seed(seed)
        return cls(encoder, vocabulary, Shape(len(vocabulary), encoder.dim, **widths))

    @classmethod
    def loaded(cls, folder: Path, device: str = "cpu", dtype: str = "fp32") -> OmniSearchSage:
        """The one in the folder; its towers always run in fp32. ModelError where there is none. No code of the folder runs."""
        if not is_embedder(folder) or not (folder / TOWERS).is_file():
            raise ModelError(f"{folder} holds no joint embedding: it lacks {EMBEDDER} or {TOWERS}; train one with pinlake run embeddings")
        said = json.loads((folder / EMBEDDER).read_bytes())
        encoder = Encoder.loaded(folder, device, dtype, pooling=said["pooling"], max_tokens=said["max_tokens"], prefixes=said["prefixes"])
        read = {gram: (folder / VOCABULARIES / f"{gram}.txt").read_text(encoding="utf-8") for gram in GRAMS}
        vocabulary = Vocabulary({gram: text.split("\n")[:-1] for gram, text in read.items()})
        found = cls(encoder, vocabulary, Shape(**said["shape"]))
        found._towers().load_state_dict(load_file(folder / TOWERS))
        for tower in (found.query, found.entity):
            tower.to(device).eval().requires_grad_(False)
        return found

    def _towers(self) -> torch.nn.ModuleDict:
        """All that is learnt but the language model."""
        return torch.nn.ModuleDict({"query": self.query.out, "entity": self.entity})

    def save(self, folder: Path, encoder: Path) -> None:
        """Writes the folder that `loaded` reads; `encoder`: where the language model's files are, of which the weights are these."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(encoder, folder, dirs_exist_ok=True)
        self.encoder.model.float().save_pretrained(folder)
        save_file({name: one.detach().cpu().contiguous() for name, one in self._towers().state_dict().items()}, folder / TOWERS)
        read = self.encoder.reading
        about = {"shape": asdict(self.shape), "pooling": read.pooling, "max_tokens": read.max_tokens, "prefixes": dict(read.prefixes)}
        (folder / EMBEDDER).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        (folder / VOCABULARIES).mkdir(exist_ok=True)
        for gram, tokens in self.vocabulary.tokens.items():  # a line each: no token holds white space
            (folder / VOCABULARIES / f"{gram}.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8", newline="\n")

    def of_queries(self, texts: Sequence[str]) -> Floats:
        """Vectors of queries, (n, width), fp32; `texts` in the spelling that is a key."""
        tokens = self.encoder.tokens(texts, "query")
        found = np.zeros((len(texts), self.shape.width), np.float32)
        for places in by_length([len(ids) for ids in tokens]):
            found[places] = self.of_tokens(*self.encoder.padded([tokens[place] for place in places]))
        return found

    def of_tokens(self, ids: torch.Tensor, held: torch.Tensor) -> Floats:
        """Vectors of queries, (n, width), fp32, whose tokens are padded."""
        device = self.query.out.weight.device
        with torch.inference_mode():
            found: Floats = self.query(ids.to(device), held.to(device)).cpu().numpy()
        return found

    def of_entities(self, some: Entities) -> Floats:
        """Vectors of pins and products, (n, width), fp32."""
        device, found = self.query.out.weight.device, np.zeros((len(some), self.shape.width), np.float32)
        for start in range(0, len(some), BLOCK):
            part = some.taken(np.arange(start, min(start + BLOCK, len(some))))
            with torch.inference_mode():
                found[start : start + BLOCK] = self.entity(*(one.to(device) for one in part.tensors())).cpu().numpy()
        return found


assert tuple(EXISTING) == VECTORS
