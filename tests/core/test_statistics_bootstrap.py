"""The bootstrap of medians: the distribution that drawing samples would give, and intervals that cover."""

import itertools
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.statistics import median_draws, percentile_bootstrap

SAMPLES = st.lists(st.integers(0, 10**9), min_size=1, max_size=60).map(sorted)


@pytest.mark.parametrize("samples", [[1.0, 2.0, 4.0, 8.0, 16.0], [1.0, 2.0, 4.0, 8.0]])
def test_it_is_the_distribution_of_all_resamples(samples: list[float]) -> None:
    every = [median(drawn) for drawn in itertools.product(samples, repeat=len(samples))]
    rounds = 20_000
    draws = median_draws(samples, 1, rounds)
    for value in set(every):
        share = every.count(value) / len(every)
        assert draws.count(value) / rounds == pytest.approx(share, abs=4 * (share / rounds) ** 0.5)


@given(SAMPLES, st.integers(0, 5), st.integers(1, 1_000), st.integers(0, 10**9))
def test_draws_are_bounded_and_move_with_the_samples(samples: list[int], seed: int, factor: int, shift: int) -> None:
    draws = median_draws(samples, seed, 50)
    assert len(draws) == 50
    assert all(samples[0] <= draw <= samples[-1] for draw in draws)
    moved = median_draws([factor * sample + shift for sample in samples], seed, 50)
    assert moved == pytest.approx([factor * draw + shift for draw in draws])
    assert median_draws(samples, seed, 50) == draws


@given(st.lists(st.integers(0, 1_000), min_size=2, max_size=300))
def test_a_surer_interval_is_wider(draws: list[int]) -> None:
    usual, surer = percentile_bootstrap(draws, 0.9), percentile_bootstrap(draws, 0.99)
    assert min(draws) <= surer.low <= usual.low <= usual.high <= surer.high <= max(draws)


# The fewest, odd and even, unlike numbers, many; the skewed noise is the hard case.
@pytest.mark.parametrize(
    ("first", "second", "sigma"), [(5, 5, 1.0), (6, 6, 0.1), (5, 20, 1.0), (20, 20, 1.0), (50, 50, 0.1)]
)
def test_the_interval_of_a_difference_covers_it(first: int, second: int, sigma: float) -> None:
    rng = np.random.default_rng(7)
    rounds, hits = 500, 0
    for _ in range(rounds):
        a = np.sort(rng.lognormal(0, sigma, first)).tolist()
        b = np.sort(3 + rng.lognormal(0, sigma, second)).tolist()
        pairs = zip(median_draws(a, 0), median_draws(b, 1), strict=True)
        interval = percentile_bootstrap([x - y for x, y in pairs], 0.95)
        hits += interval.low <= -3 <= interval.high
    assert hits / rounds >= 0.95 - 3 * (0.95 * 0.05 / rounds) ** 0.5
