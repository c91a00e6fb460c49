"""What a request costs: an estimate from the tokens the API reported and the list prices of a date."""

from datetime import date

import msgspec

from tui.core.events import Usage
from tui.core.model import KnownModel
from tui.core.parameters import Parameters

_PER = 1_000_000
"""Tokens that prices are for."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate of one request's cost."""

    usd: float
    """US dollars."""
    is_lower_bound: bool
    """True when it costs this or more: a count is missing, or something is dearer by an amount that is not known."""
    prices_read: date
    """The date of the prices it is computed with."""


def estimate(usage: Usage, model: KnownModel | None, parameters: Parameters) -> Cost | None:
    """The cost of a request for which the API reported `usage`; None where nothing can be said.

    That is so for a model that is not known, without any count, and for fast mode where its price is not known.
    The API's `input_tokens` are those neither read from the cache nor written to it.
    """
    if model is None or (usage.input_tokens is None and usage.output_tokens is None):
        return None
    prices = model.prices
    input_price, output_price = prices.input, prices.output
    if parameters.speed == "fast":
        if prices.fast_input is None or prices.fast_output is None:
            return None
        input_price, output_price = prices.fast_input, prices.fast_output
    dearer = input_price / prices.input if prices.input else 1.0
    write_price = prices.cache_write_1h if parameters.cache == "1h" else prices.cache_write_5m
    fresh, read, written = (
        count or 0 for count in (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens)
    )
    usd = fresh * input_price + (read * prices.cache_read + written * write_price) * dearer
    usd += (usage.output_tokens or 0) * output_price
    if prices.long_prompt_tokens is not None and fresh + read + written > prices.long_prompt_tokens:
        usd *= prices.long_prompt_factor
    is_incomplete = usage.input_tokens is None or usage.output_tokens is None
    return Cost(
        usd=usd / _PER,
        # Some regions have a surcharge, which the list prices here do not say.
        is_lower_bound=is_incomplete or parameters.inference_geo not in (None, "global"),
        prices_read=prices.read,
    )


def total(costs: list[Cost | None]) -> Cost | None:
    """The sum of a run or a sitting, with the oldest of the prices' dates; None when no cost is known.

    A cost that is not known makes the sum a lower bound.
    """
    known = [cost for cost in costs if cost is not None]
    if not known:
        return None
    return Cost(
        usd=sum(cost.usd for cost in known),
        is_lower_bound=len(known) < len(costs) or any(cost.is_lower_bound for cost in known),
        prices_read=min(cost.prices_read for cost in known),
    )
