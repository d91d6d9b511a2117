"""Trains queries, pins and products into one space, several tasks at once (OmniSearchSage, arXiv 2404.16260, 3.4 and 3.5).

Entities' own words come first (models/embedding_warm_start.py). A step has a batch of each task, by its share of all pairs, and random
entities. Distinct queries and entities are read once for all tasks.
Each task's loss is a sampled softmax over the batch and one over the random entities; queries learn the embeddings that exist already in
the same way. In one process, or in several by torchrun. A killed training goes on from its newest checkpoint.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from models.embedding_batches import Batch, K, Looked, Steps, vocabulary_of
from models.embedding_warm_start import warm
from models.encoder import Encoder
from models.omnisearchsage import EXISTING, OmniSearchSage
from models.progress import Clock, Say, Seldom
from models.recipe import EmbeddingRecipe
from models.sampled_softmax import Meeting, SearchLoss
from models.specs import ModelError
from schemas.embeddings import TASKS, TOKENS

NEWEST, WARM, TOLD = "newest.pt", "warm.pt", "told.json"
LOOKS, PROBED = 10, 3
"""How often validation pairs are looked at, and steps by which the pace is measured."""
KEEP_SECONDS = 60.0
"""At a look this long after the last checkpoint there is a new one: it is three times as large as the networks."""


class Network(torch.nn.Module):
    """Both encoders and the losses of all tasks: a batch to one number."""

    def __init__(self, model: OmniSearchSage, tasks: Sequence[str], recipe: EmbeddingRecipe) -> None:
        super().__init__()
        self.query, self.entity, self.recipe, self.encoder = model.query, model.entity, recipe, [model.encoder]
        compatible = [f"{task}_compatible" for task in tasks if TASKS[task] in EXISTING_OF] if recipe.compatible else []

        def loss(nested: Sequence[int]) -> SearchLoss:
            return SearchLoss(recipe.temperature, recipe.sketch, nested)

        # Vectors that exist already have their own width.
        self.losses = torch.nn.ModuleDict({name: loss(() if name in compatible else recipe.nested) for name in (*tasks, *compatible)})

    def train(self, mode: bool = True) -> Network:
        """The language model drops nothing out: vectors of different queries are less apart than what that changes."""
        super().train(mode)
        self.query.body.eval()
        return self

    def forward(self, batch: Batch) -> torch.Tensor:
        """The sum of the losses, each by its weight."""
        encoder = self.encoder[0]
        queries = self.query(*encoder.padded(encoder.tokens(batch.queries, "query")))
        found = self.entity(*batch.entities.tensors())
        existing = dict(zip(EXISTING, torch.from_numpy(batch.entities.existing).split(list(EXISTING.values()), 1), strict=True))
        total, weights = queries.new_zeros(()), dict(zip(TASKS, self.recipe.weights, strict=True))
        for task, met in batch.met.items():
            places, ids = [torch.from_numpy(one) for one in met[:3]], [torch.from_numpy(one) for one in met[3:]]
            of = queries if task == "query_query" else found
            weight = weights[task]
            total = total + weight * self.losses[task](Meeting(queries[places[0]], of[places[1]], of[places[2]], *ids))
            if f"{task}_compatible" in self.losses:
                fixed = torch.nn.functional.normalize(existing[EXISTING_OF[TASKS[task]]], dim=1)
                total = total + weight * self._compatible(f"{task}_compatible", queries, fixed, places, ids)
        return total

    def _compatible(
        self, name: str, queries: torch.Tensor, fixed: torch.Tensor, places: Sequence[torch.Tensor], ids: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """The loss against embeddings that exist already, of the pairs and random entities that have one."""
        query, positive, negative = places
        known = fixed.any(1)
        have = {"positive_known": known[positive], "negative_known": known[negative]}
        met = Meeting(queries[query], fixed[positive], fixed[negative], *ids, **have)
        found: torch.Tensor = self.losses[name](met)
        return found


EXISTING_OF = {"pin": "graphs", "product": "item"}
"""The embedding that exists already of pins and of products."""


def train(rows: Path, encoder: Path, recipe: EmbeddingRecipe, work: Path, out: Path, say: Say) -> dict[str, Any]:
    """Fills `out` with the joint embedding that the rows make; how it went. `work` keeps what a killed run needs."""
    clock = Clock()
    rank, ranks = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    model = _fresh(rows, encoder, recipe)
    _open(model, recipe.query_layers)
    steps = Steps(rows, recipe, model.vocabulary, rank, ranks)
    looked = Looked.of(rows, model.vocabulary)
    network = Network(model, [task for task in TASKS if task in steps.loaders], recipe)
    clock.lap("rows")
    _started(model, rows, recipe, work, say)
    clock.lap("own words")
    spent = clock.laps["own words"]
    course = _run(network, model, steps, looked, recipe, recipe.minutes * 60 - spent, work, say if rank == 0 else lambda line: None)
    clock.lap("steps")
    if rank == 0:
        model.save(out, encoder)
    return {
        **course,
        "pairs": steps.pairs,
        "vocabulary": {gram: len(own) for gram, own in model.vocabulary.tokens.items()},
        "seconds": clock.laps,
    }


def _fresh(rows: Path, encoder: Path, recipe: EmbeddingRecipe) -> OmniSearchSage:
    vocabulary = vocabulary_of(rows / TOKENS)
    if not len(vocabulary):
        raise ModelError("the vocabulary is empty: there is no text of any pin or product")
    widths = {"width": recipe.width, "table": recipe.table, "hidden": recipe.hidden}
    return OmniSearchSage.fresh(Encoder.loaded(encoder, max_tokens=recipe.max_tokens), vocabulary, recipe.seed, **widths)


def _started(model: OmniSearchSage, rows: Path, recipe: EmbeddingRecipe, work: Path, say: Say) -> None:
    """The model has learnt entities' own words: now, or before a kill; of several processes the one that starts the others did it."""
    if not recipe.warm_queries or (work / NEWEST).is_file():
        return
    towers = torch.nn.ModuleDict({"out": model.query.out, "entity": model.entity})
    if (work / WARM).is_file():
        towers.load_state_dict(torch.load(work / WARM, weights_only=True))
        return
    warm(model, rows, recipe, say)
    unfinished = work / f"{WARM}.{os.getpid()}"
    torch.save(towers.state_dict(), unfinished)
    unfinished.replace(work / WARM)


def _open(model: OmniSearchSage, layers: int) -> None:
    """Lets the last layers of the language model learn, and all that is no language model."""
    model.query.body.requires_grad_(False)
    stack = next((one for one in model.query.body.modules() if isinstance(one, torch.nn.ModuleList) and len(one) > 1), None)
    for layer in list(stack)[len(stack) - layers :] if stack is not None and layers else ():
        layer.requires_grad_(True)


def _run(
    network: Network,
    model: OmniSearchSage,
    steps: Steps,
    looked: Looked,
    recipe: EmbeddingRecipe,
    seconds: float,
    work: Path,
    say: Say,
) -> dict[str, Any]:
    """Takes the steps; the networks are as they were at the best look."""
    whole: Any = network
    if dist.is_initialized():
        whole = torch.nn.parallel.DistributedDataParallel(network, find_unused_parameters=True)
    optimizer = _optimizer(network, recipe)
    course = _Course.begun(work, network, optimizer, steps, say) or _Course(_planned(whole, network, steps, recipe, seconds))
    schedule, every = _schedule(course.planned), max(1, course.planned // LOOKS)
    seldom, started, first = Seldom(say), time.monotonic(), course.step
    kept = started
    network.train()
    while course.step < course.planned and course.since < recipe.patience:
        for group in optimizer.param_groups:
            group["lr"] = group["height"] * schedule(course.step)
        batch = next(steps)
        loss = whole(batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([one for one in network.parameters() if one.requires_grad], 1.0)
        optimizer.step()
        course.step += 1
        left = (time.monotonic() - started) / (course.step - first) * (course.planned - course.step)
        seldom(lambda loss=loss, left=left: f"step {course.step} of {course.planned}, loss {loss.item():.3f}; about {left:.0f} s left")  # type: ignore[misc]
        if course.step % every == 0 or course.step == course.planned:
            network.eval()
            course.look(looked.recall(model), looked.counts, loss.item(), network, say)
            network.train()
            if time.monotonic() - kept >= KEEP_SECONDS:
                course.keep(work, network, optimizer, steps)
                kept = time.monotonic()
    network.load_state_dict(course.best)
    network.eval()
    return {"steps": course.step, "planned": course.planned, "looks": course.looks}


@dataclass
class _Course:
    """How far a training is: steps planned and taken, its looks, how many of them since the best one, and the weights that it had then."""

    planned: int
    step: int = 0
    since: int = 0
    looks: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)

    def look(self, found: Mapping[str, float], counts: Mapping[str, int], loss: float, network: Network, say: Say) -> None:
        """Notes a look at validation pairs, recall by task; of equal ones, and without any, the newest weights are the best."""
        agreed = sum(found[task] * counts[task] for task in found) / sum(counts.values()) if found else 0.0
        better = all(agreed >= one["mean"] for one in self.looks)
        self.since = 0 if better else self.since + 1
        if better:
            self.best = {name: one.detach().clone() for name, one in network.state_dict().items()}
        self.looks.append({"step": self.step, "loss": loss, "mean": agreed, **{f"recall@{K}_{task}": one for task, one in found.items()}})
        said = ", ".join(f"{task} {one:.3f}" for task, one in found.items())
        say(f"step {self.step} of {self.planned}: recall@{K} of validation pairs {said or 'not measured, there are none'}")

    def keep(self, work: Path, network: Network, optimizer: torch.optim.Optimizer, steps: Steps) -> None:
        """Writes what a killed run goes on from, whole or not at all; one process does."""
        if dist.is_initialized() and dist.get_rank():
            return
        state = {
            "course": {**vars(self)},
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "steps": steps.state_dict(),
        }
        unfinished = work / f"newest.{os.getpid()}"
        torch.save(state, unfinished)
        unfinished.replace(work / NEWEST)

    @classmethod
    def begun(cls, work: Path, network: Network, optimizer: torch.optim.Optimizer, steps: Steps, say: Say) -> _Course | None:
        """What `keep` wrote, network, optimizer and steps as they were then; None where there is nothing."""
        if not (work / NEWEST).is_file():
            return None
        state = torch.load(work / NEWEST, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        steps.load_state_dict(state["steps"])
        say(f"goes on from step {state['course']['step']}")
        return cls(**state["course"])


def _optimizer(network: Network, recipe: EmbeddingRecipe) -> torch.optim.Optimizer:
    """AdamW with a height of the rate for the language model and one for all else."""
    body = [one for one in network.query.body.parameters() if one.requires_grad]
    known = {id(one) for one in network.query.body.parameters()}
    rest = [one for one in network.parameters() if id(one) not in known]
    groups: list[dict[str, Any]] = [{"params": rest, "height": recipe.rate}]
    groups += [{"params": body, "height": recipe.encoder_rate}] if body else []
    return torch.optim.AdamW(groups, weight_decay=0.01)


def _schedule(planned: int) -> Callable[[int], float]:
    """The rate's share at a step: it rises over the first tenth, and then falls to 0."""
    rise = max(1, planned // 10)
    return lambda step: min((step + 1) / rise, (planned - step) / max(1, planned - rise))


def _planned(whole: Any, network: Network, steps: Steps, recipe: EmbeddingRecipe, seconds: float) -> int:
    """How many steps there are: of all epochs, or as many as the seconds have room for by the pace of the first; nothing is learnt."""
    epochs = max(1, round(steps.pairs / recipe.batch_size * recipe.epochs))
    before = steps.state_dict(), {name: one.detach().clone() for name, one in network.state_dict().items()}
    taken = []
    for _ in range(PROBED):
        started = time.monotonic()
        whole(next(steps)).backward()
        taken.append(time.monotonic() - started)
    network.zero_grad(set_to_none=True)
    steps.load_state_dict(before[0])
    network.load_state_dict(before[1])  # the counts of what was seen
    planned = torch.tensor(min(epochs, max(1, int(seconds / min(taken)))))
    if dist.is_initialized():
        dist.broadcast(planned, 0)
    return int(planned)


def main() -> None:
    """A process of torchrun: trains what a file says, `python -m torch.distributed.run -m models.embedding_training FILE`."""
    given = json.loads(Path(sys.argv[1]).read_bytes())
    paths = {name: Path(given[name]) for name in ("rows", "encoder", "work", "out")}
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given["recipe"].items()}
    recipe = EmbeddingRecipe(**fields)
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // dist.get_world_size()))
    told = train(paths["rows"], paths["encoder"], recipe, paths["work"], paths["out"], lambda line: print(line, flush=True))
    if dist.get_rank() == 0:
        (paths["work"] / TOLD).write_text(json.dumps(told) + "\n", encoding="utf-8")
    dist.destroy_process_group()


def together(rows: Path, encoder: Path, recipe: EmbeddingRecipe, work: Path, out: Path, say: Say) -> dict[str, Any]:
    """As `train`, by `recipe.processes` of torchrun; ModelError where one of them fails."""
    began = time.monotonic()
    _started(_fresh(rows, encoder, recipe), rows, recipe, work, say)
    recipe = replace(recipe, minutes=max(recipe.minutes - (time.monotonic() - began) / 60, 0.01))
    file = work / "together.json"
    file.write_text(json.dumps({"rows": str(rows), "encoder": str(encoder), "recipe": asdict(recipe), "work": str(work), "out": str(out)}))
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={recipe.processes}",
        "-m",
        __name__,
        str(file),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            say(line.rstrip())
    if running.returncode:
        raise ModelError(f"{' '.join(command[1:])} ended with {running.returncode}; its errors stand above")
    told: dict[str, Any] = json.loads((work / TOLD).read_bytes())
    return told


if __name__ == "__main__":
    main()
