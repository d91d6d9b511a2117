"""Trains a teacher from graded pairs: prior, cross-encoder in two phases, the prior's encoder, and how the two readings are weighed.

1. The prior (models/prior.py): one ordinal regression over what untuned encoders measure, fitted on the training queries.
2. Warm start: the cross-encoder learns the prior's measures of pairs that nobody graded, formed among the training queries and texts.
3. Tuning: its head is fitted to what people said, then all of it learns that, as probabilities, until the validation queries gain no more.
4. The prior's first encoder learns the same grades, query and text apart (models/student_training.py). What it then measures of pairs that
   it has learnt is surer than of others, so that its regression is fitted anew on the validation queries.
5. Blend: how much each of the two counts, fitted on the validation queries.

Each part leaves its outcome in the work folder, so that the same call after a kill goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoConfig, set_seed
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from models import adapters, blending, fine_tuning, ordinal, probing, student_training, warm_pairs
from models.encoder import Encoder, by_length, positions
from models.fine_tuning import Graded, Phase, Regression
from models.ordinal import Floats
from models.prior import Prior
from models.progress import Clock, Say, Seldom
from models.recipe import Recipe, StudentRecipe
from models.specs import ModelError
from models.teacher import Network, Reading, Teacher

_NEAR_TOKENS = 32
"""Titles stand first: what is near is looked for by the first tokens."""


@dataclass(frozen=True)
class Examples:
    """Graded pairs: queries, texts and probabilities of the five grades (n, 5)."""

    queries: Sequence[str]
    texts: Sequence[str]
    target: Floats

    def __len__(self) -> int:
        return len(self.queries)


def train(
    learnt: Examples, looked_at: Examples, body: Path, encoders: Sequence[Path], recipe: Recipe, work: Path, out: Path, say: Say
) -> dict[str, Any]:
    """Writes the folder of a teacher; returns the recipe as it was run: precision, how tuning went, blend, seconds by part.

    `learnt` and `looked_at` are pairs of training and validation queries; `body` the folder of the cross-encoder, `encoders` those of the
    prior, none for a teacher without one. ModelError where there is nothing to learn from.
    """
    if not len(learnt) or not len(looked_at):
        raise ModelError(f"{len(learnt)} graded pairs of training queries and {len(looked_at)} of validation queries: both are needed")
    work.mkdir(parents=True, exist_ok=True)
    clock = Clock()
    set_seed(recipe.seed)
    pooling = _pooling(body) if recipe.pooling == "auto" else recipe.pooling
    tokenizer, trained = adapters.body_to_train(body, recipe)
    tokens = min(recipe.max_tokens, positions(trained.config))
    teacher = Teacher(tokenizer, Network(trained, pooling), Reading(pooling, tokens))  # type: ignore[arg-type]
    padding = tokenizer.pad_token_id or 0
    graded = Graded(teacher.pairs(learnt.queries, learnt.texts), learnt.target, padding)
    looks = Graded(teacher.pairs(looked_at.queries, looked_at.texts), looked_at.target, padding)

    plan = _kept(work / "plan.json", lambda: _plan(teacher.network, graded, recipe, warm=bool(encoders)))
    epochs = f"{recipe.epochs * plan['share']:.1f} epochs of {len(graded)} pairs and {plan['warm_pairs']} to start from"
    say(f"{epochs}, in {plan['precision']}: about {plan['seconds'] / 60:.0f} min")
    clock.lap("plan")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    prior = Prior.loaded(encoders, tokens, device, plan["precision"]) if encoders else None
    if prior is not None:
        untuned = prior
        fitted = _kept(work / "prior.json", lambda: asdict(ordinal.fitted(_measured(untuned, learnt, say, "prior"), learnt.target)))
        prior.ordinal = ordinal.Ordinal(**{name: tuple(values) for name, values in fitted.items()})
        clock.lap("prior")
        if plan["warm_pairs"]:
            start = _warm(teacher, prior, learnt, plan["warm_pairs"], recipe, work, say)
            clock.lap("pairs to start from")
            regression = Regression(trained, teacher.network.pooling, start.target.shape[1])
            fine_tuning.run(regression, Phase("warm", start, None, 1.0), recipe, plan["precision"], work, say)
            clock.lap("warm start")
    if not fine_tuning.begun("tune", work):
        teacher.network.head = probing.fitted(_states(teacher, graded), learnt.target)
        clock.lap("head")
    phase = Phase("tune", graded, looks, recipe.epochs * plan["share"])
    tuning = fine_tuning.run(teacher.network, phase, recipe, plan["precision"], work, say)
    clock.lap("tuning")
    teacher.network.body = adapters.merged(teacher.network.body, body, recipe)
    teacher.network.eval().requires_grad_(False).to(device)
    apart = None
    if prior is not None:
        first = _tuned(encoders[0], learnt, looked_at, recipe, tokens, work / "apart", say) if recipe.prior_minutes else encoders[0]
        tuned = first != encoders[0]
        prior = Prior.loaded([first, *encoders[1:]], tokens, device, plan["precision"], prior.ordinal) if tuned else prior
        clock.lap("prior tuned")
        measures = _measured(prior, looked_at, say, "blend")
        prior.ordinal = ordinal.fitted(measures, looked_at.target) if tuned or prior.ordinal is None else prior.ordinal
        apart = prior.ordinal.probabilities(measures)
    blend = blending.fitted(_logits(teacher, looks), apart, looked_at.target)
    clock.lap("blend")
    whole = Teacher(tokenizer, teacher.network, teacher.reading, prior, blend)
    whole.save(out)
    return {"plan": plan, "pooling": pooling, "blend": asdict(blend), "tuning": asdict(tuning), "seconds": clock.laps}


def _tuned(encoder: Path, learnt: Examples, looked_at: Examples, recipe: Recipe, tokens: int, work: Path, say: Say) -> Path:
    """The folder of the encoder, tuned to read query and text apart as people graded them; as it was where that agrees better."""
    rule = StudentRecipe(max_tokens=tokens, encoder_minutes=recipe.prior_minutes, seed=recipe.seed)
    parts = (_apart(learnt), _apart(looked_at))
    folder, _, _ = student_training.tuned(*parts, encoder, (), 0, rule, work, lambda line: say(f"prior's {line}"))
    return folder


def _apart(examples: Examples) -> student_training.Examples:
    """The pairs as places among distinct queries and texts, of which nothing else is known."""
    queries, query_of = _distinct(examples.queries)
    texts, text_of = _distinct(examples.texts)
    nothing = np.zeros((len(examples), 0), np.float32)
    return student_training.Examples(queries, texts, query_of, text_of, examples.target, np.ones(len(examples)), nothing, nothing)


def _distinct(column: Sequence[str]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """(distinct texts in the order in which they come, each text's place among them)."""
    found = list(dict.fromkeys(column))
    places = {text: place for place, text in enumerate(found)}
    return found, np.array([places[text] for text in column], np.int64)


def _pooling(body: Path) -> str:
    """How the states of a model's tokens become one: mean for what was trained to fill gaps, the last for what goes on with a text."""
    kind = AutoConfig.from_pretrained(body, local_files_only=True, trust_remote_code=False).model_type
    return "mean" if kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES else "last"


def _plan(network: Network, graded: Graded, recipe: Recipe, warm: bool) -> dict[str, Any]:
    """Precision by a probe, and what fits the recipe's minutes: the share of epochs, and the pairs to start from."""
    found = fine_tuning.paces(network, graded, recipe)
    precision = fine_tuning.fastest(found)
    pairs = recipe.warm_pairs if warm else 0
    steps = (len(graded) * recipe.epochs + pairs) / recipe.batch_size
    share = min(1.0, recipe.minutes * 60 / (steps * found[precision]))
    return {
        "precision": precision,
        "seconds_a_step": found,
        "share": share,
        "warm_pairs": round(pairs * share),
        "seconds": steps * share * found[precision],
    }


def _warm(teacher: Teacher, prior: Prior, learnt: Examples, n: int, recipe: Recipe, work: Path, say: Say) -> Graded:
    """Pairs without a grade, and what the prior measures of them and says by it, each number with mean 0 and deviation 1."""
    queries, texts = list(dict.fromkeys(learnt.queries)), list(dict.fromkeys(learnt.texts))
    place_of = ({q: n for n, q in enumerate(queries)}, {t: n for n, t in enumerate(texts)})
    known = sorted({(place_of[0][q], place_of[1][t]) for q, t in zip(learnt.queries, learnt.texts, strict=True)})
    kept = work / "warm.json"
    if not kept.is_file():
        encoder = prior.matchers[0].encoder
        short = Encoder(encoder.tokenizer, encoder.model, replace(encoder.reading, max_tokens=_NEAR_TOKENS))
        places = warm_pairs.formed(known, short.all_vectors(queries, "query"), short.all_vectors(texts, "document"), n, recipe.seed)
        places = places[np.argsort(places[:, 1], kind="stable")]  # a text that comes twice is read once
        examples = Examples([queries[q] for q, _ in places], [texts[t] for _, t in places], np.zeros((len(places), 5)))
        numbers = _measured(prior, examples, say, "pairs to start from")
        assert prior.ordinal is not None
        numbers = np.concatenate([numbers, prior.ordinal.score(numbers)[:, None]], axis=1)
        spread = numbers.std(axis=0)
        target = (numbers - numbers.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
        _write(kept, {"places": places.tolist(), "target": target.round(6).tolist()})
    found = json.loads(kept.read_bytes())
    pairs = teacher.pairs([queries[q] for q, _ in found["places"]], [texts[t] for _, t in found["places"]])
    return Graded(pairs, np.asarray(found["target"]), teacher.tokenizer.pad_token_id or 0)


def _measured(prior: Prior, examples: Examples, say: Say, what: str) -> Floats:
    """The prior's measures of all pairs, (n, k); pairs of one text that stand together are one reading of it."""
    apart = prior.read(examples.queries, examples.texts)
    found: list[Floats] = []
    seldom = Seldom(say)
    size = 128
    for start in range(0, len(apart), size):
        some = apart[start : start + size]
        order = np.argsort([len(one[0][1].ids) for one in some], kind="stable")
        own = np.zeros((len(some), 0))
        for places in np.array_split(order, 4):
            if len(places):
                measures = prior.measures(prior.padded([some[place] for place in places]))
                own = own if own.shape[1] else np.zeros((len(some), measures.shape[1]))
                own[places] = measures
        found.append(own)
        done = start + len(some)
        seldom(lambda done=done: f"{what}: {done} of {len(apart)} pairs measured")  # type: ignore[misc]
    return np.concatenate(found)


def _logits(teacher: Teacher, graded: Graded) -> Floats:
    found = np.zeros((len(graded), 5))
    for places in by_length([len(pair.ids) for pair in graded.pairs]):
        found[places] = teacher.logits(teacher.padded([graded.pairs[place] for place in places]))
    return found


def _states(teacher: Teacher, graded: Graded) -> npt.NDArray[np.float32]:
    """What stands for each pair before the body is tuned, (n, hidden)."""
    network = teacher.network.eval()
    device = next(network.parameters()).device
    found = np.zeros((len(graded), network.head.in_features), np.float32)
    for places in by_length([len(pair.ids) for pair in graded.pairs]):
        batch = teacher.padded([graded.pairs[place] for place in places]).together
        with torch.inference_mode():
            found[places] = network.pooled(**{name: tensor.to(device) for name, tensor in batch.items()}).cpu().numpy()
    return found


def _kept(file: Path, made: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """What the file holds, made and written where it is not there yet."""
    if not file.is_file():
        _write(file, made())
    return dict(json.loads(file.read_bytes()))


def _write(file: Path, content: Mapping[str, Any]) -> None:
    unfinished = file.with_suffix(".new")
    unfinished.write_text(json.dumps(content), encoding="utf-8")
    unfinished.replace(file)
