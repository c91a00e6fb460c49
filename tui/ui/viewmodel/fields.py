"""The parameters' text fields: what is typed in them, and what it means."""

import msgspec

from tui.config.check import value_of
from tui.config.schema import PARAMETERS

_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", ",": ","}
_MOST_DIGITS = 41
_MAX_TOKENS = next(key for key in PARAMETERS if key.name == "max_tokens")


class FieldError(ValueError):
    """A field holds something that cannot be sent; the message is one sentence."""


def read_max_tokens(typed: str) -> int:
    """The number in the field. Raises FieldError for anything but a whole number the API takes."""
    text = typed.strip().replace(",", "").replace("_", "")
    if not text:
        raise FieldError("max_tokens is required: give a whole number from 1.")
    given: object = typed.strip()
    if text.isascii() and text.isdigit():
        # Beyond so many digits it is only too large; Python refuses to read thousands of them.
        given = int(text.lstrip("0")[:_MOST_DIGITS] or "0")
    try:
        return msgspec.convert(value_of(_MAX_TOKENS, given), int)
    except ValueError as error:
        raise FieldError(f"max_tokens {error}.") from None


def read_stop_sequences(typed: str) -> tuple[str, ...] | None:
    r"""The sequences in the field, separated by commas; `\n`, `\t`, `\\` and `\,` stand for what they mean.

    Blanks around a sequence are dropped, unless they are escaped characters. None when the field is empty.
    """
    sequences: list[str] = []
    current: list[str] = []
    chars = iter(typed)
    for char in chars:
        if char == "\\":
            following = next(chars, None)
            if following not in _ESCAPES:
                shown = "at the end" if following is None else f"before {following!r}"
                raise FieldError(f"stop sequences: a backslash {shown} has no meaning; write \\\\ for a backslash.")
            current.append(_ESCAPES[following])
        elif char == ",":
            sequences.append("".join(current))
            current = []
        else:
            current.append(char)
    sequences.append("".join(current))
    kept = tuple(sequence for raw in sequences if (sequence := raw.strip(" ")))
    if any(sequence.isspace() for sequence in kept):
        raise FieldError("stop sequences: the API refuses one of white space alone; add a character to it.")
    return kept or None


def write_stop_sequences(sequences: tuple[str, ...] | None) -> str:
    """The text that `read_stop_sequences` reads back as `sequences`."""
    back = {meaning: f"\\{letter}" for letter, meaning in _ESCAPES.items()}
    return ", ".join("".join(back.get(char, char) for char in sequence) for sequence in sequences or ())
