"""State of the advice screen: the advice for one target, the trial under way, and the trial log."""

from collections.abc import Callable, Sequence

import msgspec

from tui.advice.advise import Advice
from tui.advice.evidence import MeasuredTarget
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.advice.trial import TrialResult, merged

_MOST_MEASURED = 64


class AdviceState:
    """State of a session's advice."""

    def __init__(self) -> None:
        self.advice: Advice | None = None
        self.version = 0
        self.ledger: list[TrialResult] = []
        """All trials, the latest first."""
        self.open: TrialResult | None = None
        """Trial that is over and awaits a decision."""
        self.measured: list[MeasuredTarget] = []
        """Measurements of trials, as evidence for the next advice."""
        self._look: Callable[[], TrialResult] | None = None

    @property
    def running(self) -> bool:
        """True while a trial is under way."""
        return self._look is not None

    @property
    def trial(self) -> TrialResult | None:
        """Result so far of the trial under way, or of the one that awaits a decision."""
        return self.open if self._look is None else self._look()

    @property
    def rows(self) -> list[Suggestion | NoSuggestion]:
        """Rows of the list: warnings, suggestions, then rules that a run would tell more."""
        if self.advice is None:
            return []
        advice = self.advice
        return [*advice.warnings, *advice.suggestions, *(one for one in advice.no_suggestions if one.run)]

    def advise(self, advice: Advice) -> None:
        """Show this advice."""
        self.advice = advice
        self.version += 1

    def begin(self, look: Callable[[], TrialResult]) -> None:
        """Begin a trial, whose result so far `look` returns."""
        self._look = look
        self.open = None
        self.version += 1

    def finish(self, measured: Sequence[MeasuredTarget]) -> TrialResult:
        """End the trial, and return its result."""
        assert self._look is not None, "only a trial that has begun can be over"
        self.open = self._look()
        self._look = None
        self.ledger.insert(0, self.open)
        self.measured = [*measured, *self.measured][:_MOST_MEASURED]
        self.version += 1
        return self.open

    def decide(self, *, accepted: bool) -> TrialResult:
        """Accept or reject the trial that is over, and return its decided result."""
        assert self.open is not None, "only a trial that is over can be decided on"
        decided = msgspec.structs.replace(self.open, accepted=accepted)
        self.ledger[self.ledger.index(self.open)] = decided
        self.open = None
        self.version += 1
        return decided

    def remember(self, entries: Sequence[TrialResult]) -> None:
        """Add trials of earlier sessions, the latest first. A decision replaces its undecided entry."""
        self.ledger = merged([*self.ledger, *entries])
        self.version += 1
