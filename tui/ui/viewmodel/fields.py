"""The parameters' text fields: what is typed in them, and what it means."""

import msgspec

from tui.core.parameters import Parameters

_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", ",": ","}
_MOST_DIGITS = 15


class FieldError(ValueError):
    """A field holds something that cannot be sent; the message is one sentence."""


def read_max_tokens(typed: str) -> int:
    """The number in the field. Raises FieldError for anything but a whole number the API takes."""
    text = typed.strip().replace(",", "").replace("_", "")
    if not text:
        raise FieldError("max_tokens is required: give a whole number from 1.")
    if not (text.isascii() and text.isdigit()):
        raise FieldError(f"max_tokens must be a whole number from 1, not {typed.strip()!r}.")
    # Beyond so many digits it is only too large; Python refuses to read thousands of them.
    number = int(text.lstrip("0")[:_MOST_DIGITS] or "0")
    _check("max_tokens", number)
    return number


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


def _check(name: str, value: float) -> None:
    """Raise FieldError, with the limit it breaks, unless the parameter `name` takes `value`."""
    try:
        msgspec.convert({name: value}, Parameters)
    except msgspec.ValidationError as error:
        reason = str(error).partition(" - at ")[0]
        raise FieldError(f"{name}: {reason[0].lower()}{reason[1:]}, not {value:g}.") from None
