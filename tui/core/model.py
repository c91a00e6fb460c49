"""Models: their limits, the parameters they take and their prices, each as its maker described it on a date."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

import msgspec

from tui.core.parameters import Effort, ThinkingType

Dollars = Annotated[float, msgspec.Meta(ge=0, le=10_000)]
Tokens = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """List prices, US dollars per million tokens, without batches and negotiated rates."""

    read: date | None
    """The day on which they were read; `None` for those that an endpoint's settings say."""
    input: Dollars
    output: Dollars
    cache_read: Dollars
    """For input tokens read from the prompt cache."""
    cache_write_5m: Dollars
    cache_write_1h: Dollars
    """For input tokens written to the prompt cache to be kept for 5 minutes or an hour."""
    fast_input: Dollars | None = None
    fast_output: Dollars | None = None
    """In fast mode; `None` where that is not known. Cache prices rise with the input's."""
    long_prompt_tokens: Tokens | None = None
    """Longest prompt (input, cache reads and writes) at these prices; `None` where length does not matter."""
    long_prompt_factor: Annotated[float, msgspec.Meta(ge=1, le=100)] = 1.0
    """Factor on all prices of a request with a longer prompt."""
    note: str = ""
    """A remark on the prices; may be empty."""


Lifecycle = Literal["active", "deprecated", "retired"]


class ListedPrices(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Prices as an endpoint lists them, US dollars per million tokens."""

    input: Dollars
    output: Dollars
    cache_read: Dollars | None = None
    cache_write: Dollars | None = None

    def on(self, read: date | None) -> Prices:
        """The prices of a day, or of settings. What is not said of the cache costs as other input does."""
        write = self.input if self.cache_write is None else self.cache_write
        return Prices(
            read=read,
            input=self.input,
            output=self.output,
            cache_read=self.input if self.cache_read is None else self.cache_read,
            cache_write_5m=write,
            cache_write_1h=write,
        )


class ListedModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One model as an endpoint lists it; `None` where it does not say, as compatible servers mostly do not."""

    id: str
    display_name: str | None = None
    line: str | None = None
    lifecycle: str | None = None
    deprecated_on: date | None = None
    retires_on: date | None = None
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    thinking: tuple[str, ...] | None = None
    effort: tuple[str, ...] | None = None
    prices: ListedPrices | None = None


class KnownModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model. `None` is what nobody has said: it is neither refused nor priced for that."""

    id: str
    display_name: str
    line: str = ""
    """Its family: haiku, sonnet, opus, fable; empty where that is not known."""
    lifecycle: Lifecycle = "active"
    deprecated_on: date | None = None
    retires_on: date | None = None
    """The day on which it is to be taken away; `None` where that is not known."""
    prices: Prices | None = None
    """Its maker's."""
    prices_at: dict[str, Prices] = msgspec.field(default_factory=dict)
    """The prices of endpoints that list their own, by the endpoint's name."""
    context_tokens: Tokens | None = None
    """Most tokens of input and output together."""
    max_output_tokens: Tokens | None = None
    thinking: tuple[ThinkingType, ...] | None = None
    """Accepted types of thinking."""
    effort: tuple[Effort, ...] | None = None
    """Accepted levels of effort, in rising order; empty when it has none."""
    default_effort: Effort | None = None
    """The level of a request that names none."""
    fast: bool | None = None
    """True when it has a fast mode."""
    speed_beta: str | None = None
    """Name that the header `anthropic-beta` must have for the parameter `speed`."""
    cache_min_tokens: Tokens | None = None
    """Shortest prompt that is cached; a shorter one is not, without a word."""
    accepts_temperature: bool | None = None
    """True when it takes the sampling parameters under some version of the API."""
    accepts_prefill: bool | None = None
    """True when the last turn of a conversation may be the model's own."""
    facts_read: date
    """The day on which everything but the prices was read."""

    def at(self, endpoint: str) -> "KnownModel":
        """The model at an endpoint, by that one's own prices where it lists any."""
        prices = self.prices_at.get(endpoint)
        return self if prices is None else msgspec.structs.replace(self, prices=prices)

    @property
    def lifecycle_note(self) -> str:
        """Remark for someone who chooses it: `deprecated, retires 2027-01-01`; empty while it is active."""
        if self.lifecycle == "active":
            return ""
        if self.lifecycle == "retired":
            return f"retired {self.retires_on}" if self.retires_on else "retired"
        return f"deprecated, retires {self.retires_on}" if self.retires_on else "deprecated"


def model_of(models: Mapping[str, KnownModel], name: str) -> KnownModel | None:
    """The known model that `name` means: as it stands, else without the date, version or cloud's prefix in it."""
    if name in models:
        return models[name]
    plain = _plain(name)
    return next((model for known, model in models.items() if _plain(known) == plain), None)


def is_other_model(asked: str, answered: str) -> bool:
    """True unless both name one model: a date, a version, a path or a cloud's prefix make no other."""
    return _plain(asked) != _plain(answered)


def family(model: str) -> str:
    """The family of a model by its id: the letters that its name begins with, as `claude` or `llama`; may be empty."""
    found = re.match(r"[a-z]*", _plain(model))
    return found[0] if found is not None else ""


_SUFFIX = re.compile(r"([-@:](\d{8}|\d{4}-\d\d-\d\d|latest|v\d+(:\d+)?)|\[[^\]]*\]|\.gguf)$")
_PREFIX = re.compile(r"^([a-z]{2,6}\.)?anthropic\.")


def _plain(model: str) -> str:
    name = _PREFIX.sub("", model.lower().rsplit("/", 1)[-1])
    while (shorter := _SUFFIX.sub("", name)) != name:
        name = shorter
    return name
