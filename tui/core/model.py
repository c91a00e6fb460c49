"""What is known of a model: its limits, what it takes, and what it costs, each as its maker described it on a date."""

from datetime import date

import msgspec

from tui.core.parameters import Effort, ThinkingType


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """List prices, US dollars per million tokens, without batches and negotiated rates."""

    read: date
    """When they were read."""
    input: float
    output: float
    cache_read: float
    """For input tokens read from the prompt cache."""
    cache_write_5m: float
    cache_write_1h: float
    """For input tokens written to the prompt cache to be kept for 5 minutes or an hour."""
    fast_input: float | None = None
    fast_output: float | None = None
    """In fast mode; `None` where that is not known. Cache prices rise with the input's."""
    long_prompt_tokens: int | None = None
    """Longest prompt (input, cache reads and writes) at these prices; `None` where length does not matter."""
    long_prompt_factor: float = 1.0
    """What all prices of a request with a longer prompt are multiplied by."""
    note: str = ""
    """What else there is to say of the prices; empty when nothing."""


class KnownModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model."""

    id: str
    display_name: str
    line: str
    """Its family: haiku, sonnet, opus, fable."""
    prices: Prices
    context_tokens: int
    """Most tokens of input and output together."""
    max_output_tokens: int
    thinking: tuple[ThinkingType, ...]
    """Accepted types of thinking."""
    effort: tuple[Effort, ...] = ()
    """Accepted levels of effort, in rising order; empty when it has none."""
    default_effort: Effort | None = None
    """The level of a request that names none."""
    fast: bool = False
    """True when it has a fast mode."""
    cache_min_tokens: int
    """Shortest prompt that is cached; a shorter one is not, without a word."""
    accepts_temperature: bool
    """True when it takes the sampling parameters under some version of the API."""
    accepts_prefill: bool
    """True when the last turn of a conversation may be the model's own."""
    facts_read: date
    """When everything but the prices was read."""
