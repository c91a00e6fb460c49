"""Types of arguments that several commands take."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from tui.core.series import MAX_REPEATS
from tui.errors import UsageError


def repeats(text: str) -> int:
    """A number of runs."""
    if not text.isdecimal() or not 1 <= int(text) <= MAX_REPEATS:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MAX_REPEATS}, but is {text!r}")
    return int(text)


def share(text: str) -> float:
    """A share of answers: 0.01 to 1."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0.01 <= found <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0.01 to 1, but is {text!r}")
    return found


def refuse_outputs(given: Mapping[str, str | None]) -> None:
    """What is paid for must have a place to go to: `given` are the files by option, - standard output.

    Raises UsageError.
    """
    *some, last = given
    if list(given.values()).count("-") > 1:
        raise UsageError(f"Only one of {', '.join(some)} and {last} can go to standard output.")
    for name in given.values():
        if name not in (None, "-") and not os.access(Path(str(name)).absolute().parent, os.W_OK):
            raise UsageError(f"{name} cannot be written: its directory is not there or not writable; choose another.")
