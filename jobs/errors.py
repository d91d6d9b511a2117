"""Errors that a user can act on: one or two lines that say what, where and what to type, and the exit code. Standard library only."""


class PinlakeError(Exception):
    """Something failed; the message says what, where and what to do. Exit code 1."""

    exit_code = 1


class NotConnected(PinlakeError):
    """There is nothing to work on yet: no model counts, nobody graded. Exit code 1, unless a command is told that this is well."""


class UsageError(PinlakeError):
    """The command cannot mean anything as typed. Exit code 2."""

    exit_code = 2


class Refused(PinlakeError):
    """A check or another writer forbids the publication; readers still see what they saw before. Exit code 3."""

    exit_code = 3
