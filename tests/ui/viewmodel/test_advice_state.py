"""The advice screen's state and texts."""

import msgspec
import pytest

from tui.advice import citations
from tui.advice.suggestion import Basis, Change, NoSuggestion, Saving, Suggestion, Trial
from tui.advice.trial import TrialResult, TrialVerdict
from tui.core.figures import Figure
from tui.core.parameters import Parameters
from tui.core.statistics import Interval
from tui.ui.viewmodel.advice_state import AdviceState, detail_lines, ledger_lines, row_line, trial_lines

MS = 1_000_000
TRIAL = Trial(change=Change(label="effort low", parameters=Parameters(effort="low")), figure=Figure.TOTAL)
TRIED = TrialResult(
    id="effort:effort low",
    target="slow",
    headline="Ask with low effort",
    trial=TRIAL,
    predicted=Saving(
        figure=Figure.TOTAL,
        ns=100 * MS,
        interval=Interval(low=80 * MS, high=120 * MS, confidence=0.95),
        basis=Basis.DERIVED,
        count=10,
    ),
    result=TrialVerdict.FASTER,
    repeats=8,
    saved_ns=95 * MS,
    interval=Interval(low=90 * MS, high=99 * MS, confidence=0.95),
    held=True,
    sentence="sure: faster",
)


def test_a_trial_runs_is_over_and_is_decided() -> None:
    state = AdviceState()
    state.begin(lambda: TRIED)
    assert (state.running, state.trial) == (True, TRIED)
    state.finish(())
    assert (state.running, state.trial) == (False, TRIED)
    assert state.open == state.ledger[0] == TRIED
    assert state.decide(accepted=False).accepted is False
    assert state.trial is None
    assert [entry.accepted for entry in state.ledger] == [False]


@pytest.mark.parametrize("order", [1, -1])
def test_a_decision_takes_the_place_of_its_undecided_entry(order: int) -> None:
    state = AdviceState()
    state.remember([msgspec.structs.replace(TRIED, accepted=True), TRIED][::order])
    assert [entry.accepted for entry in state.ledger] == [True]
    state.remember([TRIED, msgspec.structs.replace(TRIED, repeats=9)])
    assert [(entry.accepted, entry.repeats) for entry in state.ledger] == [(True, 8), (None, 9)]


def test_predicted_stands_against_measured() -> None:
    assert trial_lines(TRIED, running=False) == [
        "Tried: Ask with low effort. A accepts, R rejects; the lanes show both answers.",
        "predicted total −100 ms (−120 to −80.0 ms, 95 %), derived from 10 runs",
        "measured  total −95.0 ms (−99.0 to −90.0 ms)",
        "verdict   sure: faster, as predicted",
    ]
    off = msgspec.structs.replace(TRIED, held=False)
    assert trial_lines(off, running=False)[-1].endswith(", but not as predicted")
    begun = msgspec.structs.replace(TRIED, saved_ns=None, interval=None, predicted=None)
    head, predicted, measured = trial_lines(begun, running=True)
    assert head.startswith("Trying: Ask with low effort")
    assert predicted.startswith("predicted nothing")
    assert measured.endswith("yet")


def test_the_ledger_says_what_was_simulated_and_decided() -> None:
    entry = msgspec.structs.replace(TRIED, simulated=True, accepted=True)
    assert ledger_lines([entry]) == [
        "Tried (1):",
        "  SIMULATED · slow: Ask with low effort: faster, total −95.0 ms (−99.0 to −90.0 ms), accepted",
    ]
    assert ledger_lines([]) == []


def test_no_suggestion_says_which_run_would_tell() -> None:
    silence = NoSuggestion(rule="region", reason="no region was measured", run="a series elsewhere")
    assert row_line(silence, []) == "?           region: no region was measured"
    assert "What would tell: a series elsewhere" in detail_lines(silence)


def test_a_presumed_saving_shows_the_most_it_may_be() -> None:
    interval = Interval(low=0, high=1.92e9, confidence=0.95)
    saving = Saving(figure=Figure.TOTAL, ns=1.4e9, interval=interval, basis=Basis.PRESUMED, count=10)
    suggestion = Suggestion(
        id="fast mode:speed fast",
        target="one",
        headline="Ask in fast mode",
        saving=saving,
        figures=(),
        price="dearer",
        source=citations.FAST_MODE,
        trial=None,
    )
    assert row_line(suggestion, []) == "to −1.92 s  Ask in fast mode"
    said = "passed: no difference shown between as it is 4 of 6, changed 5 of 6"
    known = msgspec.structs.replace(suggestion, passed="passed 4 of 6 → 5 of 6", passes=said)
    assert row_line(known, []) == "to −1.92 s, passed 4 of 6 → 5 of 6  Ask in fast mode"
    assert detail_lines(known)[0] == "Ask in fast mode"
    assert said.capitalize() in detail_lines(known)
    tried = msgspec.structs.replace(TRIED, id=suggestion.id, target="one", passes=said)
    assert row_line(suggestion, [tried]) == f"to −1.92 s  Ask in fast mode · tried · {said}"
    assert row_line(known, [tried]) == "to −1.92 s, passed 4 of 6 → 5 of 6  Ask in fast mode · tried"


def test_what_a_change_does_to_the_pass_rate_stands_before_the_decision() -> None:
    said = "passed: as it is passes more often: as it is 20 of 20, changed 5 of 20 (exact test, p = 6.1e-05)"
    lines = trial_lines(msgspec.structs.replace(TRIED, passes=said), running=False)
    assert lines[-2] == f"checks    {said.removeprefix('passed: ')}"
    assert not any(line.startswith("checks") for line in trial_lines(TRIED, running=False))
