"""The prior of a teacher: what untuned encoders say of a pair, as probabilities of five grades (models/late_interaction.py)."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.encoder import Encoder
from models.late_interaction import LateInteraction, Padded, Tokens
from models.ordinal import Floats, Ordinal

FOLDER = "prior"
"""Folder of the encoders, numbered from 0, inside a teacher's."""
Apart = tuple[tuple[Tokens, Tokens], ...]
"""Query and text as each encoder reads them."""


class Prior:
    """Pairs to what encoders say of them. Safe to use from one thread at a time."""

    def __init__(self, matchers: Sequence[LateInteraction], folders: Sequence[Path], ordinal: Ordinal | None = None) -> None:
        self.matchers, self.folders, self.ordinal = list(matchers), list(folders), ordinal

    @classmethod
    def loaded(cls, folders: Sequence[Path], max_tokens: int, device: str, dtype: str, ordinal: Ordinal | None = None) -> Prior:
        """The prior over the encoders of these folders; without `ordinal` it can only be measured, until one is fitted."""
        return cls([LateInteraction(Encoder.loaded(one, device, dtype), max_tokens) for one in folders], folders, ordinal)

    @classmethod
    def of_teacher(cls, folder: Path, said: dict[str, Any], max_tokens: int, device: str, dtype: str) -> Prior:
        """The prior that `save` wrote into a teacher's folder."""
        folders = [folder / FOLDER / str(n) for n in range(said["encoders"])]
        ordinal = Ordinal(**{name: tuple(values) for name, values in said["ordinal"].items()})
        return cls.loaded(folders, max_tokens, device, dtype, ordinal)

    def save(self, folder: Path) -> dict[str, Any]:
        """Copies the encoders below the folder; what `of_teacher` wants to be told, as JSON holds it."""
        for n, one in enumerate(self.folders):
            shutil.copytree(one, folder / FOLDER / str(n), dirs_exist_ok=True)
        return {"encoders": len(self.folders), "ordinal": asdict(self.ordinal) if self.ordinal else None}

    def read(self, queries: Sequence[str], texts: Sequence[str]) -> list[Apart]:
        """Each pair's tokens, by encoder; what repeats is tokenised once."""
        by_encoder = []
        for matcher in self.matchers:
            columns = []
            for column, role in ((queries, "query"), (texts, "document")):
                distinct = list(dict.fromkeys(column))
                tokens = dict(zip(distinct, matcher.tokens(distinct, role), strict=True))  # type: ignore[arg-type]
                columns.append([tokens[one] for one in column])
            by_encoder.append(list(zip(*columns, strict=True)))
        return list(zip(*by_encoder, strict=True))

    def padded(self, pairs: Sequence[Apart]) -> list[Padded]:
        """A batch for each encoder; needs no model, so another thread may."""
        return [matcher.padded(*zip(*(pair[n] for pair in pairs), strict=True)) for n, matcher in enumerate(self.matchers)]

    def measures(self, batch: Sequence[Padded]) -> Floats:
        """All measures of all encoders, (n, 5 x encoders)."""
        found = torch.cat([matcher.measures(one) for matcher, one in zip(self.matchers, batch, strict=True)], 1)
        return np.asarray(found.cpu().numpy(), np.float64)

    def probabilities(self, batch: Sequence[Padded]) -> Floats:
        """Probabilities of the five grades, (n, 5)."""
        if self.ordinal is None:
            raise ValueError("the prior was not fitted to grades")
        return self.ordinal.probabilities(self.measures(batch))
