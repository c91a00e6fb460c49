"""How it is asked: the request parameters a person can set, shared or per target.

Names and values are the API's own, as the SDK's types give them; ranges are those of the API's reference.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec

Effort = Literal["low", "medium", "high", "xhigh", "max"]
ThinkingType = Literal["adaptive", "enabled", "disabled", "between_tools"]
ThinkingDisplay = Literal["summarized", "omitted"]
Speed = Literal["standard", "fast"]
CacheTtl = Literal["5m", "1h"]
ServiceTier = Literal["auto", "standard_only"]

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]

SAMPLING = ("temperature", "top_p", "top_k")
"""Only older models and compatible servers accept these, and the API only under `OLDER_API_VERSION`."""

OLDER_API_VERSION = "2023-06-01"
"""The API version under which models that still take the sampling parameters accept them."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Request parameters. `None` means "not set": inherited from the shared ones, or left to the API."""

    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    """Most tokens the answer may have, thinking included."""
    stream: bool | None = None
    """Whether the answer comes as it is written, which is so unless this is `False`: then it comes in one piece."""
    stop_sequences: tuple[str, ...] | None = None
    """Texts at which the model stops; they do not appear in the answer."""
    effort: Effort | None = None
    """How much effort goes into the answer, thinking above all."""
    thinking: ThinkingType | None = None
    """Whether and how the model thinks before it answers."""
    thinking_budget: Annotated[int, msgspec.Meta(ge=1024, le=1_000_000)] | None = None
    """Most thinking tokens of `thinking = "enabled"`; sent with that type only."""
    thinking_display: ThinkingDisplay | None = None
    """Whether the thinking is shown in summary or withheld; sent with the types "adaptive" and "enabled" only."""
    speed: Speed | None = None
    """Fast mode raises output tokens per second, not TTFT, on models that have it; it costs more."""
    cache: bool | CacheTtl | None = None
    """Whether the prompt is cached, and for how long: `True` leaves that to the API (5 minutes), `False` is off."""
    service_tier: ServiceTier | None = None
    """Whether priority capacity may serve the request."""
    inference_geo: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    """Region in which the model runs."""
    temperature: Share | None = None
    """Randomness, 0 to 1. See `SAMPLING`."""
    top_p: Share | None = None
    """Sampling from the most likely tokens that together reach this probability, 0 to 1. See `SAMPLING`."""
    top_k: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    """Sampling from this many of the most likely tokens. See `SAMPLING`."""
    extra: dict[str, Any] | None = None
    """Fields of the request's body that have no parameter here, merged into it last, tables into tables."""

    def overridden_by(self, overrides: "Parameters") -> "Parameters":
        """These parameters with every field that `overrides` sets taken from there."""
        changes = {
            name: value for name in overrides.__struct_fields__ if (value := getattr(overrides, name)) is not None
        }
        return msgspec.structs.replace(self, **changes)

    def without(self, names: Iterable[str]) -> "Parameters":
        """These parameters with the fields `names` not set."""
        return msgspec.structs.replace(self, **dict.fromkeys(names))

    @property
    def sampling(self) -> tuple[str, ...]:
        """Names of the sampling parameters that are set."""
        return tuple(name for name in SAMPLING if getattr(self, name) is not None)
