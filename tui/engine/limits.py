"""Limits on what a server may send, in bytes and decompressed.

Without them any endpoint could fill the memory: each place that keeps data until something ends has one.
"""

from typing import NamedTuple

_KB, _MB = 1024, 1024 * 1024


class Limits(NamedTuple):
    """Most bytes of each thing that a server may send."""

    event: int = 8 * _MB
    """A line, an event, or a message in one piece: it is kept whole until it is complete."""
    answer: int = 128 * _MB
    """A whole answer, with what is no content in it."""
    error: int = 64 * _KB
    """The body of a refusal; the rest is not read."""
    lookup: int = 1 * _MB
    """The answer to a look-up."""


LIMITS = Limits()
"""The limits of the engine; tests have smaller ones."""


class BodyError(Exception):
    """The body of a response cannot be taken; the message says why."""


def too_long(name: str, limit: int) -> BodyError:
    """The error of `name`, which is longer than `limit` bytes."""
    shown = f"{limit / _MB:g} MB" if limit >= _MB else f"{limit / _KB:g} KB"
    return BodyError(f"{name} is longer than {shown}")
