"""A robust linear fit for a few regressors, with intervals that do not presume equal noise everywhere."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from statistics import median

import msgspec

from tui.core.distributions import normal_quantile, student_quantile
from tui.core.statistics import CONFIDENCE, Interval

_BEND = 1.345
"""Residuals beyond this many scales count less: 95 % as efficient as least squares with normal noise (Huber 1964)."""
_ROUNDS = 50
_SETTLED = 1e-7
_ROUNDING = 1e-9
_MAD_TO_DEVIATION = 0.6745
_FEW = 60
"""Runs up to which an error told by residuals is checked against the slopes of all pairs."""

Matrix = list[list[float]]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A coefficient and its interval."""

    value: float
    interval: Interval
    influences: tuple[float, ...] = ()
    """Part of the error that is each run's: the standard error is the root of the sum of their squares."""
    degrees: int = 0
    """Degrees of freedom that the interval rests on."""

    @property
    def is_shown(self) -> bool:
        """True where it is surely above zero."""
        return self.interval.low > 0

    def times(self, factor: float) -> "Estimate":
        """The estimate in a unit that is smaller by `factor`."""
        return estimate_of(
            self.value * factor, [each * factor for each in self.influences], self.degrees, self.interval.confidence
        )

    def at(self, confidence: float) -> "Estimate":
        """The estimate with an interval of another confidence."""
        return estimate_of(self.value, self.influences, self.degrees, confidence)


def estimate_of(value: float, influences: Sequence[float], degrees: int, confidence: float = CONFIDENCE) -> Estimate:
    """An estimate with its interval: ± t·error."""
    error = student_quantile((1 + confidence) / 2, degrees) * math.sqrt(math.fsum(each**2 for each in influences))
    return Estimate(
        value=value,
        interval=Interval(low=value - error, high=value + error, confidence=confidence),
        influences=tuple(influences),
        degrees=degrees,
    )


def added(first: Estimate, second: Estimate) -> Estimate:
    """The sum of coefficients of two fits to the same runs. They may be slow in both: no independence is presumed."""
    return estimate_of(
        first.value + second.value,
        [one + other for one, other in zip(first.influences, second.influences, strict=True)],
        min(first.degrees, second.degrees),
        first.interval.confidence,
    )


def robust_fit(
    regressors: Sequence[Sequence[float]], values: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[Estimate, ...] | None:
    """Fit value = c + Σ aᵢ·regressorᵢ; the constant's estimate first. `regressors[i]` is one column.

    Huber's M-estimate by iteratively reweighted least squares, the scale being the residuals' median size / 0.6745
    (Huber, Robust Statistics, 1981, 7.6 to 7.8), so that single slow answers do not move it. Intervals: ± t·error with
    n − p degrees of freedom, errors from the sandwich M⁻¹·Σψᵢ²xᵢxᵢ'/(1 − hᵢ)²·M⁻¹, h the leverage: HC3, which holds
    when the noise grows with the tokens (MacKinnon and White, Journal of Econometrics 29, 1985). With few runs and one
    regressor, its interval is never narrower than Sen's, see `_sen_width`: a few residuals do not tell the spread of
    answers that are either fast or slow. None where the columns do not determine the coefficients, and below four runs
    more than coefficients.
    """
    scales = [1.0, *(max(map(abs, column), default=0.0) or 1.0 for column in regressors)]
    columns = [[1.0] * len(values), *regressors]
    rows = [[column[at] / size for column, size in zip(columns, scales, strict=True)] for at in range(len(values))]
    degrees = len(values) - len(scales)
    if degrees < 4:
        return None
    weights = [1.0] * len(values)
    found = _solve(rows, values, weights)
    if found is None:
        return None
    # Residuals that are but rounding are no noise; without this, an exact fit would be all outliers.
    spread = least = _ROUNDING * max(map(abs, values))
    for _ in range(_ROUNDS):
        residuals = _residuals(rows, values, found)
        spread = max(least, median(map(abs, residuals)) / _MAD_TO_DEVIATION)
        weights = [min(1.0, _BEND * spread / abs(residual)) if residual else 1.0 for residual in residuals]
        before, found = found, _solve(rows, values, weights)
        if found is None:
            return None
        size = max(map(abs, found)) or 1.0
        if max(abs(new - old) for new, old in zip(found, before, strict=True)) <= _SETTLED * size:
            break
    influences = _influences(rows, _residuals(rows, values, found), spread)
    if influences is None:
        return None
    estimates = [
        estimate_of(coefficient / size, [each / size for each in of_runs], degrees, confidence)
        for coefficient, of_runs, size in zip(found, influences, scales, strict=True)
    ]
    if len(regressors) == 1 and len(values) <= _FEW:
        estimates[1] = _at_least_as_wide(estimates[1], _sen_width(regressors[0], values, confidence))
    return tuple(estimates)


def _at_least_as_wide(estimate: Estimate, width: float) -> Estimate:
    """The estimate with an interval of this width, or its own where that is wider."""
    own = estimate.interval.high - estimate.interval.low
    if not 0 < own < width:
        return estimate
    influences = [each * width / own for each in estimate.influences]
    return estimate_of(estimate.value, influences, estimate.degrees, estimate.interval.confidence)


def _sen_width(column: Sequence[float], values: Sequence[float], confidence: float) -> float:
    """Width of the interval of a slope that Kendall's rank correlation leaves, whatever the shape of the noise.

    From the slope of rank (N − z·s)/2 to that of rank (N + z·s)/2 + 1 of all pairs of runs, N their number, with the
    variance of Kendall's S for ties in the regressor: s² = (n(n−1)(2n+5) − Σt(t−1)(2t+5))/18 (Sen, Journal of the
    American Statistical Association 63, 1968).
    """
    slopes = sorted(
        (value - other) / (x - y)
        for (x, value), (y, other) in combinations(zip(column, values, strict=True), 2)
        if x != y
    )
    ties = math.fsum(_kendall_part(count) for count in Counter(column).values())
    half = normal_quantile((1 + confidence) / 2) * math.sqrt((_kendall_part(len(values)) - ties) / 18) / 2
    middle = len(slopes) / 2
    low, high = max(0, math.floor(middle - half) - 1), min(len(slopes) - 1, math.ceil(middle + half))
    return slopes[high] - slopes[low]


def _kendall_part(count: int) -> int:
    return count * (count - 1) * (2 * count + 5)


def _residuals(rows: Matrix, values: Sequence[float], found: Sequence[float]) -> list[float]:
    return [
        value - math.fsum(cell * coefficient for cell, coefficient in zip(row, found, strict=True))
        for row, value in zip(rows, values, strict=True)
    ]


def _influences(rows: Matrix, residuals: Sequence[float], spread: float) -> Matrix | None:
    """The part of each coefficient's error that is each run's, whose squares add up to the sandwich's diagonal."""
    bend = _BEND * spread
    middle = _inverse(_gram(rows, [1.0 if abs(residual) <= bend else 0.0 for residual in residuals]))
    hat = _inverse(_gram(rows, [1.0] * len(rows)))
    if middle is None or hat is None:
        return None
    psis = []
    for row, residual in zip(rows, residuals, strict=True):
        leverage = math.fsum(a * b * hat[i][j] for i, a in enumerate(row) for j, b in enumerate(row))
        psis.append(max(-bend, min(bend, residual)) / max(1e-6, 1 - leverage))
    return [
        [psi * math.fsum(a * b for a, b in zip(of_one, row, strict=True)) for row, psi in zip(rows, psis, strict=True)]
        for of_one in middle
    ]


def _solve(rows: Matrix, values: Sequence[float], weights: Sequence[float]) -> list[float] | None:
    """Weighted least squares by the normal equations; the columns are of size one, so that they serve."""
    inverse = _inverse(_gram(rows, weights))
    if inverse is None:
        return None
    size = range(len(inverse))
    right = [math.fsum(w * row[i] * value for row, value, w in zip(rows, values, weights, strict=True)) for i in size]
    return [math.fsum(inverse[i][j] * right[j] for j in size) for i in size]


def _gram(rows: Matrix, weights: Sequence[float]) -> Matrix:
    """Σ wᵢ·xᵢxᵢ'."""
    size = range(len(rows[0]))
    return [[math.fsum(w * row[i] * row[j] for row, w in zip(rows, weights, strict=True)) for j in size] for i in size]


def _inverse(matrix: Matrix) -> Matrix | None:
    """Gauss and Jordan's, with pivots; None for a matrix that has none to working accuracy."""
    size = len(matrix)
    work = [[*row, *(1.0 if i == j else 0.0 for j in range(size))] for i, row in enumerate(matrix)]
    largest = max(abs(cell) for row in matrix for cell in row)
    for at in range(size):
        pivot = max(range(at, size), key=lambda row: abs(work[row][at]))
        if abs(work[pivot][at]) <= 1e-12 * largest:
            return None
        work[at], work[pivot] = work[pivot], work[at]
        divisor = work[at][at]
        work[at] = [cell / divisor for cell in work[at]]
        for row in range(size):
            if row != at:
                factor = work[row][at]
                work[row] = [cell - factor * lead for cell, lead in zip(work[row], work[at], strict=True)]
    return [row[size:] for row in work]
