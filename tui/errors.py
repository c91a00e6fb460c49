"""The errors a person can meet, the exit codes they end in, and the parser of arguments that raises them.

    LatencyTuiError            one sentence: what is wrong, where, what to do
    ├── UsageError             an argument or the standard input cannot be used
    ├── ConfigError            a configuration file, environment variable or flag cannot be used
    ├── ChildError             a child process of ours (engine, simulator) did not start or broke its protocol
    └── HistoryError           the history cannot be opened, read or written
        └── NoSuchRunError     it was, but holds no such run

Failures of single requests are not exceptions but data: `tui.core.events.Failure`.
"""

import argparse
import math
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from enum import IntEnum
from typing import Any, NoReturn


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


_ALIKE = 0.7
"""Likeness from which on an option was meant to be another: all begin alike."""
_WRONG = {
    "invalid int value: ": "must be a whole number, but is ",
    r"invalid \w+ value: ": "cannot be ",
    "expected (one|at least one) argument": r"needs \1 value",
    "ignored explicit argument ": "takes no value, but is given ",
}
"""Words of argparse on an argument, and ours."""


def number_of(least: float, most: float = math.inf) -> Callable[[str], float]:
    """The type of an argument that is a number within limits: a whole one where `least` is."""

    def read(text: str) -> float:
        with suppress(ValueError):
            if least <= (found := type(least)(text)) <= most:
                return found
        limits = f"{'whole number' if type(least) is int else 'number'} from {least}"
        raise argparse.ArgumentTypeError(
            f"must be a {limits}{f' to {most:g}' if most < math.inf else ''}, but is {text!r}"
        )

    return read


class CommandParser(argparse.ArgumentParser):
    """Parser of a command's arguments, which says in one sentence what is wrong with them.

    A description or an epilog of several lines is shown as it is.
    """

    def __init__(self, command: str = "", description: str = "", epilog: str = "", **more: Any) -> None:
        is_laid_out = "\n" in description + epilog
        super().__init__(
            **{"prog": f"latency-tui {command}".rstrip(), **more},
            description=description or None,
            epilog=epilog or None,
            formatter_class=argparse.RawDescriptionHelpFormatter if is_laid_out else argparse.HelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Raise UsageError. `message` is argparse's, which neither says what to do nor is a sentence."""
        raise UsageError(self._sentence(message))

    def _sentence(self, message: str) -> str:
        see = f"see `{self.prog} --help`."
        if (left := message.removeprefix("unrecognized arguments: ")) != message:
            if not left.startswith("-"):
                return f"{left!r} is more than it takes: put quotes around a text of several words, or {see}"
            option = left.split()[0].partition("=")[0]
            near = nearest(option, self.options(), _ALIKE)
            return f"{option} is no option here; {f'did you mean {near}?' if near else see}"
        if (missing := message.removeprefix("the following arguments are required: ")) != message:
            return f"{missing.replace(', ', ' and ')} {'are' if ', ' in missing else 'is'} missing; {see}"
        name, _, wrong = message.removeprefix("argument ").partition(": ")
        if found := re.fullmatch(r"invalid choice: (.*) \(choose from .*\)", wrong, re.DOTALL):
            (action,) = [one for one in self._actions if name in (one.metavar, "/".join(one.option_strings))]
            known = map(str, action.choices or ())
            return f"{name} cannot be {found[1]}; {hint(found[1].strip(chr(39)), known)}"
        for theirs, ours in _WRONG.items():
            wrong = re.sub(f"^{theirs}", ours, wrong)
        return f"{name} {wrong.removesuffix('.')}; {see}"

    def options(self) -> Iterator[str]:
        """Names of all options, those of commands below this one too, which leave it to say what nobody knows."""
        for action in self._actions:
            yield from action.option_strings
            for below in action.choices.values() if isinstance(action.choices, dict) else ():
                yield from below.options() if isinstance(below, CommandParser) else ()
