"""An entry of the ledger, for tests of whatever keeps, shows or exports one."""

from tui.advice.suggestion import Basis, Change, Saving, Trial
from tui.advice.trial import TrialResult, TrialVerdict
from tui.core.figures import Figure
from tui.core.parameters import Parameters
from tui.core.statistics import Interval

_MS = 1_000_000.0

TRIED = TrialResult(
    id="effort:effort low",
    target="claude-haiku-5-5",
    headline="Ask with low effort",
    trial=Trial(change=Change(label="effort low", parameters=Parameters(effort="low")), figure=Figure.TOTAL),
    predicted=Saving(
        figure=Figure.TOTAL,
        ns=100 * _MS,
        interval=Interval(low=80 * _MS, high=120 * _MS, confidence=0.95),
        basis=Basis.DERIVED,
        count=10,
    ),
    result=TrialVerdict.FASTER,
    repeats=8,
    saved_ns=95 * _MS,
    interval=Interval(low=90 * _MS, high=99.5 * _MS, confidence=0.95),
    held=True,
    sentence="sure: faster",
    simulated=True,
    accepted=True,
    model="claude-haiku-5-5",
    endpoint="simulator",
    prompt="Why is the sky blue?",
    series="series-2",
    begun_unix_ns=1_795_000_030_000_000_000,
)
