"""Cost of a request: an estimate from the tokens the API reported and the list prices of a date."""

from collections.abc import Mapping
from datetime import date

import msgspec

from tui.core.events import Status, Usage
from tui.core.model import KnownModel, ListedPrices, Prices, model_of
from tui.core.parameters import Parameters
from tui.core.record import RequestRecord
from tui.core.target import Endpoint

_PER = 1_000_000
"""Tokens that prices are for."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate of one request's cost."""

    usd: float
    """US dollars."""
    is_lower_bound: bool
    """True when it costs this or more: a count is missing, or something is dearer by an amount that is not known."""
    prices_read: date | None
    """The date of the prices it is computed with; `None` for those that the endpoint's settings say."""


def estimate(usage: Usage, prices: Prices | None, parameters: Parameters, *, complete: bool = True) -> Cost | None:
    """The cost of a request for which the API reported `usage`; None where nothing can be said.

    That is so where prices are not known, without any count, and for fast mode where its price is not
    known. What was served counts, not what was asked for: speed and the cache's lifetimes are those of `usage` where it
    has them. The API's `input_tokens` are those neither read from the cache nor written to it. `complete` is False
    for an answer that broke off, whose tokens were not all counted.
    """
    if prices is None or (usage.input_tokens is None and usage.output_tokens is None):
        return None
    rates = _rates(prices, usage.speed or parameters.speed)
    if rates is None:
        return None
    input_price, output_price, dearer = rates
    fresh, read = usage.input_tokens or 0, usage.cache_read_input_tokens or 0
    written_5m, written_1h = _written(usage, parameters)
    usd = fresh * input_price
    usd += (read * prices.cache_read + written_5m * prices.cache_write_5m + written_1h * prices.cache_write_1h) * dearer
    usd += (usage.output_tokens or 0) * output_price
    usd *= length_factor(prices, fresh + read + written_5m + written_1h)
    is_incomplete = not complete or usage.input_tokens is None or usage.output_tokens is None
    return Cost(
        usd=usd / _PER,
        # Some regions have a surcharge, which the list prices here do not say.
        is_lower_bound=is_incomplete or parameters.inference_geo not in (None, "global"),
        prices_read=prices.read,
    )


def cost_of(record: RequestRecord, models: Mapping[str, KnownModel]) -> Cost | None:
    """The cost of a request that has ended, by the prices that hold at its endpoint; see `estimate`."""
    spec, whole = record.spec, record.complete or record.status is Status.REFUSED
    return estimate(record.usage, prices_at(models, spec.model, spec.endpoint), spec.parameters, complete=whole)


def prices_at(models: Mapping[str, KnownModel], name: str, endpoint: Endpoint) -> Prices | None:
    """The prices of a model at an endpoint: those of its settings, else of its list, else the maker's."""
    if endpoint.prices is not None:
        of_input, of_output = endpoint.prices
        return ListedPrices(input=of_input, output=of_output).on(None)
    model = model_of(models, name)
    return None if model is None else model.at(endpoint.name).prices


def upper_bound(
    input_tokens: int, prices: Prices | None, parameters: Parameters, *, answers: bool = True
) -> Cost | None:
    """The most that a request with a prompt of `input_tokens` can cost at list prices; None where that is not known.

    All of the input at the dearest of the prices that can apply to it (writing to the cache, where that is on), and
    `max_tokens` of output; none of that where no answer is asked for.
    """
    rates = _rates(prices, parameters.speed) if prices is not None else None
    if prices is None or rates is None:
        return None
    input_price, output_price, dearer = rates
    if parameters.cache:
        write = prices.cache_write_1h if parameters.cache == "1h" else prices.cache_write_5m
        input_price = max(input_price, write * dearer)
    output_tokens = (parameters.max_tokens or 0) if answers else 0
    usd = input_tokens * input_price + output_tokens * output_price
    usd *= length_factor(prices, input_tokens)
    return Cost(
        usd=usd / _PER, is_lower_bound=parameters.inference_geo not in (None, "global"), prices_read=prices.read
    )


def _rates(prices: Prices, speed: str | None) -> tuple[float, float, float] | None:
    """Prices of input and output at a speed, and the factor of the cache's; None where fast mode's are not known."""
    if speed != "fast":
        return prices.input, prices.output, 1.0
    if prices.fast_input is None or prices.fast_output is None:
        return None
    return prices.fast_input, prices.fast_output, prices.fast_input / prices.input if prices.input else 1.0


def _written(usage: Usage, parameters: Parameters) -> tuple[int, int]:
    """Tokens written to the cache for 5 minutes and for an hour; undivided ones go by what was asked."""
    written = usage.cache_creation_input_tokens or 0
    if usage.cache_5m_input_tokens is not None or usage.cache_1h_input_tokens is not None:
        return usage.cache_5m_input_tokens or 0, usage.cache_1h_input_tokens or 0
    return (0, written) if parameters.cache == "1h" else (written, 0)


def length_factor(prices: Prices, prompt_tokens: int) -> float:
    """Factor of a long prompt on all prices."""
    is_long = prices.long_prompt_tokens is not None and prompt_tokens > prices.long_prompt_tokens
    return prices.long_prompt_factor if is_long else 1.0


def total(costs: list[Cost | None]) -> Cost | None:
    """The sum of a run or a session, with the oldest of the prices' dates; None when no cost is known.

    A cost that is not known makes the sum a lower bound.
    """
    known = [cost for cost in costs if cost is not None]
    if not known:
        return None
    return Cost(
        usd=sum(cost.usd for cost in known),
        is_lower_bound=len(known) < len(costs) or any(cost.is_lower_bound for cost in known),
        prices_read=min((cost.prices_read for cost in known if cost.prices_read is not None), default=None),
    )
