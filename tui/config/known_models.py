"""Known models: those of `configs/models.toml`, under what endpoints listed last, kept in the state directory."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, get_args

import msgspec

from tui.config import files, paths
from tui.config.check import Checker
from tui.config.keys import Key, Layer, refuse_label
from tui.config.paths import private_directory, write_private
from tui.core.model import KnownModel, Lifecycle, ListedModel, Prices
from tui.core.parameters import Effort, ThinkingType
from tui.core.target import Endpoint
from tui.errors import ConfigError

_Price = Annotated[float, msgspec.Meta(ge=0, le=10_000)]
_Tokens = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
_Factor = Annotated[float, msgspec.Meta(ge=1, le=100)]
_USD = "USD per million tokens"

_KEYS = (
    Key(name="id", type=str, required=True, help="The model's id.", refuse=refuse_label),
    Key(name="display_name", type=str, required=True, help="Its name for people.", refuse=refuse_label),
    Key(name="line", type=str, required=True, help="Its family.", refuse=refuse_label),
    Key(name="input_price", type=_Price, unit=_USD, required=True, help="List price of input."),
    Key(name="output_price", type=_Price, unit=_USD, required=True, help="List price of output."),
    Key(name="cache_read_price", type=_Price, unit=_USD, required=True, help="Input read from the cache."),
    Key(name="cache_write_5m_price", type=_Price, unit=_USD, required=True, help="Input cached for 5 minutes."),
    Key(name="cache_write_1h_price", type=_Price, unit=_USD, required=True, help="Input cached for an hour."),
    Key(name="fast_input_price", type=_Price, unit=_USD, help="Input in fast mode; absent: not known."),
    Key(name="fast_output_price", type=_Price, unit=_USD, help="Output in fast mode; absent: not known."),
    Key(name="long_prompt_tokens", type=_Tokens, unit="tokens", help="Longest prompt at these prices."),
    Key(name="long_prompt_factor", type=_Factor, help="What all prices are multiplied by for longer ones."),
    Key(name="price_note", type=str, help="What else there is to say of the prices."),
    Key(name="price_read", type=date, required=True, help="When the prices were read."),
    Key(name="context_tokens", type=_Tokens, unit="tokens", required=True, help="Most input and output together."),
    Key(name="max_output_tokens", type=_Tokens, unit="tokens", required=True, help="Most output."),
    Key(name="thinking", type=tuple[ThinkingType, ...], required=True, help="Accepted types of thinking."),
    Key(name="effort", type=tuple[Effort, ...], help="Accepted levels of effort; absent: it has none."),
    Key(name="default_effort", type=Effort, help="The level of a request that names none."),
    Key(name="fast", type=bool, help="Whether it has a fast mode."),
    Key(
        name="speed_beta", type=str, help="What anthropic-beta must name for the parameter speed.", refuse=refuse_label
    ),
    Key(name="cache_min_tokens", type=_Tokens, unit="tokens", required=True, help="Shortest prompt that is cached."),
    Key(name="accepts_temperature", type=bool, required=True, help="Whether it takes temperature at all."),
    Key(name="accepts_prefill", type=bool, required=True, help="Whether the last turn may be its own."),
    Key(name="facts_read", type=date, required=True, help="When the other facts were read."),
)
_OF_PRICES = {
    "input_price": "input",
    "output_price": "output",
    "cache_read_price": "cache_read",
    "cache_write_5m_price": "cache_write_5m",
    "cache_write_1h_price": "cache_write_1h",
    "fast_input_price": "fast_input",
    "fast_output_price": "fast_output",
    "long_prompt_tokens": "long_prompt_tokens",
    "long_prompt_factor": "long_prompt_factor",
    "price_note": "note",
    "price_read": "read",
}
"""Which keys are prices, and the field of `Prices` that each fills."""


def load_models() -> tuple[KnownModel, ...]:
    """All known models, in the file's order. Raises ConfigError for the first problem of the file."""
    path = paths.builtin_config("models.toml")
    return models_of(files.read_toml(path, str(path)), str(path))


def models_of(document: files.Document, name: str) -> tuple[KnownModel, ...]:
    """The models of one document. Raises ConfigError for its first problem; `name` is what it calls the file."""
    checker = Checker(Layer.BUILT_IN, name, document.lines)
    tables = []
    for word, given in document.values.items():
        if word == "models":
            tables += checker.tables((word,), _KEYS, given)
        else:
            checker.unknown((word,), ["models"])
    checker.finish()
    return tuple(_model(values) for values in tables)


def merged(known: Sequence[KnownModel], listed: Sequence[ListedModel], read: date) -> tuple[KnownModel, ...]:
    """`known` with what an endpoint listed on the day `read` over it; models that are new come last, in its order.

    What the endpoint does not say stays as it was known, and is `None` for a new model.
    """
    by_id = {model.id: model for model in known}
    for model in listed:
        before = by_id.get(model.id) or KnownModel(id=model.id, display_name=model.id, facts_read=read)
        says = {
            "display_name": model.display_name,
            "line": model.line,
            "lifecycle": _among(model.lifecycle, Lifecycle),
            "context_tokens": model.context_tokens,
            "max_output_tokens": model.max_output_tokens,
            "thinking": _all_among(model.thinking, ThinkingType),
            "effort": _all_among(model.effort, Effort),
        }
        changes = {name: value for name, value in says.items() if value is not None}
        by_id[model.id] = msgspec.structs.replace(
            before, **changes, deprecated_on=model.deprecated_on, retires_on=model.retires_on, facts_read=read
        )
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
    """Where it was then: a list of another server is not used."""
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
    try:
        private_directory(path.parent)
        write_private(path, msgspec.json.encode(lists))
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise ConfigError(f"{path}: the list of models cannot be saved: {reason}.") from None


def known_models(endpoints: Mapping[str, Endpoint] | Sequence[Endpoint]) -> tuple[KnownModel, ...]:
    """All models that can be named: those of `configs/models.toml`, under what these endpoints listed last.

    Raises ConfigError for the first problem of models.toml.
    """
    known = load_models()
    lists = load_lists()
    for endpoint in endpoints.values() if isinstance(endpoints, Mapping) else endpoints:
        kept = lists.get(endpoint.name)
        if kept is not None and kept.base_url == endpoint.base_url:
            known = merged(known, kept.models, kept.read)
    return known
