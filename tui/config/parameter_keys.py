"""The keys of [parameters], which a target may have as well."""

import math
from collections.abc import Iterator

from tui.config.keys import Key, type_of
from tui.config.wording import shown
from tui.core.parameters import Parameters

_OWN_FIELDS = {
    "model": "the target names the model",
    "messages": "[prompt] holds them",
    "system": "[prompt] holds it",
    **dict.fromkeys(
        (
            "max_tokens",
            "stream",
            "stop_sequences",
            "speed",
            "service_tier",
            "inference_geo",
            "temperature",
            "top_p",
            "top_k",
        ),
        "it is a parameter of its own",
    ),
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


def _key(name: str, help: str, unit: str = "", refuse: object = None) -> Key:  # noqa: A002 - the key's own word
    return Key(name=name, type=type_of(Parameters, name), help=help, unit=unit, refuse=refuse)  # type: ignore[arg-type]


PARAMETERS = (
    _key("max_tokens", "Most tokens the answer may have, thinking included.", "tokens"),
    _key("stream", "Whether the answer comes as it is written; false shows what streaming saves."),
    _key(
        "stop_sequences",
        "Texts at which the model stops; they do not appear in the answer.",
        refuse=_refuse_stop_sequences,
    ),
    _key("effort", "How much effort goes into the answer, thinking above all; less is faster."),
    _key("thinking", "Whether and how the model thinks before it answers; which types it takes depends on it."),
    _key("thinking_budget", 'Most thinking tokens, for thinking = "enabled", which needs it.', "tokens"),
    _key("thinking_display", "Whether thinking is shown in summary or withheld; it takes its time either way."),
    _key("speed", "Fast mode, on models that have it: more output tokens per second at a higher price."),
    _key("cache", "Whether the prompt is cached: true for the API's own time, 5m or 1h."),
    _key("service_tier", "Whether priority capacity may serve the request."),
    _key("inference_geo", "Region in which the model runs.", refuse=_refuse_geo),
    _key("temperature", "Randomness, 0 to 1; only older models and compatible servers accept it."),
    _key("top_p", "Probability that the candidates for a token add up to, 0 to 1; as temperature."),
    _key("top_k", "How many candidates there are for a token; as temperature."),
    _key("extra", "Further fields of the request's body, merged into it last.", refuse=_refuse_extra),
)
