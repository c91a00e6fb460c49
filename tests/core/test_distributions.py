"""Distributions, held against scipy's."""

import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.core.distributions import (
    binomial_at_least,
    binomial_at_most,
    normal_quantile,
    normal_tail,
    share_bounds,
    student_quantile,
)

TRIALS = st.integers(1, 3_000)
SHARES = st.sampled_from([0.01, 0.05, 0.1, 0.5, 0.9, 0.95, 0.99])


@settings(max_examples=100)
@given(st.data(), TRIALS, SHARES)
def test_the_binomial_is_scipys(data: st.DataObject, trials: int, share: float) -> None:
    successes = data.draw(st.integers(0, trials))
    assert binomial_at_most(successes, trials, share) == pytest.approx(
        scipy.stats.binom.cdf(successes, trials, share), abs=1e-10
    )
    assert binomial_at_least(successes, trials, share) == pytest.approx(
        scipy.stats.binom.sf(successes - 1, trials, share), rel=1e-5, abs=1e-290
    )


@given(TRIALS, SHARES)
def test_all_and_none(trials: int, share: float) -> None:
    assert binomial_at_most(-1, trials, share) == 0
    assert binomial_at_most(trials, trials, share) == 1
    assert binomial_at_least(0, trials, share) == 1


@pytest.mark.parametrize("trials", [1, 7, 20, 300])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.975])
def test_bounds_of_a_share_are_scipys(trials: int, confidence: float) -> None:
    for successes in {0, 1, trials // 3, trials - 1, trials}:
        low, high = share_bounds(successes, trials, confidence)
        golden = scipy.stats.binomtest(successes, trials).proportion_ci(2 * confidence - 1, method="exact")
        assert (low, high) == pytest.approx((golden.low, golden.high), abs=1e-9)


def test_the_rule_of_three() -> None:
    # Hanley and Lippman-Hand, JAMA 249 (1983): nothing in n trials bounds a share by about 3/n at 95 %.
    assert share_bounds(0, 100, 0.95)[1] == pytest.approx(0.0295, abs=5e-5)
    assert share_bounds(0, 0, 0.95) == (0, 1)


@given(st.floats(0.001, 0.999))
def test_the_normal_is_scipys(probability: float) -> None:
    assert normal_quantile(probability) == pytest.approx(scipy.stats.norm.ppf(probability), abs=1e-9)
    z = 8 * probability
    assert normal_tail(z) == pytest.approx(scipy.stats.norm.sf(z), rel=1e-9)


@pytest.mark.parametrize("degrees", [4, 5, 9, 30, 1_000])
@pytest.mark.parametrize("probability", [0.01, 0.025, 0.5, 0.9, 0.95, 0.975, 0.995])
def test_students_quantile_is_scipys(probability: float, degrees: int) -> None:
    assert student_quantile(probability, degrees) == pytest.approx(
        scipy.stats.t.ppf(probability, degrees), rel=3e-3, abs=1e-9
    )
