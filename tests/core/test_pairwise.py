"""Claims on pairs: each way in which two targets are compared, and ties."""

import pytest

from tui.core.objectives import parse
from tui.core.observation import Observation
from tui.core.pairwise import Claims

pytestmark = pytest.mark.unit

Named = tuple[str, list[Observation]]


def of(name: str, totals: list[float], **more: object) -> Named:
    return name, [
        Observation(run=run, total_ns=round(value * 1e6), **more)  # type: ignore[arg-type]
        for run, value in enumerate(totals, 1)
    ]


def claims(by: str, first: Named, second: Named, error: float = 0.01) -> tuple[bool, bool]:
    return Claims(error).worse_and_as_good(parse(by), first, second)


def test_medians_are_compared_within_runs() -> None:
    drift = [100.0 + 50 * run for run in range(20)]
    slower = [each * 1.1 for each in drift]
    assert claims("total.p50 < 1s", of("a", drift), of("b", slower)) == (True, True)
    assert claims("total.p50 < 1s", of("b", slower), of("a", drift)) == (False, False)
    hair = [each * 1.01 for each in drift]
    assert claims("total.p50 < 1s", of("b", hair), of("a", drift)) == (False, True)
    assert claims("total.p50 < 1s", of("a", drift[:4]), of("b", slower[:4])) == (False, False)


def test_other_statistics_and_costs_by_their_bounds() -> None:
    a, b = of("a", [100.0 + run % 3 for run in range(120)]), of("b", [200.0 + run % 3 for run in range(120)])
    assert claims("total.p90 < 1s", a, b) == (True, True)
    assert claims("total.p90 < 1s", b, a) == (False, False)
    cheap, dear = of("a", [1] * 10, usd=0.001), of("b", [1] * 10, usd=0.002)
    assert claims("cost < $1", cheap, dear) == (True, True)
    assert claims("cost < $1", cheap, cheap) == (False, True)
    assert claims("cost < $1", cheap, of("c", [1] * 10)) == (False, False)


def test_pass_rates_by_an_exact_test() -> None:
    right, wrong = of("a", [1] * 20, passed=True), of("b", [1] * 20, passed=False)
    assert claims("passed > 0%", right, wrong) == (True, True)
    assert claims("passed > 0%", wrong, right) == (False, False)
    assert claims("passed > 0%", right, right) == (False, False)
    sure = of("a", [1] * 200, passed=True)
    assert claims("passed > 0%", sure, sure) == (False, True)
