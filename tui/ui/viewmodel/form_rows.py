"""Rows of a form, one per key of the configuration: what can be chosen or typed, and how it is read and written."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, get_args, get_origin

import msgspec
import tomli

from tui.config.check import value_of
from tui.config.keys import Key, choices_of
from tui.config.schema import TABLES
from tui.core.parameters import PARAMETERS

_WORDS = {"on": True, "off": False}
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", ",": ","}
_MOST_DIGITS = 41
"""Digits that are read: a longer number is too large anyway, and Python refuses to read thousands of them."""


class FieldError(ValueError):
    """A field holds something that cannot be sent; the message is one sentence."""


class FormRow(msgspec.Struct, frozen=True, kw_only=True):
    """One setting in a form."""

    key: Key
    title: str
    hint: str
    """Text of an empty field: what may be typed, or what is done without a value."""
    choices: tuple[str, ...]
    """The words to choose from; empty where something is typed."""

    @property
    def name(self) -> str:
        """The key's name."""
        return self.key.name

    @property
    def help(self) -> str:
        """Its meaning, with the unit."""
        return f"{self.key.help[:-1]}, in {self.key.unit}." if self.key.unit else self.key.help

    def read(self, typed: str, *, required: bool = False) -> Any:
        """The value of what was typed or chosen; None for nothing. Raises FieldError with one sentence."""
        value = self._parsed(typed) if typed.strip() else None
        if value is None:
            if required:
                raise FieldError(f"{self.title} is required: {self.hint}.")
            return None
        try:
            return value_of(self.key, value, is_text=isinstance(value, str) or _holds_numbers(self.key.type))
        except ValueError as error:
            raise FieldError(f"{self.title} {error}.") from None

    def write(self, value: Any) -> str:
        """The text that `read` reads back as `value`."""
        if value is None:
            return ""
        if isinstance(value, dict):
            return msgspec.json.encode(value).decode()
        if isinstance(value, float):
            return f"{value:g}"
        if isinstance(value, tuple) and not all(isinstance(one, str) for one in value):
            return ", ".join(f"{one:g}" for one in value)
        return write_texts(value) if isinstance(value, tuple) else _word(value)

    def _parsed(self, typed: str) -> object:
        text, wanted = typed.strip(), _bare(self.key.type)
        if _holds_numbers(self.key.type):
            parts = [part.strip() for part in text.strip("[]").split(",") if part.strip()]
            return parts if wanted is tuple or len(parts) > 1 else text
        if wanted is tuple:
            return read_texts(typed)
        if wanted is dict:
            return _read_table(text)
        if wanted is int:
            return _digits(text)
        return f"0{text}" if wanted is float and text.startswith(".") else _WORDS.get(text, text)


def _word(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def rows_of(keys: Iterable[Key]) -> tuple[FormRow, ...]:
    """The rows of a table of keys, in its order."""
    return tuple(map(_row_of, keys))


def _row_of(key: Key) -> FormRow:
    title, choices = key.label or key.name.replace("_", " "), tuple(map(_word, choices_of(key.type)))
    row = FormRow(key=key, title=title, hint=key.unset, choices=choices)
    return row if row.hint else msgspec.structs.replace(row, hint=row.write(key.default) or "none")


def read_texts(typed: str) -> tuple[str, ...] | None:
    r"""The texts in a field, separated by commas; `\n`, `\t`, `\\` and `\,` stand for what they mean.

    Blanks around a text are dropped, unless they are escaped characters. None when the field is empty.
    """
    texts: list[str] = []
    current: list[str] = []
    chars = iter(typed)
    for char in chars:
        if char == "\\":
            following = next(chars, None)
            if following not in _ESCAPES:
                where = "at the end" if following is None else f"before {following!r}"
                raise FieldError(f"stop sequences: a backslash {where} has no meaning; write \\\\ for a backslash.")
            current.append(_ESCAPES[following])
        elif char == ",":
            texts.append("".join(current))
            current = []
        else:
            current.append(char)
    texts.append("".join(current))
    kept = tuple(text for raw in texts if (text := raw.strip(" ")))
    if any(text.isspace() for text in kept):
        raise FieldError("stop sequences: the API refuses one of white space alone; add a character to it.")
    return kept or None


def write_texts(texts: tuple[str, ...] | None) -> str:
    """The text that `read_texts` reads back as `texts`."""
    back = {meaning: f"\\{letter}" for letter, meaning in _ESCAPES.items()}
    return ", ".join("".join(back.get(char, char) for char in text) for text in texts or ())


def _read_table(text: str) -> dict[str, Any]:
    """The table in a field: a JSON object, or what stands between the braces of a TOML one."""
    try:
        if text.startswith("{"):
            return msgspec.json.decode(text, type=dict[str, Any])
        table: dict[str, Any] = tomli.loads(f"extra = {{ {text} }}")["extra"]
    except (msgspec.DecodeError, tomli.TOMLDecodeError, RecursionError):
        raise FieldError('extra must be a JSON object, or TOML such as name = "value".') from None
    return table


def _digits(text: str) -> object:
    """The whole number in `text`, which may be written as 1,024 or 1_024; anything else as it is."""
    bare = text.replace(",", "").replace("_", "")
    return int(bare.lstrip("0")[:_MOST_DIGITS] or "0") if bare.isascii() and bare.isdigit() else text


def _bare(wanted: Any) -> Any:
    """A type without its limits and parameters."""
    origin = get_origin(wanted)
    return get_args(wanted)[0] if origin is Annotated else origin or wanted


def _holds_numbers(wanted: Any) -> bool:
    """True for a list of numbers, and for a number or a list of such."""
    parts = [part for part in (wanted, *get_args(wanted)) if _bare(part) is tuple]
    return any(_bare(item) in (int, float) for part in parts for item in get_args(part))


def _parameter_rows() -> Iterator[FormRow]:
    for row in rows_of(TABLES["parameters"]):
        declared = PARAMETERS[row.name]
        hint = "API default" if row.choices else declared.hint
        yield msgspec.structs.replace(row, title=declared.title, hint=hint)


PARAMETER_ROWS = tuple(sorted(_parameter_rows(), key=lambda row: not PARAMETERS[row.name].moves_latency))
"""All parameters: those that move latency most, then the others in the order of the configuration."""
