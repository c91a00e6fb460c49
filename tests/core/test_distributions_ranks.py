"""The rank test and Holm's correction, held against scipy and published examples."""

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from tui.core.distributions import holm, mann_whitney, smallest_p

VALUES = st.lists(st.integers(0, 60), min_size=1, max_size=40)
APART = st.lists(st.integers(0, 10**9), min_size=2, max_size=50, unique=True)


@given(VALUES, VALUES)
def test_with_ties_it_is_scipys_approximation(first: list[int], second: list[int]) -> None:
    found = mann_whitney(first, second)
    is_exact = len(set(first + second)) == len(first + second)
    golden = scipy.stats.mannwhitneyu(first, second, method="exact" if is_exact else "asymptotic")
    assert found.u == golden.statistic
    if len(set(first + second)) > 1:
        assert found.p == pytest.approx(min(1.0, golden.pvalue), rel=1e-9)
    else:
        assert found.p == 1


@given(APART, st.data())
def test_without_ties_it_is_scipys_exact_test(values: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(values) - 1))
    first, second = values[:cut], values[cut:]
    found = mann_whitney(first, second)
    golden = scipy.stats.mannwhitneyu(first, second, method="exact")
    assert found.u == golden.statistic
    assert found.p == pytest.approx(golden.pvalue, rel=1e-9)


def test_many_samples_are_approximated() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 1, 40).tolist(), rng.normal(0.5, 1, 40).tolist()
    found = mann_whitney(first, second)
    assert found.p == pytest.approx(scipy.stats.mannwhitneyu(first, second, method="asymptotic").pvalue)
    assert found.p == pytest.approx(scipy.stats.mannwhitneyu(first, second, method="exact").pvalue, rel=0.05)


@given(VALUES, VALUES, st.integers(1, 9), st.integers(-9, 9))
def test_only_the_order_counts(first: list[int], second: list[int], factor: int, shift: int) -> None:
    found = mann_whitney(first, second)
    moved = mann_whitney([factor * x**3 + shift for x in first], [factor * x**3 + shift for x in second])
    assert moved == found
    mirrored = mann_whitney(second, first)
    assert mirrored.u == len(first) * len(second) - found.u
    assert mirrored.p == pytest.approx(found.p)
    if len(set(first + second)) == len(first + second):
        assert smallest_p(len(first), len(second)) * 0.999 <= found.p <= 1


def test_a_published_example() -> None:
    # Hollander and Wolfe, Nonparametric Statistical Methods (1973), 4.1, permeability of human membranes; R's example
    # of wilcox.test: W = 35, one-sided p = 0.1272.
    term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    early = [1.15, 0.88, 0.90, 0.74, 1.21]
    found = mann_whitney(term, early)
    assert found.u == 35
    assert found.p == pytest.approx(2 * 0.1272, abs=1e-4)


def test_entirely_apart() -> None:
    assert mann_whitney([1, 2, 3, 4], [5, 6, 7, 8]).p == pytest.approx(2 / 70)
    assert smallest_p(4, 4) == pytest.approx(2 / 70)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_raises_every_p_and_keeps_their_order(ps: list[float]) -> None:
    adjusted = holm(ps)
    assert all(p <= corrected <= min(1, p * len(ps)) + 1e-12 for p, corrected in zip(ps, adjusted, strict=True))
    order = sorted(range(len(ps)), key=lambda at: ps[at])
    assert [adjusted[at] for at in order] == sorted(adjusted)


def test_holm_by_hand() -> None:
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        mann_whitney([1.0, float("nan")], [2.0])
