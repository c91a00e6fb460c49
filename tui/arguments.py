"""Parser of a command's arguments, which says in one sentence what is wrong with them."""

import argparse
import math
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NoReturn

from tui.errors import UsageError, hint, nearest

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
