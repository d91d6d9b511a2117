"""Captions follow an image's bytes and the model that counts; what the model refused is refused with its reason."""

from __future__ import annotations

from jobs.days import Days
from jobs.images.image_captions import build

IMAGES = "ds string, image_id string, image_hash string, deleted boolean"
ANSWERS = "input_hash string, caption string, refused string, model_revision string, since string"
DAYS = Days("2026-01-10", "2026-01-12")


def states(spark, images, since):
    answers = [
        ("h1", "a red vase", None, "r", since),
        ("h2", " a blue &amp; white cat ", None, "r", since),
        ("h3", None, "the image is cut off", "r", since),
        ("h4", "", None, "r", since),
    ]
    rows = build(spark.createDataFrame(images, IMAGES), spark.createDataFrame(answers, ANSWERS), DAYS)
    return sorted((r.ds, r.image_id, r.caption, r.deleted, r.refused) for r in rows.collect())


def test_an_image_has_a_state_on_the_days_on_which_its_bytes_changed_and_a_reason_where_there_are_no_words(spark):
    images = [
        ("2026-01-02", "old", "h1", False),
        ("2026-01-02", "moved", "h1", False),
        ("2026-01-11", "moved", "h2", False),
        ("2026-01-10", "broken", "h3", False),
        ("2026-01-10", "silent", "h4", False),
        ("2026-01-10", "unasked", "h5", False),
        ("2026-01-12", "gone", None, True),
    ]
    assert states(spark, images, "") == [
        ("2026-01-10", "broken", None, False, "the image is cut off"),
        ("2026-01-10", "silent", None, False, "the model said nothing about the image"),
        ("2026-01-10", "unasked", None, False, "the image was not captioned"),
        ("2026-01-11", "moved", "a blue & white cat", False, None),
        ("2026-01-12", "gone", None, True, None),
    ]


def test_on_the_first_day_of_a_model_all_images_that_stand_are_said_anew_once(spark):
    images = [
        ("2026-01-02", "stands", "h1", False),
        ("2026-01-02", "changes_then", "h1", False),
        ("2026-01-10", "changes_then", "h2", False),
        ("2026-01-02", "changes_later", "h1", False),
        ("2026-01-12", "changes_later", "h2", False),
    ]
    assert states(spark, images, "2026-01-10") == [
        ("2026-01-10", "changes_later", "a red vase", False, None),
        ("2026-01-10", "changes_then", "a blue & white cat", False, None),
        ("2026-01-10", "stands", "a red vase", False, None),
        ("2026-01-12", "changes_later", "a blue & white cat", False, None),
    ]
