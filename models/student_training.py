"""Trains a student from labelled pairs: first the head over the encoder as it is, then both, then the head anew.

1. Vectors of all queries and texts, by the encoder as it is; the head learns the labels from them (linear probing, arXiv 2202.10054).
2. Where the recipe has minutes for it, encoder and head learn the labels together, from query and text alone (models/bi_encoder.py).
3. Vectors by the tuned encoder; the head learns again, with all that tables know, which is hidden at random.

What is done is found again after a kill: the tuning by its checkpoints, the rest takes seconds.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import set_seed

from models import bi_encoder, fine_tuning
from models.bi_encoder import BiEncoder, Texts
from models.encoder import Encoder
from models.fine_tuning import Phase
from models.progress import Clock, Say, Seldom
from models.recipe import Recipe, StudentRecipe
from models.specs import ModelError
from models.student import Floats, Head, Pairs, Shape, save

_GRADES = np.arange(1, 6)
_TEXTS_A_BATCH = 16
COMPARED, APART = 8, 0.02
"""So many vectors of a table are compared with the encoder's own, and so far their cosine may be from 1: other precisions are nearer."""


@dataclass(frozen=True)
class Examples:
    """Labelled pairs: distinct queries and texts, each pair's places among them, probabilities of the grades (n, 5), what each pair counts,
    the embedding of the entity alone (n, width) and the numbers (n, k), nan where not known."""

    queries: Sequence[str]
    texts: Sequence[str]
    query_of: npt.NDArray[np.int64]
    text_of: npt.NDArray[np.int64]
    target: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    graph: Floats
    numbers: Floats
    query_vectors: Floats | None = None
    """Those of the distinct queries by the encoder as it is, where they were made before; nan where one was not."""
    text_vectors: Floats | None = None

    def __len__(self) -> int:
        return len(self.query_of)

    def pairs(self, queries: Floats, texts: Floats) -> Pairs:
        """The pairs with vectors of the distinct queries and texts."""
        return Pairs(queries, texts, self.query_of, self.text_of, self.graph, self.numbers)


def train(
    learnt: Examples,
    looked_at: Examples,
    encoder: Path,
    names: Sequence[str],
    shown: int,
    recipe: StudentRecipe,
    work: Path,
    out: Path,
    say: Say,
) -> dict[str, Any]:
    """Writes the folder of a student; returns how it went: the tuning, agreement with validation labels, seconds by part.

    `names`: of the numbers, of which a file's pairs have the first `shown`. ModelError where there is nothing to learn from or look at.
    """
    folder, head, told = tuned(learnt, looked_at, encoder, names, shown, recipe, work, say)
    save(out, folder, head, recipe.max_tokens)
    return told


def tuned(
    learnt: Examples, looked_at: Examples, encoder: Path, names: Sequence[str], shown: int, recipe: StudentRecipe, work: Path, say: Say
) -> tuple[Path, Head, dict[str, Any]]:
    """(the folder of the tuned encoder, or `encoder` where that agrees better as it was; a head over it; how it went), as in `train`."""
    if not len(learnt) or not len(looked_at):
        raise ModelError(f"{len(learnt)} labelled pairs of training queries and {len(looked_at)} of validation queries: both are needed")
    work.mkdir(parents=True, exist_ok=True)
    clock = Clock()
    set_seed(recipe.seed)
    model = Encoder.loaded(encoder, max_tokens=recipe.max_tokens)
    shape = Shape(model.dim, learnt.graph.shape[1], tuple(names))
    told: dict[str, Any] = {}
    head, agreed = _fitted(model, _sound(model, learnt, say), _sound(model, looked_at, say), shape, shown, recipe, say)
    clock.lap("head")
    told["frozen"] = {"agreement": agreed}
    folder = encoder
    if recipe.encoder_minutes:
        told["tuning"] = _tuned(model, head, learnt, looked_at, shown, recipe, work, say)
        clock.lap("encoder")
        folder = work / "encoder"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(encoder, folder)
        model.model.float().save_pretrained(folder)
        before = head, agreed
        anew = [replace(part, query_vectors=None, text_vectors=None) for part in (learnt, looked_at)]
        head, agreed = _fitted(model, anew[0], anew[1], shape, shown, recipe, say)
        clock.lap("head again")
        told["tuned"] = {"agreement": agreed}
        if agreed < before[1]:
            say(f"the tuned encoder agrees by {agreed:.3f}, as it was by {before[1]:.3f}: it is kept as it was")
            folder, (head, agreed) = encoder, before
    return folder, head, {**told, "agreement": agreed, "pairs": len(learnt), "seconds": clock.laps}


def fitted(
    learnt: Pairs,
    target: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
    looked_at: Pairs,
    wanted: npt.NDArray[np.float64],
    shape: Shape,
    shown: int,
    recipe: StudentRecipe,
) -> tuple[Head, float]:
    """The head that agrees best with the labels of `looked_at`, and by how much: the mean correlation of expected grades, with all
    that is known and with query and text alone. The same for the same rows, seed and threads."""
    torch.manual_seed(recipe.seed)
    luck = np.random.default_rng(recipe.seed)
    head = Head(shape)
    counted = np.flatnonzero(weight > 0)
    head.standardise(*(tensor for n, tensor in enumerate(learnt.tensors(counted)) if n != 2))
    softened = _softened(target, recipe.temperature)
    steps = max(1, -(-len(counted) // recipe.batch_size)) * recipe.epochs
    optimizer = torch.optim.AdamW(head.parameters(), lr=recipe.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, total_steps=steps, pct_start=0.1)
    best: tuple[float, dict[str, torch.Tensor]] | None = None
    since = 0
    for _ in range(recipe.epochs):
        head.train()
        order = luck.permutation(counted)
        for start in range(0, len(order), recipe.batch_size):
            places = order[start : start + recipe.batch_size]
            query, text, graph, numbers = learnt.tensors(places)
            hidden = torch.from_numpy(luck.random(len(places)) < recipe.drop_tables)
            graph[hidden], numbers[hidden, shown:] = float("nan"), float("nan")
            logits = head(query, text, graph, numbers) / recipe.temperature
            wanted_now = torch.from_numpy(softened[places].astype(np.float32))
            error = bi_encoder.loss(logits, wanted_now, torch.from_numpy(weight[places].astype(np.float32))) * recipe.temperature**2
            optimizer.zero_grad(set_to_none=True)
            error.backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        now = agreement(head, looked_at, wanted, shown)
        if best is None or now > best[0]:
            best, since = (now, {name: weight_now.clone() for name, weight_now in head.state_dict().items()}), 0
        else:
            since += 1
        if since >= recipe.patience:
            break
    assert best is not None
    head.load_state_dict(best[1])
    return head.eval(), best[0]


def agreement(head: Head, pairs: Pairs, wanted: npt.NDArray[np.float64], shown: int) -> float:
    """How expected grades go with those of the labels, as a correlation: the mean of all known and of query and text alone."""
    with_tables = probabilities(head, pairs) @ _GRADES
    numbers = pairs.numbers.copy()
    numbers[:, shown:] = np.nan
    alone = probabilities(head, replace(pairs, numbers=numbers, graph=np.full_like(pairs.graph, np.nan))) @ _GRADES
    return float(np.mean([_correlation(said, wanted @ _GRADES) for said in (with_tables, alone)]))


def probabilities(head: Head, pairs: Pairs) -> npt.NDArray[np.float64]:
    """Probabilities of the grades, (n, 5)."""
    head.eval()
    found = np.zeros((len(pairs), 5))
    with torch.inference_mode():
        for start in range(0, len(pairs), 8_192):
            places = np.arange(start, min(start + 8_192, len(pairs)))
            found[places] = head(*pairs.tensors(places)).softmax(1).numpy()
    return found


def _correlation(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


def _softened(target: npt.NDArray[np.float64], temperature: float) -> npt.NDArray[np.float64]:
    if temperature == 1:
        return target
    found: npt.NDArray[np.float64] = np.clip(target, 1e-12, None) ** (1 / temperature)
    return found / found.sum(axis=1, keepdims=True)


def _fitted(
    model: Encoder, learnt: Examples, looked_at: Examples, shape: Shape, shown: int, recipe: StudentRecipe, say: Say
) -> tuple[Head, float]:
    """The head over the encoder's vectors of all pairs, and how far it agrees with the validation labels."""
    own, looks = (_read(model, part, say) for part in (learnt, looked_at))
    head, agreed = fitted(own, learnt.target, learnt.weight, looks, looked_at.target, shape, shown, recipe)
    say(f"head: agreement {agreed:.3f} with {len(looked_at)} validation pairs")
    return head, agreed


def _read(model: Encoder, part: Examples, say: Say) -> Pairs:
    """The pairs with vectors: those that were made before, and the encoder's of the rest."""
    sides = []
    for texts, known, role in ((part.queries, part.query_vectors, "query"), (part.texts, part.text_vectors, "document")):
        found = np.full((len(texts), model.dim), np.nan, np.float32) if known is None else known.copy()
        left = np.flatnonzero(np.isnan(found[:, 0]))
        if len(left):
            found[left] = vectors(model, [texts[int(place)] for place in left], role, say)
        sides.append(found)
    return part.pairs(*sides)


def vectors(model: Encoder, texts: Sequence[str], role: Any, say: Say) -> Floats:
    """Vectors of length 1 of the texts, (n, dim), fp32."""
    seldom = Seldom(say)
    return model.all_vectors(texts, role, lambda done: seldom(lambda: f"vectors: {done} of {len(texts)} texts read"))


def _sound(model: Encoder, part: Examples, say: Say) -> Examples:
    """The examples without vectors that another encoder made, or that was asked in another way: a few are compared."""
    for texts, known, role in ((part.queries, part.query_vectors, "query"), (part.texts, part.text_vectors, "document")):
        if known is None:
            continue
        places = [int(place) for place in np.flatnonzero(~np.isnan(known[:, :1]).any(axis=1))[:COMPARED]]
        own = vectors(model, [texts[place] for place in places], role, say)
        if known.shape[1] != model.dim or (places and float((own * known[places]).sum(axis=1).min()) < 1 - APART):
            say("the vectors of the table are another encoder's: they are made anew")
            return replace(part, query_vectors=None, text_vectors=None)
    return part


def _tuned(
    model: Encoder, head: Head, learnt: Examples, looked_at: Examples, shown: int, recipe: StudentRecipe, work: Path, say: Say
) -> Mapping[str, Any]:
    """How the tuning went; the encoder's weights are those of its best look."""
    model.model.requires_grad_(True)
    model.model.get_input_embeddings().weight.requires_grad_(False)
    nothing = (np.zeros((len(learnt.queries), model.dim), np.float32), np.zeros((len(learnt.texts), model.dim), np.float32))
    sets = []
    for part, own in ((learnt, learnt.pairs(*nothing)), (looked_at, looked_at.pairs(*nothing))):
        sets.append(Texts.of(model, part.queries, part.texts, own, part.target, part.weight, shown))
    network = BiEncoder(model, head.requires_grad_(True))
    rule = Recipe(
        batch_size=_TEXTS_A_BATCH,
        epochs=recipe.encoder_epochs,
        rate=recipe.encoder_rate,
        head_rate=recipe.rate / 2,
        max_tokens=recipe.max_tokens,
        minutes=recipe.encoder_minutes,
        patience=fine_tuning.LOOKS,  # agreement falls while the rate is high and comes back when it is low: its minutes end a tuning
        seed=recipe.seed,
    )
    plan = work / "plan.json"
    if not plan.is_file():
        found = fine_tuning.paces(network, sets[0], rule)
        precision = fine_tuning.fastest(found)
        steps = len(sets[0]) / rule.batch_size * rule.epochs
        share = min(1.0, rule.minutes * 60 / (steps * found[precision]))
        plan.write_text(json.dumps({"precision": precision, "share": share, "seconds": steps * share * found[precision]}))
    planned = json.loads(plan.read_bytes())
    say(
        f"{len(learnt)} pairs of {len(learnt.texts)} texts, {rule.epochs * planned['share']:.1f} epochs in {planned['precision']}: "
        f"about {planned['seconds'] / 60:.0f} min"
    )
    course = fine_tuning.run(
        network, Phase("encoder", sets[0], sets[1], rule.epochs * planned["share"]), rule, planned["precision"], work, say
    )
    model.model.eval().requires_grad_(False).cpu()
    return {"plan": planned, "course": asdict(course)}
