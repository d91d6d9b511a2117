"""How a teacher is trained: all that can be set, with what is known to work (docs/models.md says how it was found)."""

from __future__ import annotations

from dataclasses import dataclass

from models.specs import ModelError

POOLINGS = ("mean", "cls", "last")
_CHOICES = {
    "pooling": ("auto", *POOLINGS),
    "word_embeddings": ("frozen", "low_rank", "trained"),
    "precision": ("auto", "fp32", "bf16"),
}


@dataclass(frozen=True)
class Recipe:
    """ModelError where it makes no sense."""

    pooling: str = "auto"
    """`mean` or `cls` for encoders, `last` for decoders; auto: last where the model is a decoder, else mean."""
    max_tokens: int = 64
    """The most tokens of a pair, special ones counted."""
    warm_pairs: int = 12_000
    """Pairs without a grade that the cross-encoder first learns the prior's measures of; 0: none."""
    epochs: float = 3.0
    """How often each graded pair is seen, at most."""
    patience: int = 4
    """After so many looks at the validation queries, of ten, without better agreement, training ends; the best look is kept."""
    batch_size: int = 32
    rate: float = 1e-4
    """The learning rate of the body, at its height: it rises over the first tenth of the steps and then falls to 0."""
    head_rate: float = 1e-3
    word_embeddings: str = "frozen"
    """frozen, low_rank (as LoRA does, of `lora_rank` or 8) or trained. A multilingual model's are most of its weights, and few are seen."""
    lora_rank: int = 0
    """Above 0 the body's linear layers learn differences of this rank alone (LoRA, arXiv 2106.09685)."""
    four_bit: bool = False
    """The body in 4 bits while LoRA trains (QLoRA, arXiv 2305.14314); needs CUDA and bitsandbytes."""
    gradient_checkpointing: bool = False
    """States between layers are computed twice instead of kept: for large models."""
    precision: str = "auto"
    """fp32, bf16, or auto: whichever of them a probe finds faster on this machine."""
    minutes: float = 35.0
    """About how long the steps may take: where the probe says that they would take longer, both phases are shortened alike."""
    prior_minutes: float = 6.0
    """About how long the prior's first encoder may be tuned afterwards, by the same grades; 0: it stays as it is."""
    seed: int = 5

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ModelError(f"{name} is one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        low = {"max_tokens": 8, "warm_pairs": 0, "patience": 1, "batch_size": 1, "lora_rank": 0}
        for name, least in low.items():
            if getattr(self, name) < least:
                raise ModelError(f"{name} is at least {least}, got {getattr(self, name)}")
        if min(self.epochs, self.rate, self.head_rate, self.minutes) <= 0 or self.prior_minutes < 0:
            raise ModelError("epochs, rate, head_rate and minutes are above 0, prior_minutes is 0 or more")
        if self.four_bit and not self.lora_rank:
            raise ModelError("four_bit trains by LoRA: set lora_rank, such as 16")


@dataclass(frozen=True)
class StudentRecipe:
    """How a student is trained; ModelError where it makes no sense."""

    max_tokens: int = 64
    """The most tokens of a text, special ones counted."""
    encoder_minutes: float = 6.0
    """About how long the encoder may be tuned; 0: it stays as it is, and texts have the vectors that the table has."""
    encoder_epochs: float = 3.0
    """How often each labelled pair is seen while the encoder is tuned, at most."""
    encoder_rate: float = 5e-5
    epochs: int = 30
    """How often the head sees each pair, at most; it is kept as it was when it went best with validation queries."""
    patience: int = 6
    """Epochs of the head without better agreement after which its training ends."""
    batch_size: int = 256
    rate: float = 1e-3
    """The learning rate of the head."""
    temperature: float = 1.0
    """Above 1 labels are softened: p ** (1 / temperature), as the logits are (Hinton et al. 2015, section 2)."""
    human_weight: float = 1.0
    """What a pair that people graded counts beside one that a teacher labelled; 0: people's grades are left out."""
    sampling: float = 0.0
    """Each pair counts by 1 over its chance to be sampled, to this power: 1 as in all that was shown, 0 all alike."""
    drop_tables: float = 0.5
    """The share of pairs, drawn anew each time, of which only query and text are shown to the head."""
    seed: int = 5

    def __post_init__(self) -> None:
        if self.max_tokens < 8 or min(self.epochs, self.patience, self.batch_size) < 1:
            raise ModelError("max_tokens is at least 8; epochs, patience and batch_size are at least 1")
        if min(self.encoder_minutes, self.human_weight, self.sampling) < 0 or not 0 <= self.drop_tables <= 1:
            raise ModelError("encoder_minutes, human_weight and sampling are 0 or more, drop_tables a share")
        if min(self.encoder_epochs, self.encoder_rate, self.rate, self.temperature) <= 0:
            raise ModelError("encoder_epochs, encoder_rate, rate and temperature are above 0")


@dataclass(frozen=True)
class EmbeddingRecipe:
    """How the joint embedding of queries, pins and products is trained; ModelError where it makes no sense."""

    max_tokens: int = 64
    """The most tokens of a query, special ones counted."""
    width: int = 256
    """Numbers of a vector."""
    table: int = 100_000
    """Rows of the table of hashed tokens."""
    hidden: int = 1_024
    query_layers: int = 2
    """How many of the language model's last layers learn; 0: none, only the layer behind it does."""
    batch_size: int = 256
    """Pairs of a step, of all tasks together, each by its share of the pairs."""
    negatives: int = 4
    """Random entities for each pair."""
    epochs: float = 20.0
    """How often each pair is seen, at most."""
    warm_queries: int = 20_000
    """Queries made of entities' own words that are learnt before any pair (models/embedding_warm_start.py); 0: none."""
    warm_rate: float = 2e-3
    """The learning rate of that start, at its height."""
    rate: float = 5e-4
    """The learning rate of the entity encoder and of the layer behind the language model, at its height."""
    encoder_rate: float = 5e-5
    temperature: float = 0.07
    """Where the learnt temperature starts."""
    sketch: int = 1 << 18
    """Counters of a row of each count-min sketch: the more, the fewer ids are counted together."""
    nested: tuple[int, ...] = ()
    """Further widths at which the first numbers are a vector of their own (Matryoshka)."""
    compatible: bool = True
    """Whether queries learn to find the embeddings of pins and products that exist already, too."""
    weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    """What the losses of query_pin, query_product, query_product_offsite and query_query count."""
    minutes: float = 10.0
    """About how long the steps may take: where the first steps say that they would take longer, there are fewer."""
    patience: int = 5
    """After so many looks at validation pairs, of ten, without better recall, training ends; the best look is kept."""
    processes: int = 1
    """Above 1 so many processes train together, by torchrun."""
    seed: int = 5

    def __post_init__(self) -> None:
        low = {"max_tokens": 8, "width": 8, "table": 1, "hidden": 1, "query_layers": 0, "batch_size": 2, "negatives": 1}
        for name, least in {**low, "warm_queries": 0, "sketch": 16, "patience": 1, "processes": 1}.items():
            if getattr(self, name) < least:
                raise ModelError(f"{name} is at least {least}, got {getattr(self, name)}")
        if min(self.epochs, self.warm_rate, self.rate, self.encoder_rate, self.temperature, self.minutes) <= 0:
            raise ModelError("epochs, warm_rate, rate, encoder_rate, temperature and minutes are above 0")
        if len(self.weights) != 4 or min(self.weights) < 0 or not any(self.weights):
            raise ModelError(f"weights are four numbers, 0 or more, of which one is above 0; got {self.weights}")
        if any(not 1 <= one < self.width for one in self.nested):
            raise ModelError(f"nested widths are below {self.width}, got {self.nested}")
