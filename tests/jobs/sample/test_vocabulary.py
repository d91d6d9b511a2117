"""Words and sentences: complete, in several scripts, and fixed under the normalisation of queries."""

from __future__ import annotations

import unicodedata

import pytest

from jobs.sample.vocabulary import LANGUAGES, OBJECTS, OBJECTS_A_TOPIC, SLOT_LANGUAGES, SLOTS, TOPICS, Language
from jobs.sample.wording import WORDING


def _scripts(language: Language) -> set[str]:
    letters = [c for word in language.objects for c in word if c.isalpha()]
    return {unicodedata.name(c).split()[0] for c in letters}


def test_there_are_at_least_twelve_topics_with_three_objects_each() -> None:
    assert len(TOPICS) >= 12
    assert len(OBJECTS) == OBJECTS_A_TOPIC * len(TOPICS) == len(set(OBJECTS))


def test_there_are_at_least_six_languages_and_four_scripts() -> None:
    assert len({language.code for language in LANGUAGES}) >= 6
    assert {"LATIN", "CYRILLIC", "DEVANAGARI", "CJK"} <= set().union(*(_scripts(language) for language in LANGUAGES))


def test_two_slots_in_five_are_english() -> None:
    assert SLOTS == 20
    assert SLOT_LANGUAGES.count(0) == 8


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_a_language_has_a_word_for_everything_and_no_word_twice(language: Language) -> None:
    for words, size in ((language.topics, 12), (language.objects, 36), (language.colors, 8), (language.styles, 4)):
        assert len(words) == size == len(set(words))
        assert all(word and word == word.strip() for word in words)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_lower_case_words_are_already_normalised(language: Language) -> None:
    words = [*language.objects, *language.colors, *language.styles, *WORDING[language.code].queries]
    for word in words:
        lower = word.lower()
        assert unicodedata.normalize("NFKC", lower).casefold() == lower


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_a_language_has_a_query_template_for_each_slot(language: Language) -> None:
    wording = WORDING[language.code]
    assert len(wording.queries) == language.slots == len(set(wording.queries))
    assert all("{p}" in template for template in (*wording.queries, *wording.titles, *wording.descriptions))
