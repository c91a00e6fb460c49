"""The keys of [parameters], which a target may have as well."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from tui.config.keys import Key
from tui.config.wording import shown
from tui.core.parameters import PARAMETERS as DECLARED
from tui.core.parameters import Parameters
from tui.core.setting import type_of

_OWN_FIELDS = {
    "model": "the target names the model",
    "messages": "[prompt] holds them",
    "system": "[prompt] holds it",
    **{
        declared.wire: "it is a parameter of its own"
        for declared in DECLARED.values()
        if not declared.is_structured and "." not in declared.wire
    },
}
"""Fields of the request's body that `extra` must leave alone, and why: what is shown must be what is sent."""

_LARGEST = 2**63 - 1


def _refuse_stop_sequences(value: tuple[str, ...]) -> str | None:
    return "must not contain an empty text" if "" in value else None


def _refuse_geo(value: str) -> str | None:
    if not value.isascii() or not value.isprintable() or " " in value:
        return f"must be the name of a region, such as us, but is {shown(value)}"
    return None


def _refuse_extra(value: dict[str, object]) -> str | None:
    for name, reason in _OWN_FIELDS.items():
        if name in value:
            return f"must not set {name}: {reason}"
    for part in _parts(value):
        if not isinstance(part, bool | int | float | str):
            return f"must hold what JSON can say, but holds {shown(part)}"
        if isinstance(part, float) and not math.isfinite(part):
            return f"must hold what JSON can say, but holds {part}"
        if isinstance(part, int) and abs(part) > _LARGEST:
            return "must hold whole numbers of at most 64 bits"
    return None


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _parts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _parts(part)
    else:
        yield value


_REFUSALS: dict[str, Callable[[Any], str | None]] = {
    "stop_sequences": _refuse_stop_sequences,
    "inference_geo": _refuse_geo,
    "extra": _refuse_extra,
}
"""What of the right type is refused all the same."""

PARAMETERS = tuple(
    Key(name=name, type=type_of(Parameters, name), help=declared.help, unit=declared.unit, refuse=_REFUSALS.get(name))
    for name, declared in DECLARED.items()
)
