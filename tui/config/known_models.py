"""Known models: those of `configs/models.toml`, under what endpoints listed last, kept in the state directory."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, get_args

import msgspec

from tui.config import files, paths
from tui.config.check import Checker
from tui.config.keys import Key, Layer, refuse_label
from tui.config.paths import save_state
from tui.core.model import KnownModel, Lifecycle, ListedModel, Prices
from tui.core.parameters import Effort, ThinkingType
from tui.core.setting import type_of
from tui.core.target import Endpoint

_NOT_IN_THE_FILE = ("deprecated_on", "prices", "prices_at")
_MAY_BE_ABSENT = ("lifecycle", "retires_on", "thinking", "effort", "default_effort", "fast", "speed_beta")
_UNLIKE_PRICES = ("long_prompt_tokens", "long_prompt_factor")
_OF_PRICES = {
    field if field in _UNLIKE_PRICES else f"price_{field}" if field in ("note", "read") else f"{field}_price": field
    for field in Prices.__struct_fields__
}
"""The keys that are prices, with the field of `Prices` that each fills."""
_OPTIONAL_PRICES = ("fast_input_price", "fast_output_price", *_UNLIKE_PRICES, "price_note")


def _keys() -> Iterator[Key]:
    for name in KnownModel.__struct_fields__:
        if name not in _NOT_IN_THE_FILE:
            wanted = type_of(KnownModel, name)
            refuse = refuse_label if wanted is str else None
            yield Key(name=name, type=wanted, help="", required=name not in _MAY_BE_ABSENT, refuse=refuse)
    for name, field in _OF_PRICES.items():
        yield Key(name=name, type=type_of(Prices, field), help="", required=name not in _OPTIONAL_PRICES)


_KEYS = tuple(_keys())
"""The keys of one model in the file: the fields of `KnownModel`, and those of its prices."""


@cache
def load_models() -> tuple[KnownModel, ...]:
    """All known models, in the file's order. Raises ConfigError for the first problem of the file."""
    path = paths.builtin_config("models.toml")
    return models_of(files.read_toml(path, str(path)), str(path))


def models_of(document: files.Document, name: str) -> tuple[KnownModel, ...]:
    """The models of one document. Raises ConfigError for its first problem; `name` is what it calls the file."""
    checker = Checker(Layer.BUILT_IN, name, document)
    tables = []
    for word, given in document.values.items():
        if word == "models":
            tables += checker.tables((word,), _KEYS, given)
        else:
            checker.unknown((word,), ["models"])
    checker.finish()
    return tuple(_model(values) for values in tables)


def merged(
    known: Sequence[KnownModel], listed: Sequence[ListedModel], read: date, endpoint: str = ""
) -> tuple[KnownModel, ...]:
    """`known` with what `endpoint` listed on the day `read` over it; models that are new come last, in its order.

    What the endpoint does not say stays as it was known, and is `None` for a new model.
    """
    by_id = {model.id: model for model in known}
    for model in listed:
        before = by_id.get(model.id) or KnownModel(id=model.id, display_name=model.id, facts_read=read)
        says: dict[str, Any] = {
            "display_name": model.display_name,
            "line": model.line,
            "lifecycle": _among(model.lifecycle, Lifecycle),
            "context_tokens": model.context_tokens,
            "max_output_tokens": model.max_output_tokens,
            "thinking": _all_among(model.thinking, ThinkingType),
            "effort": _all_among(model.effort, Effort),
        }
        if model.prices is not None:
            says["prices_at"] = {**before.prices_at, endpoint: model.prices.on(read)}
        changes = {name: value for name, value in says.items() if value is not None}
        if "lifecycle" in changes:  # with it come its dates, or there are none
            changes |= {"deprecated_on": model.deprecated_on, "retires_on": model.retires_on}
        by_id[model.id] = msgspec.structs.replace(before, **changes, facts_read=read)
    return tuple(by_id.values())


def _among(word: str | None, choices: Any) -> str | None:
    return word if word in get_args(choices) else None


def _all_among(words: tuple[str, ...] | None, choices: Any) -> tuple[str, ...] | None:
    return None if words is None else tuple(word for word in words if word in get_args(choices))


def _model(values: Mapping[str, Any]) -> KnownModel:
    prices = {field: values[key] for key, field in _OF_PRICES.items() if key in values}
    others = {key: value for key, value in values.items() if key not in _OF_PRICES}
    # In our own file an absent key means that the model has none.
    absent: dict[str, Any] = {"effort": (), "fast": False}
    return KnownModel(prices=Prices(**prices), **(absent | others))


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """The models that one endpoint listed."""

    base_url: str
    """Its server on that day: a list of another server is not used."""
    read: date
    models: tuple[ListedModel, ...]


def load_lists() -> dict[str, ModelList]:
    """The lists by endpoint's name; empty when there are none, or when the file cannot be used."""
    try:
        return msgspec.json.decode(paths.model_lists_file().read_bytes(), type=dict[str, ModelList])
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return {}  # a cache: asking again brings it back


def save_list(endpoint: Endpoint, models: tuple[ListedModel, ...], read: date) -> None:
    """Remember what `endpoint` listed on this day. Raises ConfigError when the file cannot be written."""
    path = paths.model_lists_file()
    lists = load_lists() | {endpoint.name: ModelList(base_url=endpoint.base_url, read=read, models=models)}
    save_state(path, msgspec.json.encode(lists), "the list of models")


def known_models(endpoints: Mapping[str, Endpoint] | Sequence[Endpoint]) -> tuple[KnownModel, ...]:
    """All models that can be named: those of `configs/models.toml`, under what these endpoints listed last.

    Raises ConfigError for the first problem of models.toml.
    """
    known = load_models()
    lists = load_lists()
    for endpoint in endpoints.values() if isinstance(endpoints, Mapping) else endpoints:
        kept = lists.get(endpoint.name)
        if kept is not None and kept.base_url == endpoint.base_url:
            known = merged(known, kept.models, kept.read, endpoint.name)
    return known
