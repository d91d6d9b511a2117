"""A recipe that makes no sense is refused when it is made, by name."""

from __future__ import annotations

import pytest

from models.recipe import Recipe, StudentRecipe
from models.specs import ModelError

WRONG = [
    ({"pooling": "max"}, "pooling is one of auto, mean, cls, last, got 'max'"),
    ({"word_embeddings": "thawed"}, "word_embeddings is one of frozen, low_rank, trained"),
    ({"precision": "int8"}, "precision is one of auto, fp32, bf16"),
    ({"max_tokens": 4}, "max_tokens is at least 8, got 4"),
    ({"batch_size": 0}, "batch_size is at least 1"),
    ({"epochs": 0}, "epochs, rate, head_rate and minutes are above 0"),
    ({"four_bit": True}, "four_bit trains by LoRA: set lora_rank"),
]


WRONG_STUDENTS = [
    ({"max_tokens": 4}, "max_tokens is at least 8"),
    ({"patience": 0}, "epochs, patience and batch_size are at least 1"),
    ({"encoder_minutes": -1}, "encoder_minutes, human_weight and sampling are 0 or more"),
    ({"drop_tables": 1.5}, "drop_tables a share"),
    ({"temperature": 0}, "encoder_epochs, encoder_rate, rate and temperature are above 0"),
]


@pytest.mark.parametrize(("values", "why"), WRONG_STUDENTS)
def test_what_makes_no_sense_of_a_student_is_refused_by_name(values: dict, why: str) -> None:
    with pytest.raises(ModelError, match=why):
        StudentRecipe(**values)


@pytest.mark.parametrize(("values", "why"), WRONG)
def test_what_makes_no_sense_is_refused_by_name(values: dict, why: str) -> None:
    with pytest.raises(ModelError, match=why.replace("(", r"\(")):
        Recipe(**values)


def test_the_defaults_and_a_recipe_for_a_large_decoder_make_sense() -> None:
    assert Recipe().word_embeddings == "frozen"
    assert Recipe(lora_rank=16, four_bit=True, gradient_checkpointing=True, pooling="last").four_bit
