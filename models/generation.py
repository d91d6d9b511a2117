"""How a captioner is asked. Standard library only: a plan needs it without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Generation:
    """How a model is asked: a part of its revision, since other words come out. Never sampled: greedy, or the best of some beams.

    `prompt` is what the caption goes on from ("" for none) and never stands in it; `request` is what a chat model is told.
    """

    prompt: str = ""
    request: str = "Describe the image in one short sentence."
    beams: int = 1
    new_tokens: int = 40

    def __post_init__(self) -> None:
        if self.beams < 1 or self.new_tokens < 1:
            raise ValueError(f"beams and new_tokens are at least 1, got {self.beams} and {self.new_tokens}")
