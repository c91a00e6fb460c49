"""Checks of answers as a person types them: one a line, as a plan has them in one table."""

from collections.abc import Sequence

import msgspec
import tomli

from tui.config.keys import hint
from tui.core.checks import MAX_CHECKS, AnswerCheck, complaint

_NAMES = AnswerCheck.__struct_fields__


def parse_checks(text: str) -> tuple[AnswerCheck, ...]:
    """The checks of a text, empty lines aside.

    Raises ValueError, one sentence, for the first line that cannot be used.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
    found = tuple(_check(number, line) for number, line in lines if line)
    if len(found) > MAX_CHECKS:
        raise ValueError(f"There are {len(found)} checks, and a prompt takes {MAX_CHECKS}: leave some out.")
    return found


def check_lines(checks: Sequence[AnswerCheck]) -> str:
    """The text that `parse_checks` reads as these checks."""
    return "\n".join(", ".join(f"{name} = {_on_one_line(value)}" for name, value in _given(check)) for check in checks)


def _given(check: AnswerCheck) -> list[tuple[str, object]]:
    usual = AnswerCheck()
    values = [(name, getattr(check, name)) for name in _NAMES]
    return [(name, value) for name, value in values if value != getattr(usual, name)]


def _on_one_line(value: object) -> str:
    # JSON leaves this one character alone, TOML does not take it.
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


def _check(number: int, line: str) -> AnswerCheck:
    where = f"Line {number}: "
    try:
        given = tomli.loads(f"check = {{ {line} }}")["check"]
        unknown = next((name for name in given if name not in _NAMES), None)
        if unknown is not None:
            raise ValueError(f"{unknown} is no check; {hint(unknown, _NAMES)}")
        check = msgspec.convert(given, AnswerCheck)
    except tomli.TOMLDecodeError:
        raise ValueError(f'{where}write it like contains = "Paris", or max_words = 50.') from None
    except msgspec.ValidationError as error:
        raise ValueError(f"{where}{str(error)[:1].lower()}{str(error)[1:]}.") from None
    except ValueError as error:
        raise ValueError(f"{where}{str(error).removesuffix('.')}.") from None
    if (said := complaint(check)) is not None:
        raise ValueError(f"{where}it {said}.")
    return check
