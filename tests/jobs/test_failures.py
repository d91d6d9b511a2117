"""Failures of the machine in one line, and nothing made up of other errors."""

from __future__ import annotations

import errno

import pytest

from jobs.failures import explained


class Java:
    """An exception of the JVM with its cause."""

    def __init__(self, text, cause=None):
        self.text, self.cause = text, cause

    def toString(self):
        return self.text

    def getCause(self):
        return self.cause


def of_java(*texts):
    """An error of py4j whose causes say these, outermost first."""
    java = None
    for text in reversed(texts):
        java = Java(text, java)
    error = RuntimeError("An error occurred while calling o1.save")
    error.java_exception = java
    return error


FILE = "file:/lake/ware house/state/pins/ds=2026-01-01/part-0.c000.snappy.parquet"


@pytest.mark.parametrize(
    ("error", "first"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/lake/x"), "no space left to write: /lake/x"),
        (of_java("SparkException: Job aborted", "java.io.IOException: No space left on device"), "no space left to write"),
        (of_java("java.io.FileNotFoundException: /lake/_staging/a (Permission denied)"), "no permission: /lake/_staging/a"),
        (of_java("SparkException: [FAILED_READ_FILE.NO_HINT] Encountered error while reading file " + FILE + ". SQLSTATE: KD001"), FILE),
        (of_java(f"RuntimeException: {FILE} is not a Parquet file. Expected magic number"), f"an input file cannot be read: {FILE}"),
    ],
)
def test_what_the_machine_did_is_told_with_the_file_and_what_to_do(error, first):
    told = explained(error)
    assert first in told.split("\n")[0]
    assert "the same command again" in told.split("\n")[1]


def test_the_cause_may_lie_below_errors_of_python():
    error = RuntimeError("the task failed")
    error.__cause__ = OSError(errno.EDQUOT, "Disk quota exceeded", "/lake/y")
    assert explained(error).startswith("no space left to write: /lake/y\n")


def test_other_errors_are_not_explained_away():
    assert explained(ValueError("k is at least 1")) is None
    assert explained(of_java("AnalysisException: [UNRESOLVED_COLUMN] title")) is None
    assert explained(KeyError("title")) is None
