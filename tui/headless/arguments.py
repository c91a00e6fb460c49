"""Types of arguments that several commands take."""

import argparse

from tui.core.series import MAX_REPEATS


def repeats(text: str) -> int:
    """A number of runs."""
    if not text.isdecimal() or not 1 <= int(text) <= MAX_REPEATS:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MAX_REPEATS}, but is {text!r}")
    return int(text)
