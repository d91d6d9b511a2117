"""What a joint embedding learns before it sees what people did: that an entity answers its own words.

Pairs are few where a lake is young or small, and a table of hashed tokens that starts at random learns from each pair alone. Entities' own
words are as many as there are entities, so both encoders begin with words that already mean the same.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import torch

from models.embedding_batches import LEARNT, MOST, entities_of
from models.encoder import pooled
from models.loader import parquet
from models.omnisearchsage import OmniSearchSage
from models.own_words import own_words
from models.progress import Say, Seldom
from models.recipe import EmbeddingRecipe
from models.sampled_softmax import Meeting, SearchLoss
from schemas.embeddings import NAMES, NEGATIVES, VECTORS

EPOCHS = 3.0
"""How often each query is seen."""
SHARE = 1 / 3
"""Of the minutes of a training, at most."""
PROBED = 3
BLOCK = 64


def warm(model: OmniSearchSage, rows: Path, recipe: EmbeddingRecipe, say: Say) -> int:
    """Teaches both encoders, the language model as it is; returns how many steps it took, 0 where no entity says anything."""
    ends = time.monotonic() + recipe.minutes * 60 * SHARE
    drawn = parquet(rows / NEGATIVES).head(MOST, columns=["key_id", *NAMES, *VECTORS], filter=pc.field("split") == LEARNT)
    queries, places = own_words(drawn, recipe.warm_queries, recipe.seed)
    if not queries:
        return 0
    luck = np.random.default_rng((recipe.seed, 1))
    told, of = np.unique(queries, return_inverse=True)
    order = luck.permutation(len(told))  # so that the first ones are any
    of = np.argsort(order)[of]
    say(f"own words: {len(told)} queries of {len(np.unique(drawn['key_id'].to_numpy()[places]))} pins and products")
    states = _states(model, told[order].tolist(), (time.monotonic() + ends) / 2)
    known = np.flatnonzero(of < len(states))
    read, ids = entities_of(model.vocabulary, drawn), torch.tensor(drawn["key_id"].to_numpy())
    loss = SearchLoss(recipe.temperature, recipe.sketch, recipe.nested)
    learnt = [*model.query.out.parameters(), *model.entity.parameters(), *loss.parameters()]
    optimizer = torch.optim.AdamW(learnt, weight_decay=0.01)
    size, step = min(recipe.batch_size, len(known)), 0
    planned = max(1, round(len(known) * EPOCHS / size))
    seldom, started = Seldom(say), time.monotonic()
    while step < planned:
        for group in optimizer.param_groups:
            group["lr"] = recipe.warm_rate * min((step + 1) / max(1, planned // 10), (planned - step) / planned)
        asked, others = luck.choice(known, size, replace=False), luck.integers(len(drawn), size=size)
        own = places[asked]
        found = model.entity(*read.taken(np.concatenate([own, others])).tensors())
        met = Meeting(
            model.query.of_states(states[of[asked]]), found[:size], found[size:], torch.from_numpy(of[asked]), ids[own], ids[others]
        )
        total = loss(met)
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()
        step += 1
        pace = (time.monotonic() - started) / step
        if step == PROBED:
            planned = min(planned, max(step, int((ends - started) / pace)))
        seldom(partial(_line, step, planned, total, pace))
    return step


def _line(step: int, planned: int, loss: torch.Tensor, pace: float) -> str:
    return f"own words: step {step} of {planned}, loss {loss.item():.3f}; about {pace * (planned - step):.0f} s left"


def _states(model: OmniSearchSage, queries: list[str], until: float) -> torch.Tensor:
    """What the language model says of each query, (n, states): of all of them, or of the first ones where the time ends before."""
    encoder, found = model.encoder, list[torch.Tensor]()
    for start in range(0, len(queries), BLOCK):
        ids, held = encoder.padded(encoder.tokens(queries[start : start + BLOCK], "query"))
        found.append(pooled(encoder.states(ids, held)[0], held, encoder.reading.pooling))
        if time.monotonic() > until:
            break
    return torch.cat(found).clone()  # made where nothing is learnt from them
