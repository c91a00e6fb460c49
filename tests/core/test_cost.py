"""Estimates held against sums done by hand from the price list."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config.known_models import load_models
from tui.core.cost import Cost, estimate, prices_at, total, upper_bound
from tui.core.events import Usage
from tui.core.model import ListedPrices
from tui.core.parameters import Parameters
from tui.core.target import Endpoint
from tui.core.wording import dollars

MODELS = {model.id.removeprefix("claude-"): model for model in load_models()}


def usd(model: str, usage: Usage, **parameters: object) -> float:
    cost = estimate(usage, MODELS[model].prices, Parameters(**parameters))  # type: ignore[arg-type]
    prices = MODELS[model].prices
    assert cost is not None
    assert prices is not None
    assert cost.prices_read == prices.read
    return cost.usd


def test_input_and_output() -> None:
    assert usd("sonnet-5-5", Usage(input_tokens=1000, output_tokens=500)) == pytest.approx(0.002 + 0.005)


def test_cache_reads_are_cheap_and_writes_dear() -> None:
    read = Usage(input_tokens=10, cache_read_input_tokens=10_000, output_tokens=100)
    written = Usage(input_tokens=10, cache_creation_input_tokens=10_000, output_tokens=100)
    rest = 10 * 5e-6 + 100 * 25e-6
    assert usd("opus-5", read, cache=True) == pytest.approx(rest + 10_000 * 0.5e-6)
    assert usd("opus-5", written, cache=True) == pytest.approx(rest + 10_000 * 6.25e-6)
    assert usd("opus-5", written, cache="1h") == pytest.approx(rest + 10_000 * 10e-6)


def test_fast_mode_costs_what_is_known_and_nothing_else() -> None:
    usage = Usage(input_tokens=1000, cache_read_input_tokens=1000, output_tokens=1000)
    assert usd("opus-5", usage, speed="fast") == pytest.approx(0.010 + 0.001 + 0.050)
    assert MODELS["haiku-5-5"].prices is not None, "it has no fast mode, so no price of it"
    assert estimate(usage, MODELS["haiku-5-5"].prices, Parameters(speed="fast")) is None
    assert estimate(usage, MODELS["haiku-5-5"].prices, Parameters(speed="standard")) is not None


@pytest.mark.parametrize(("extra", "factor"), [(0, 1), (1, 5)])
def test_a_long_prompt_makes_everything_dearer(extra: int, factor: int) -> None:
    usage = Usage(
        input_tokens=50_000 + extra,
        cache_read_input_tokens=25_000,
        cache_creation_input_tokens=25_000,
        output_tokens=1000,
    )
    at_list = (50_000 + extra) * 0.1e-6 + 25_000 * 0.01e-6 + 25_000 * 0.125e-6 + 1000 * 0.5e-6
    assert usd("haiku-5-5", usage) == pytest.approx(at_list * factor)


def test_what_is_missing_makes_it_a_lower_bound() -> None:
    def bound(usage: Usage, **parameters: object) -> bool:
        cost = estimate(usage, MODELS["haiku-4-5"].prices, Parameters(**parameters))  # type: ignore[arg-type]
        assert cost is not None
        return cost.is_lower_bound

    assert not bound(Usage(input_tokens=1, output_tokens=1))
    assert bound(Usage(output_tokens=1))
    assert bound(Usage(input_tokens=1))
    assert bound(Usage(input_tokens=1, output_tokens=1), inference_geo="us")
    assert not bound(Usage(input_tokens=1, output_tokens=1), inference_geo="global")


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert estimate(Usage(input_tokens=1, output_tokens=1), None, Parameters()) is None
    assert estimate(Usage(), MODELS["opus-5"].prices, Parameters()) is None


def test_a_model_that_costs_nothing() -> None:
    prices = MODELS["opus-5"].prices
    assert prices is not None
    free = msgspec.structs.replace(prices, input=0.0, output=0.0)
    cost = estimate(Usage(input_tokens=5, output_tokens=5), free, Parameters())
    assert cost is not None
    assert cost.usd == 0


def test_totals() -> None:
    one = estimate(Usage(input_tokens=1000, output_tokens=0), MODELS["opus-5"].prices, Parameters())
    assert one is not None
    assert total([one, one]) == Cost(usd=one.usd * 2, is_lower_bound=False, prices_read=one.prices_read)
    with_unknown = total([one, None])
    assert with_unknown is not None
    assert with_unknown.is_lower_bound
    assert total([None]) is None
    assert total([]) is None


def test_what_was_served_goes_before_what_was_asked() -> None:
    split = Usage(
        input_tokens=0,
        output_tokens=0,
        cache_creation_input_tokens=3000,
        cache_5m_input_tokens=1000,
        cache_1h_input_tokens=2000,
    )
    assert usd("opus-5", split, cache="5m") == pytest.approx(1000 * 6.25e-6 + 2000 * 10e-6)
    slow = Usage(input_tokens=1000, output_tokens=1000, speed="standard")
    assert usd("opus-5", slow, speed="fast") == pytest.approx(0.005 + 0.025)


def test_an_answer_that_broke_off_costs_this_or_more() -> None:
    usage = Usage(input_tokens=1000, output_tokens=1)
    for complete in (True, False):
        cost = estimate(usage, MODELS["opus-5"].prices, Parameters(), complete=complete)
        assert cost is not None
        assert cost.is_lower_bound is not complete


COUNT = st.integers(0, 200_000)


@given(COUNT, COUNT, COUNT, st.integers(0, 5000), st.sampled_from([None, "fast"]), st.sampled_from([None, "5m", "1h"]))
def test_no_request_costs_more_than_its_upper_bound(
    fresh: int, read: int, written: int, output: int, speed: str | None, cache: str | None
) -> None:
    if cache is None:
        read = written = 0
    parameters = Parameters(max_tokens=5000, speed=speed, cache=cache)  # type: ignore[arg-type]
    for model in MODELS.values():
        bound = upper_bound(fresh + read + written, model.prices, parameters)
        usage = Usage(
            input_tokens=fresh,
            output_tokens=output,
            cache_read_input_tokens=read,
            cache_creation_input_tokens=written,
        )
        cost = estimate(usage, model.prices, parameters)
        assert (bound is None) == (cost is None)
        assert bound is None or cost is None or cost.usd <= bound.usd * (1 + 1e-9)


def test_no_bound_without_a_price() -> None:
    assert upper_bound(1, None, Parameters(max_tokens=1)) is None


@pytest.mark.parametrize(
    ("usd", "text"),
    [(0, "$0.00"), (0.00042, "$0.00042"), (0.0131, "$0.013"), (0.5, "$0.50"), (1.2, "$1.20"), (1204, "$1,204")],
)
def test_dollars(usd: float, text: str) -> None:
    assert dollars(usd) == text


def test_an_endpoints_own_prices_hold_before_its_list_and_the_makers() -> None:
    listed = ListedPrices(input=1, output=2).on(date(2026, 11, 1))
    known = {"m": msgspec.structs.replace(MODELS["opus-5"], id="m", prices_at={"there": listed})}
    there = Endpoint(name="there", base_url="http://127.0.0.1:8080")
    own = msgspec.structs.replace(there, prices=(0.0, 3.0))
    assert prices_at(known, "m", msgspec.structs.replace(there, name="elsewhere")) == MODELS["opus-5"].prices
    assert prices_at(known, "m", there) == listed
    assert prices_at(known, "unheard-of", there) is None
    for name in ("m", "unheard-of"):
        cost = estimate(
            Usage(input_tokens=1_000_000, output_tokens=1_000_000), prices_at(known, name, own), Parameters()
        )
        assert cost is not None
        assert (cost.usd, cost.prices_read, cost.is_lower_bound) == (3.0, None, False)
        assert total([cost, cost]) == Cost(usd=6.0, is_lower_bound=False, prices_read=None)
