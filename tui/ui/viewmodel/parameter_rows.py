"""The parameters as rows of a form: what can be chosen or typed, what it means, and who would refuse it.

The rows come from the table of the configuration's keys: a parameter that stands there has a row here.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import msgspec
import tomli

from tui.config.check import value_of
from tui.config.keys import Key
from tui.config.schema import PARAMETERS
from tui.core.model import KnownModel
from tui.core.parameters import PARAMETERS as DECLARED
from tui.core.parameters import SAMPLING, Parameters
from tui.core.refusals import refusal, refusals
from tui.core.target import Target
from tui.ui.viewmodel.fields import FieldError, read_max_tokens, read_stop_sequences, write_stop_sequences

_BOOL = {"on": True, "off": False}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter in a form."""

    name: str
    """Its field of `Parameters`."""
    key: Key
    choices: tuple[str, ...]
    """What there is to choose from; empty where something is typed."""

    @property
    def title(self) -> str:
        """What the row is called."""
        return DECLARED[self.name].title

    @property
    def hint(self) -> str:
        """What may be typed."""
        return DECLARED[self.name].hint

    @property
    def help(self) -> str:
        """What it means."""
        return f"{self.key.help[:-1]}, in {self.key.unit}." if self.key.unit else self.key.help

    def read(self, typed: str) -> Any:
        """The value of what was typed or chosen; None for nothing. Raises FieldError with one sentence."""
        text = typed.strip()
        if not text:
            return None
        if self.name == "max_tokens":
            return read_max_tokens(text)
        value: object = text
        if self.name == "stop_sequences":
            value = read_stop_sequences(typed)
        elif self.name == "extra":
            value = _table(text)
        elif self.choices:
            value = _BOOL.get(text, text)
        elif self.name in SAMPLING and text.startswith("."):
            value = f"0{text}"
        try:
            return None if value is None else value_of(self.key, value, is_text=isinstance(value, str))
        except ValueError as error:
            raise FieldError(f"{self.title} {error}.") from None

    def write(self, value: Any) -> str:
        """What `read` reads back as `value`."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(value, dict):
            return msgspec.json.encode(value).decode()
        if isinstance(value, float):
            return f"{value:g}"
        return write_stop_sequences(value) if isinstance(value, tuple) else str(value)


def _table(text: str) -> dict[str, Any]:
    """The table in a field: a JSON object, or what stands between the braces of a TOML one."""
    try:
        if text.startswith("{"):
            return msgspec.json.decode(text, type=dict[str, Any])
        table: dict[str, Any] = tomli.loads(f"extra = {{ {text} }}")["extra"]
    except (msgspec.DecodeError, tomli.TOMLDecodeError, RecursionError):
        raise FieldError('extra must be a JSON object, or TOML such as name = "value".') from None
    return table


def _choices(wanted: Any) -> tuple[str, ...]:
    if wanted is bool:
        return ("on", "off")
    if get_origin(wanted) is Literal:
        return tuple(map(str, get_args(wanted)))
    parts = [_choices(part) for part in get_args(wanted)]
    return tuple(choice for part in parts for choice in part) if parts and all(parts) else ()


def _rows() -> Iterator[Row]:
    keys = {key.name: key for key in PARAMETERS}
    for name in sorted(keys, key=lambda name: not DECLARED[name].moves_latency):
        wanted = keys[name].type
        choices = _choices(wanted) if get_origin(wanted) not in (tuple, dict) else ()
        yield Row(name=name, key=keys[name], choices=choices)


ROWS = tuple(_rows())
"""All parameters: those that move latency most, then the others in the order of the configuration."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A target whose requests a form decides, and what is known of its model."""

    target: Target
    model: KnownModel | None

    def takes_shared(self, name: str) -> bool:
        """Whether it is asked with the shared parameter `name`."""
        return name not in self.target.drop and getattr(self.target.parameters, name) is None

    def with_shared(self, shared: Parameters) -> Parameters:
        """What it is asked with."""
        return shared.without(self.target.drop).overridden_by(self.target.parameters)


def asked(targets: Sequence[Target], models: Mapping[str, KnownModel]) -> tuple[Asked, ...]:
    """The targets with what is known of their models."""
    return tuple(Asked(target=target, model=models.get(target.model)) for target in targets)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Who refuses a parameter."""

    by_all: bool
    """Whether every target that would be asked with it does."""
    reason: str
    """One sentence, with the targets it is about where it isn't all."""


def standing(row: Row, shared: Parameters, targets: Sequence[Asked]) -> Standing | None:
    """Who refuses the parameter as it is set in `shared`, or in any way while it is not set; None for nobody."""
    taking = [asked for asked in targets if asked.takes_shared(row.name)]
    refused: dict[str, list[str]] = {}
    for one in taking:
        if (reason := _reason(row, shared, one)) is not None:
            refused.setdefault(reason, []).append(one.target.label)
    if not refused:
        return None
    by_all = sum(map(len, refused.values())) == len(taking)
    reasons = refused if by_all else [f"{reason} ({', '.join(labels)})" for reason, labels in refused.items()]
    return Standing(by_all=by_all, reason=f"{'; '.join(reasons)}.")


def refused_choices(row: Row, targets: Sequence[Asked]) -> frozenset[str]:
    """The choices that every target would be refused with."""
    taking = [asked for asked in targets if asked.takes_shared(row.name)]
    return frozenset(
        choice
        for choice in row.choices
        if taking and all(refusal(row.name, row.read(choice), asked.model) is not None for asked in taking)
    )


def _reason(row: Row, shared: Parameters, asked: Asked) -> str | None:
    if getattr(shared, row.name) is not None:
        return refusals(asked.with_shared(shared), asked.model).get(row.name)
    probes = DECLARED[row.name].probes or tuple(row.read(choice) for choice in row.choices)
    reasons = [refusal(row.name, value, asked.model) for value in probes]
    return reasons[0] if reasons and all(reasons) else None
