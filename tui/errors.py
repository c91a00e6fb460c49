"""The errors a person can meet, and the exit codes they end in.

    LatencyTuiError            one sentence: what is wrong, where, what to do
    ├── UsageError             an argument or the standard input cannot be used
    ├── ConfigError            a configuration file, environment variable or flag cannot be used
    ├── ChildError             a child process of ours (engine, simulator) did not start or broke its protocol
    └── HistoryError           the history cannot be opened, read or written
        └── NoSuchRunError     it was, but holds no such run

Failures of single requests are not exceptions but data: `tui.core.events.Failure`.
"""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """Meanings of the command's exit status."""

    OK = 0
    ERROR = 1
    MISSED = 1
    """An objective is missed, or a comparison shows what it must not."""
    USAGE = 2
    NOT_MEASURED = 3
    """There is nothing to judge, or too little."""
    INTERRUPTED = 130


class LatencyTuiError(Exception):
    """Base of all errors whose message is meant for a person. `str()` is the whole sentence."""

    exit_code: ExitCode = ExitCode.ERROR


class UsageError(LatencyTuiError):
    """An argument or the standard input cannot be used."""

    exit_code = ExitCode.USAGE


class ConfigError(LatencyTuiError):
    """A configuration source cannot be used; names the source, the key and, for files, the line."""

    exit_code = ExitCode.USAGE


class ChildError(LatencyTuiError):
    """A child process (engine or simulator) did not start, or broke its protocol."""

    exit_code = ExitCode.NOT_MEASURED


class HistoryError(LatencyTuiError):
    """The history of runs cannot be opened, read or written."""

    # Not 1: a CI job reads that as an objective missed, or a gate closed.
    exit_code = ExitCode.NOT_MEASURED


class NoSuchRunError(HistoryError):
    """The history holds no run of this number or uid."""

    exit_code = ExitCode.USAGE


def nearest(word: str, candidates: Iterable[str], likeness: float = 0.55) -> str | None:
    """The candidate most like `word`, whatever the case of either, or None when none is so much like it."""
    from difflib import get_close_matches  # for what went wrong only: no start waits for it

    by_lower = {candidate.lower(): candidate for candidate in candidates}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=likeness)
    return by_lower[found[0]] if found else None


def hint(word: str, candidates: Iterable[str], prefix: str = "") -> str:
    """The end of a sentence on an unknown word: the nearest candidate, or all of them, each behind `prefix`."""
    names = list(candidates)
    if found := nearest(word, names):
        return f"did you mean {prefix}{found}?"
    return f"known are {', '.join(prefix + name for name in names)}."


def reason_of(error: OSError) -> str:
    """The system's words for what went wrong, for a sentence."""
    return (error.strerror or str(error)).lower()
