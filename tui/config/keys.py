"""Keys of the configuration, the origin of their values, and the words that errors have for both."""

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from tui.core.sanitize import KEY_FORM
from tui.core.setting import SetBy, Setting, is_optional, settings_of, type_of
from tui.core.wording import counted

_LOOKS_SECRET = re.compile(r"sk[-_]|:[^:]*@|^[A-Za-z0-9_\-]{32,}$")
_LONGEST_SHOWN = 40

Refusal = Callable[[Any], str | None]
"""Says what is wrong with a value of the right type, as the end of a sentence that starts with the key."""


class Layer(StrEnum):
    """The layers of configuration, in rising order of precedence."""

    BUILT_IN = "built-in"
    USER = "user file"
    PROJECT = "project file"
    CONFIG = "--config"
    ENVIRONMENT = "environment"
    FLAG = "flag"

    @property
    def is_file(self) -> bool:
        """True for the files; variables and flags are what the person says at this moment."""
        return self not in (Layer.ENVIRONMENT, Layer.FLAG)

    def may_set(self, set_by: SetBy) -> bool:
        """True where this layer may set a key. A project file merely lies there: nobody chose it."""
        match set_by:
            case "anyone":
                return True
            case "chosen files":
                return self is not Layer.PROJECT
            case "own file":
                return self not in (Layer.PROJECT, Layer.CONFIG)


class Origin(msgspec.Struct, frozen=True):
    """The place that set one value; `str()` is how an error or a listing names it."""

    layer: Layer
    name: str
    """A file's path as it was given, a variable's name, or a flag."""
    line: int | None = None
    """Line of the key, counted from 1; absent outside files."""

    def __str__(self) -> str:
        return self.name if self.line is None else f"{self.name}, line {self.line}"


class SetValue(msgspec.Struct, frozen=True):
    """One value of one layer, checked."""

    value: object
    origin: Origin


class Ignored(msgspec.Struct, frozen=True):
    """A value of a file that does not count."""

    path: str
    """Its key, dotted."""
    origin: Origin
    why: str
    """The end of a sentence that starts with the key."""

    def __str__(self) -> str:
        return f"{self.origin}: {self.path} {self.why}."


class Key(Setting, frozen=True, kw_only=True):
    """One key of a table, with the declaration of its field."""

    name: str
    type: Any
    required: bool = False
    optional: bool = False
    """True where it may be not set at all, and not only left at its default."""
    default: Any = None
    items: tuple["Key", ...] = ()
    """For a list of tables: the keys of each."""
    refuse: Refusal | None = None

    @property
    def is_single(self) -> bool:
        """True for a key whose value a variable of the environment can give: no list and no table."""
        return get_origin(self.type) not in (tuple, dict)


def keys_of(
    struct: type[msgspec.Struct],
    *,
    refuse: Mapping[str, Refusal] | None = None,
    types: Mapping[str, Any] | None = None,
    items: Mapping[str, tuple[Key, ...]] | None = None,
    required: Iterable[str] = (),
) -> tuple[Key, ...]:
    """The keys of the settings declared on `struct`. `types` are those that a file has in place of the field's."""
    defaults = {
        field.name: field.default for field in msgspec.structs.fields(struct) if field.default is not msgspec.NODEFAULT
    }
    return tuple(
        Key(
            name=name,
            type=(types or {}).get(name) or type_of(struct, name),
            required=name in required,
            optional=is_optional(struct, name),
            default=defaults.get(name),
            items=(items or {}).get(name, ()),
            refuse=(refuse or {}).get(name),
            **{field: getattr(declared, field) for field in Setting.__struct_fields__},
        )
        for name, declared in settings_of(struct).items()
    )


def refuse_label(value: str) -> str | None:
    """The complaint about `value` as a name on the screen, as the end of a sentence, or None."""
    if not value.strip() or len(value) > 256 or not value.isprintable() or KEY_FORM.search(value):
        return f"must be 1 to 256 printable characters, but is {shown(value)}"
    return None


def refuse_endpoint_name(value: str) -> str | None:
    """The complaint about `value` as the name of an endpoint, as the end of a sentence, or None."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        return f"must be 1 to 64 letters, digits, - or _, but is {shown(value)}"
    return None


def looks_secret(text: str) -> bool:
    """True for what could be a key."""
    return bool(_LOOKS_SECRET.search(text))


def shown(value: object, wanted: Any = None, *, strict: bool = True) -> str:
    """`value` as it may be quoted in an error: shortened, escaped, and withheld where it could be a key.

    Of a list, the first item that is not of the type `wanted` has for its items.
    """
    if value == "":
        return "an empty text"
    if isinstance(value, str):
        if looks_secret(value):
            return "a text that is not shown here because it looks like a key"
        short = value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…"
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in f'"{short}"')
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        digits = str(value) if abs(value) < 10**_LONGEST_SHOWN else ""
        return digits or "a number of more than 40 digits"
    if isinstance(value, float):
        return str(value)
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        lists = [part for part in (wanted, *get_args(wanted)) if get_origin(part) is tuple]
        odd = [one for one in value if lists and not _fits(one, get_args(lists[0])[0], strict=strict)]
        return f"a list that holds {shown(odd[0])}" if odd else f"a list of {len(value)}" if lists else "a list"
    return "a date or time"


def _fits(value: object, wanted: Any, *, strict: bool) -> bool:
    try:
        msgspec.convert(value, wanted, strict=strict)
    except msgspec.ValidationError:
        return False
    return True


def expected(wanted: Any) -> str:
    """A type with its limits, in words: "a whole number from 1 to 10"."""
    if choices := _choices(wanted):
        return f"{', '.join(choices[:-1])} or {choices[-1]}"
    if get_origin(wanted) is tuple and (choices := _choices(get_args(wanted)[0])):
        return f"a list out of {', '.join(choices[:-1])} and {choices[-1]}"
    if get_origin(wanted) in (Union, UnionType):
        # Words besides numbers; a union of texts alone falls through.
        words = [choice for part in get_args(wanted) for choice in _choices(part)]
        rest = [part for part in get_args(wanted) if not _choices(part)]
        if words and len(rest) == 1:
            return f"{expected(rest[0])}, or {' or '.join(words)}"
    info = msgspec.inspect.type_info(wanted)
    match info:
        case msgspec.inspect.IntType(ge=low, le=high):
            return f"a whole number{_limits(None, low, high)}"
        case msgspec.inspect.FloatType(gt=above, ge=low, le=high):
            return f"a number{_limits(above, low, high)}"
        case msgspec.inspect.VarTupleType(item_type=msgspec.inspect.IntType() | msgspec.inspect.FloatType()):
            return f"a list, each {expected(get_args(wanted)[0])}"
        case msgspec.inspect.TupleType(item_types=items):
            return f"a list of {len(items)}, each {expected(get_args(wanted)[0])}"
        case msgspec.inspect.VarTupleType():
            return "a list of texts"
        case msgspec.inspect.UnionType(types=types) if any(isinstance(one, msgspec.inspect.FloatType) for one in types):
            return f"{expected(get_args(wanted)[0])}, or a list of such numbers"
        case msgspec.inspect.UnionType():
            return "a text or a list of texts"
        case msgspec.inspect.DictType():
            return "a table"
        case msgspec.inspect.StrType(min_length=least, max_length=most) if most is not None:
            return f"a text of {least} to {counted(most, 'character')}"
        case msgspec.inspect.DateType():
            return "a date such as 2026-11-22"
    return "a text"


def choices_of(wanted: Any) -> tuple[bool | str, ...]:
    """All values of a type that has only few; empty for any other type."""
    if wanted is bool:
        return (True, False)
    if get_origin(wanted) is Literal:
        return get_args(wanted)
    if get_origin(wanted) in (Union, UnionType):
        parts = [choices_of(part) for part in get_args(wanted)]
        return tuple(choice for part in parts for choice in part) if all(parts) else ()
    return ()


def _choices(wanted: Any) -> list[str]:
    """The choices as TOML writes them."""
    return [f'"{choice}"' if isinstance(choice, str) else str(choice).lower() for choice in choices_of(wanted)]


def _limits(above: float | None, low: float | None, high: float | None) -> str:
    if above is not None:
        return f" above {above:g} and up to {_number(high)}" if high is not None else f" above {above:g}"
    if low is not None:
        return f" from {_number(low)} to {_number(high)}" if high is not None else f" of at least {_number(low)}"
    return ""


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:g}"
