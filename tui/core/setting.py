"""Settings declared on the fields that hold them: help, unit and who may set it stand in the field's annotation.

    connect: Annotated[Seconds, setting("Name look-up, TCP and TLS together.", "seconds")] = 10.0

Forms, configuration keys, listings and documentation read them with `settings_of`. In a JSON schema the help is the
field's description.
"""

from collections.abc import Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

SetBy = Literal["anyone", "chosen files", "own file"]
"""Files that may set a key: any, also one that merely lies in the working directory; those that were chosen, such as a
plan; the person's own one alone. Variables of the environment and flags are the person's."""

_EXTRA = "setting"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """Declaration of one setting."""

    help: str
    """One sentence."""
    unit: str = ""
    set_by: SetBy = "own file"
    """A key that does not say who may set it is the person's."""
    is_cap: bool = False
    """True for a limit on what is spent: of the values in files the lowest counts."""
    old_name: str = ""
    """Key of the previous version, still read."""
    label: str = ""
    """Words before its field in a form; empty: the key's name."""
    unset: str = ""
    """Words in a form's empty field, for what is done without a value; empty: the default's value."""


def setting(
    help: str,  # noqa: A002 - the field's word
    unit: str = "",
    *,
    set_by: SetBy = "own file",
    is_cap: bool = False,
    old_name: str = "",
    label: str = "",
    unset: str = "",
) -> msgspec.Meta:
    """The annotation that declares a field as a setting."""
    return declaration(
        Setting(help=help, unit=unit, set_by=set_by, is_cap=is_cap, old_name=old_name, label=label, unset=unset)
    )


open_setting = partial(setting, set_by="anyone")
"""The annotation of a field that any file may set, also one that merely lies in the working directory."""


def declaration(declared: Setting) -> msgspec.Meta:
    """The annotation that carries `declared`."""
    return msgspec.Meta(description=declared.help, extra={_EXTRA: declared})


@cache
def _hints(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The fields' types. Once per class: asked for each field they would be a fifth of the program's start."""
    return get_type_hints(struct, include_extras=True)


@cache
def settings_of(struct: type[msgspec.Struct]) -> Mapping[str, Setting]:
    """The settings declared on the fields of `struct`, by name, in the fields' order."""
    hints = _hints(struct)
    found = {name: _declared(hints[name]) for name in struct.__struct_fields__}
    return MappingProxyType({name: declared for name, declared in found.items() if declared is not None})


@cache
def type_of(struct: type[msgspec.Struct], field: str) -> Any:
    """A field's type with its limits, without its declaration and without `| None`: TOML has no null."""
    hint = _undeclared(struct, field)
    if type(None) not in get_args(hint):
        return hint
    wanted, *rest = (part for part in get_args(hint) if part is not type(None))
    for part in rest:
        wanted |= part
    return wanted


def is_optional(struct: type[msgspec.Struct], field: str) -> bool:
    """True for a field that may be `None`."""
    return type(None) in get_args(_undeclared(struct, field))


@cache
def _undeclared(struct: type[msgspec.Struct], field: str) -> Any:
    """A field's type with its limits, without its declaration."""
    hint = _hints(struct)[field]
    if get_origin(hint) is not Annotated:
        return hint
    wanted, *notes = get_args(hint)
    kept = [note for note in notes if not _declares(note)]
    return Annotated[(wanted, *kept)] if kept else wanted


def _declared(hint: Any) -> Setting | None:
    return next((note.extra[_EXTRA] for note in getattr(hint, "__metadata__", ()) if _declares(note)), None)


def _declares(note: object) -> bool:
    return isinstance(note, msgspec.Meta) and _EXTRA in (note.extra or {})
