"""One phase of training by transformers' Trainer: a network learns what its pairs are labelled with; a killed phase goes on."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import EarlyStoppingCallback, EvalPrediction, PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from models.ordinal import Floats
from models.recipe import Recipe
from models.teacher import GRADES, Pair, Pooled, Pooling, padded

Say = Callable[[str], None]
LOOKS = 10
"""How often a phase is saved, and looks at the validation pairs."""
LEAST = 8
"""Steps between two of them at least: a large model takes longer to be saved than to take a step."""
FASTER = 1.1
"""Times faster than fp32 that bf16 must be to be chosen."""
ROUNDS = (2, 5)
"""Steps of a probe in each precision: so many at least, and at most."""
PROBED = 0.05
"""The share of a recipe's minutes after which a probe has had its rounds, once it had the least."""
SURE = 0.3
"""An agreement at the start that is no chance of a few dozen pairs."""
_SECONDS_A_LINE = 15.0


class Regression(Pooled):
    """Some numbers a pair; learns them by their mean squared error."""

    def __init__(self, body: Any, pooling: Pooling, numbers: int) -> None:
        super().__init__(body, pooling, torch.nn.Linear(int(body.config.hidden_size), numbers))

    def loss(self, said: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The mean squared error."""
        return torch.nn.functional.mse_loss(said, labels)


class Labelled(Protocol):
    """What a phase goes through, item by item: each has `input_ids`, by whose number items of one length meet in a batch, and `of`, the
    set itself, which makes a batch of its items."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int) -> dict[str, Any]: ...

    def collated(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """The tensors that the network takes, `labels` among them, (pairs, outputs)."""
        ...


class Trained(Protocol):
    """A network with a body and a head, which have rates of their own. Called with `labels`, it returns `loss` and `logits`."""

    body: Any
    head: torch.nn.Module


@dataclass(frozen=True)
class Graded:
    """Pairs as tokens and what is to be said of them: probabilities of the grades, (n, 5), or some numbers, (n, k)."""

    pairs: Sequence[Pair]
    target: Floats
    padding: int = 0

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, place: int) -> dict[str, Any]:
        return {"of": self, "input_ids": self.pairs[place].ids, "pair": self.pairs[place], "target": self.target[place]}

    def collated(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Padded pairs and their labels."""
        batch = padded([row["pair"] for row in rows], self.padding)
        return {**batch, "labels": torch.from_numpy(np.stack([row["target"] for row in rows]).astype(np.float32))}


@dataclass(frozen=True)
class Phase:
    """A part of the training, by its name: what is learnt from, what is looked at, and how many epochs at most."""

    name: str
    learnt: Labelled
    looked_at: Labelled | None
    epochs: float


@dataclass(frozen=True)
class Course:
    """How a phase went: what was seen on the way (step, loss, eval_loss, eval_agreement), the agreement before its first step, None where
    no pairs are looked at, and whether it fell apart and was undone."""

    seen: Sequence[dict[str, float]]
    start: float | None = None
    undone: bool = False


def begun(name: str, work: Path) -> bool:
    """Whether a phase is over, or a checkpoint of it is there."""
    return (work / f"{name}.safetensors").is_file() or _checkpoint(name, work) is not None


def _checkpoint(name: str, work: Path) -> str | None:
    """The newest checkpoint of a phase."""
    return get_last_checkpoint(str(work / name)) if (work / name).is_dir() else None


def run(network: Any, phase: Phase, recipe: Recipe, precision: str, work: Path, say: Say) -> Course:
    """Trains the network (Trained), or takes over what a killed run had; how it went.

    The best look at the validation pairs is kept; where none agrees half as well as the start, the start is, and `say` is told.
    `work` keeps checkpoints until the phase is over, and its weights afterwards.
    """
    work.mkdir(parents=True, exist_ok=True)
    done = work / f"{phase.name}.safetensors"
    if done.is_file():
        network.load_state_dict(load_file(done), strict=False)
        say(f"{phase.name}: taken over from a run before")
        return Course(**json.loads(_about(done)["course"]))
    steps = max(1, round(len(phase.learnt) / recipe.batch_size * phase.epochs))
    looks = phase.looked_at is not None
    checkpoint, start = _checkpoint(phase.name, work), work / f"{phase.name}.start.safetensors"
    trainer = Trainer(
        model=network,
        args=_arguments(phase, recipe, precision, steps, work),
        train_dataset=phase.learnt,
        eval_dataset=phase.looked_at,
        data_collator=lambda rows: rows[0]["of"].collated(rows),
        compute_metrics=_agreement,
        optimizers=(_optimizer(network, recipe), None),
        callbacks=[_Progress(phase.name, steps, say), *([EarlyStoppingCallback(recipe.patience)] if looks else [])],
    )
    trainer.remove_callback(PrinterCallback)
    # It would cut the last batch to as many rows as there are items in it, and an item may hold several pairs.
    trainer.gather_function = trainer.accelerator.gather_for_metrics = trainer.accelerator.gather
    if looks and not start.is_file():
        with torch.random.fork_rng(devices=[]):  # what a killed run goes on to is what the whole one would have come to
            agreed = trainer.evaluate()["eval_agreement"]
        _keep(network, start, {"agreement": str(agreed)})
    if checkpoint:
        say(f"{phase.name}: goes on from {Path(checkpoint).name}")
    trainer.train(resume_from_checkpoint=checkpoint)
    trainer.accelerator.unwrap_model(network, keep_fp32_wrapper=False)  # what follows is computed as when the phase is taken over
    names = ("step", "loss", "eval_loss", "eval_agreement")
    course = Course([{name: float(value) for name, value in one.items() if name in names} for one in trainer.state.log_history])
    if looks:
        agreed = float(_about(start)["agreement"])
        course = replace(course, start=agreed, undone=_fell_apart(course.seen, agreed))
    if course.undone:
        network.load_state_dict(load_file(start), strict=False)
        say(f"{phase.name}: fell apart, no look agreed half as well as the start, which is kept; a lower rate may do better")
    _keep(network, done, {"course": json.dumps(asdict(course))})
    return course


def _arguments(phase: Phase, recipe: Recipe, precision: str, steps: int, work: Path) -> TrainingArguments:
    """How the Trainer goes through a phase: its steps, when it looks and saves, and its rate over time."""
    every = max(LEAST, steps // LOOKS)
    looks = phase.looked_at is not None
    return TrainingArguments(
        output_dir=str(work / phase.name),
        max_steps=steps,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=recipe.batch_size * 2,
        train_sampling_strategy="group_by_length",
        lr_scheduler_type="linear",
        warmup_steps=max(1, steps // 10),
        weight_decay=0.01,
        max_grad_norm=1.0,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        eval_strategy="steps" if looks else "no",
        eval_steps=every,
        logging_steps=every,
        load_best_model_at_end=looks,
        metric_for_best_model="eval_agreement" if looks else None,
        greater_is_better=True if looks else None,
        seed=recipe.seed,
        data_seed=recipe.seed,
        use_cpu=not torch.cuda.is_available(),
        bf16=precision == "bf16",
        dataloader_pin_memory=torch.cuda.is_available(),
        remove_unused_columns=False,
        label_names=["labels"],
        report_to="none",
        disable_tqdm=True,
    )


def _fell_apart(seen: Sequence[dict[str, float]], before: float) -> bool:
    """Whether the best look agrees with people not half as well as the network did at the start."""
    return before > SURE and max((one["eval_agreement"] for one in seen if "eval_agreement" in one), default=0.0) < before / 2


def _about(file: Path) -> dict[str, str]:
    """What `_keep` wrote beside the weights."""
    with safe_open(file, "pt") as held:
        return dict(held.metadata())


def _keep(network: torch.nn.Module, file: Path, about: dict[str, str]) -> None:
    """Writes the weights that were open to training, whole or not at all."""
    unfinished = file.with_suffix(f".{os.getpid()}")
    save_file({name: weight.detach().contiguous().cpu() for name, weight in _learnt(network).items()}, unfinished, about)
    unfinished.replace(file)


def _learnt(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The weights that were open to training, by name."""
    return {name: weight for name, weight in network.named_parameters() if weight.requires_grad}


def _agreement(seen: EvalPrediction) -> dict[str, float]:
    """How expected grades go with people's, as a correlation.

    Not the loss: a network that grows too sure of its grades has a higher one, though it orders pairs better, and the blend mends that.
    """
    grades = np.arange(GRADES)
    logits, target = np.asarray(seen.predictions, np.float64), np.asarray(seen.label_ids, np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    said, wanted = odds @ grades / odds.sum(axis=1), target @ grades
    varied = np.isfinite(said).all() and said.std() > 0 and wanted.std() > 0
    return {"agreement": float(np.corrcoef(said, wanted)[0, 1]) if varied else 0.0}


def _optimizer(network: Trained, recipe: Recipe) -> torch.optim.Optimizer:
    head = list(network.head.parameters())
    body = [weight for weight in network.body.parameters() if weight.requires_grad]
    return torch.optim.AdamW([{"params": body, "lr": recipe.rate}, {"params": head, "lr": recipe.head_rate}], weight_decay=0.01)


class _Progress(TrainerCallback):
    """A line each so many seconds: steps, agreement on the validation pairs, the time left."""

    def __init__(self, name: str, steps: int, say: Say) -> None:
        self._name, self._steps, self._say = name, steps, say
        self._started, self._first, self._told, self._loss = 0.0, 0, 0.0, ""

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._started = self._told = time.monotonic()
        self._first = state.global_step

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **more: Any) -> None:
        self._loss = f", agreement {metrics['eval_agreement']:.3f}"

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        now, step = time.monotonic(), state.global_step
        if now - self._told >= _SECONDS_A_LINE or step == self._steps:
            left = (now - self._started) / max(step - self._first, 1) * (self._steps - step)
            self._say(f"{self._name}: step {step} of {self._steps}{self._loss}; about {left:.0f} s left")
            self._told = now


def paces(network: Any, learnt: Labelled, recipe: Recipe) -> dict[str, float]:
    """Seconds of a training step on items of median length, by precision, of those that the recipe allows; nothing is learnt.

    The least of some rounds in which each precision has its turn, so that another program's load for a while does not decide; fewer rounds
    where the recipe's minutes are few.
    """
    order = np.argsort([len(learnt[place]["input_ids"]) for place in range(len(learnt))], kind="stable")
    middle = [int(place) for place in order[len(order) // 2 :][: recipe.batch_size]]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network.to(device).train()
    batch = {name: tensor.to(device) for name, tensor in learnt.collated([learnt[place] for place in middle]).items()}
    found = dict.fromkeys(("fp32", "bf16") if recipe.precision == "auto" else (recipe.precision,), float("inf"))
    begun = time.perf_counter()
    for n in range(ROUNDS[1]):
        if n >= ROUNDS[0] and time.perf_counter() - begun > PROBED * recipe.minutes * 60:
            break
        for precision, least in found.items():
            started = time.perf_counter()
            with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
                network(**batch)["loss"].backward()
            network.zero_grad(set_to_none=True)
            found[precision] = min(least, (time.perf_counter() - started) * recipe.batch_size / len(middle))
    return found


def fastest(found: dict[str, float]) -> str:
    """The precision of the fastest steps; fp32 unless the other one is clearly faster."""
    if len(found) == 1:
        return next(iter(found))
    return "bf16" if found["bf16"] * FASTER <= found["fp32"] else "fp32"
