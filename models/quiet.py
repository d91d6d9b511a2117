"""transformers says nothing while it loads a model: what a user needs to know, an error of ours says."""

from __future__ import annotations

from transformers.utils import logging


def hush() -> None:
    """Nothing; no bars and no reports of weights (an encoder without its pooler is what is wanted here) from now on in this process."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
