"""The robust fit: right where there is no noise, unmoved by outliers, and with intervals that cover."""

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from tui.core.linear_fit import robust_fit

TOKENS = st.lists(st.integers(1, 5_000), min_size=12, max_size=40, unique=True)


@given(TOKENS, st.integers(0, 10**9), st.integers(0, 10**6), st.integers(1, 10**8))
def test_without_noise_it_is_exact(tokens: list[int], base: int, slope: int, other: int) -> None:
    outputs = [(7 * count) % 911 for count in tokens]
    totals = [base + slope * count + other * output for count, output in zip(tokens, outputs, strict=True)]
    found = robust_fit([tokens, outputs], totals)
    if found is None:  # a column that is the other one's multiple
        assert abs(np.corrcoef(tokens, outputs)[0, 1]) > 0.999
        return
    largest = max(totals)
    assert found[0].value == pytest.approx(base, abs=1e-5 * largest)
    assert found[1].value * max(tokens) == pytest.approx(slope * max(tokens), abs=1e-5 * largest)
    assert found[2].value * max(outputs) == pytest.approx(other * max(outputs), abs=1e-5 * largest)


@given(st.integers(0, 200), st.floats(0.001, 1_000), st.floats(-1e3, 1e3))
def test_it_moves_with_the_values(seed: int, factor: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    xs = rng.uniform(10, 500, 20).tolist()
    ys = [200 + 3 * x + rng.normal(0, 20) for x in xs]
    plain, moved = robust_fit([xs], ys), robust_fit([xs], [factor * (y + shift) for y in ys])
    assert plain is not None
    assert moved is not None
    assert moved[0].value == pytest.approx(factor * (plain[0].value + shift), rel=1e-4, abs=1e-3 * factor)
    assert moved[1].value == pytest.approx(factor * plain[1].value, rel=1e-4)
    for estimate in plain:
        assert estimate.interval.low <= estimate.value <= estimate.interval.high


def test_it_is_the_minimum_that_scipy_finds() -> None:
    rng = np.random.default_rng(3)
    x, z = rng.uniform(10, 500, 60), rng.uniform(10, 900, 60)
    y = 200 + 3 * x + 5 * z + rng.standard_t(2, 60) * 20
    found = robust_fit([x.tolist(), z.tolist()], y.tolist())
    assert found is not None
    coefficients = np.array([estimate.value for estimate in found])
    design = np.column_stack([np.ones(60), x, z])
    scale = 1.345 * float(np.median(np.abs(y - design @ coefficients))) / 0.6745
    golden = scipy.optimize.least_squares(
        lambda c: design @ c - y, coefficients * 1.1, loss="huber", f_scale=scale, xtol=1e-12
    )
    assert coefficients == pytest.approx(golden.x, rel=1e-3)


def test_outliers_do_not_move_it() -> None:
    rng = np.random.default_rng(4)
    xs = rng.uniform(10, 500, 40).tolist()
    ys = [200 + 3 * x + rng.normal(0, 5) for x in xs]
    for at in (3, 17, 29):
        ys[at] += 20_000
    found = robust_fit([xs], ys)
    assert found is not None
    assert found[0].value == pytest.approx(200, abs=12)
    assert found[1].value == pytest.approx(3, abs=0.05)


def test_what_cannot_be_told() -> None:
    xs = [float(number) for number in range(20)]
    assert robust_fit([xs, [2 * x for x in xs]], xs) is None
    assert robust_fit([[5.0] * 20], xs) is None
    assert robust_fit([xs[:5]], xs[:5]) is None


@pytest.mark.parametrize("count", [12, 40])
@pytest.mark.parametrize("noise", ["even", "growing", "heavy"])
def test_intervals_cover(count: int, noise: str) -> None:
    rng = np.random.default_rng(5)
    rounds, hits = 250, np.zeros(3)
    for _ in range(rounds):
        x, z = rng.uniform(100, 4_000, count), rng.uniform(20, 600, count)
        exact = 300 + 0.1 * x + 12 * z
        error = {
            "even": rng.normal(0, 100, count),
            "growing": exact * rng.normal(0, 0.05, count),
            "heavy": rng.standard_t(2.5, count) * 60,
        }[noise]
        found = robust_fit([x.tolist(), z.tolist()], (exact + error).tolist())
        assert found is not None
        truths = zip((300, 0.1, 12), found, strict=True)
        hits += [estimate.interval.low <= truth <= estimate.interval.high for truth, estimate in truths]
    # Approximate for few runs: a point or two below what they say.
    assert min(hits) / rounds >= 0.93 - 3 * (0.95 * 0.05 / rounds) ** 0.5


@given(st.integers(0, 10_000), st.integers(6, 40), st.booleans())
def test_of_few_runs_no_slope_is_surer_than_sens(seed: int, count: int, is_tied: bool) -> None:
    rng = np.random.default_rng(seed)
    xs = (rng.integers(1, 4, count) * 100 if is_tied else rng.uniform(10, 500, count)).tolist()
    # Either fast or slow, as with a cache: a few residuals tell little of that.
    ys = [3 * x + rng.choice([200, 800], p=[0.7, 0.3]) + rng.normal(0, 5) for x in xs]
    found = robust_fit([xs], ys)
    if found is None:  # all at one length
        return
    golden = scipy.stats.theilslopes(ys, xs, 0.95, method="joint")
    width = found[1].interval.high - found[1].interval.low
    # SciPy rounds the ranks.
    assert width >= 0.999999 * (golden.high_slope - golden.low_slope)


def test_of_many_runs_the_residuals_tell_the_error() -> None:
    rng = np.random.default_rng(8)
    xs = rng.uniform(10, 500, 200).tolist()
    ys = [3 * x + rng.choice([200, 800], p=[0.7, 0.3]) for x in xs]
    found = robust_fit([xs], ys)
    assert found is not None
    sen = scipy.stats.theilslopes(ys, xs, 0.95)
    assert found[1].interval.high - found[1].interval.low != pytest.approx(sen.high_slope - sen.low_slope)
