"""What the advice screen shows: the advice for one target, the trial under way, and the ledger of what was tried."""

from collections.abc import Callable, Sequence

import msgspec

from tui.advice.advise import Advice
from tui.advice.evidence import MeasuredTarget
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.advice.trial import TrialResult, merged

_MOST_ARMS = 64


class AdviceDesk:
    """State of a session's advice."""

    def __init__(self) -> None:
        self.advice: Advice | None = None
        self.version = 0
        self.ledger: list[TrialResult] = []
        """Everything that was tried, the latest first."""
        self.open: TrialResult | None = None
        """A trial that is over, and awaits a decision."""
        self.measured: list[MeasuredTarget] = []
        """What trials have measured: evidence for what is advised next."""
        self._look: Callable[[], TrialResult] | None = None

    @property
    def running(self) -> bool:
        """Whether a trial is under way."""
        return self._look is not None

    @property
    def trial(self) -> TrialResult | None:
        """What the trial under way has shown so far, or the one that awaits a decision."""
        return self.open if self._look is None else self._look()

    @property
    def rows(self) -> list[Suggestion | NoSuggestion]:
        """What can be pointed at: warnings, suggestions, then what is not known but would be after a run."""
        if self.advice is None:
            return []
        advice = self.advice
        return [*advice.warnings, *advice.suggestions, *(silence for silence in advice.no_suggestions if silence.run)]

    def advise(self, advice: Advice) -> None:
        """Show this advice."""
        self.advice = advice
        self.version += 1

    def begin(self, look: Callable[[], TrialResult]) -> None:
        """A trial has begun; `look` says what it has shown so far."""
        self._look = look
        self.open = None
        self.version += 1

    def finish(self, measured: Sequence[MeasuredTarget]) -> TrialResult:
        """The trial is over; its last word."""
        assert self._look is not None, "only a trial that has begun can be over"
        self.open = self._look()
        self._look = None
        self.ledger.insert(0, self.open)
        self.measured = [*measured, *self.measured][:_MOST_ARMS]
        self.version += 1
        return self.open

    def decide(self, *, accepted: bool) -> TrialResult:
        """Accept or reject the trial that is over."""
        assert self.open is not None, "only a trial that is over can be decided on"
        decided = msgspec.structs.replace(self.open, accepted=accepted)
        self.ledger[self.ledger.index(self.open)] = decided
        self.open = None
        self.version += 1
        return decided

    def remember(self, entries: Sequence[TrialResult]) -> None:
        """Add what earlier sessions tried, the latest first; a decision takes the place of its undecided entry."""
        self.ledger = merged([*self.ledger, *entries])
        self.version += 1
