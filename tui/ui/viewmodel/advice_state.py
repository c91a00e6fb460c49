"""State of the advice screen: the advice for one target, the trial under way, and the trial log."""

from collections.abc import Callable, Sequence

import msgspec

from tui.advice.advise import Advice
from tui.advice.evidence import MeasuredTarget
from tui.advice.rendering import decision, saving_sentence
from tui.advice.suggestion import Basis, NoSuggestion, Suggestion
from tui.advice.trial import BUDGET, TrialResult, merged
from tui.core.figures import Figure
from tui.core.wording import change, counted
from tui.ui.bindings import KeyNames

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
        self.foresee: Callable[[Suggestion | NoSuggestion], str] = lambda _said: ""
        """Says what a trial asks, costs and takes; nothing where that cannot be told."""

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


_MOST_LEDGER = 8


def head_lines(advice: Advice, keys: KeyNames) -> list[str]:
    """Return the conclusion and the shares of the time."""
    mark = "SIMULATED · " if advice.simulated else ""
    answers = counted(advice.count, "answer")
    where = [] if advice.where is None else [advice.where.sentence]
    return [f"{mark}{advice.conclusion}", *where, f"From {answers}; a series makes it sharper ({keys('series')})."]


def row_line(said: Suggestion | NoSuggestion, ledger: list[TrialResult]) -> str:
    """Return one row of the list."""
    if isinstance(said, NoSuggestion):
        return f"{'!' if said.warns else '?'}           {said.rule}: {said.reason}"
    tried = _tried(said, ledger)
    mark = _mark(tried)
    saving = said.saving
    saves = change(Figure.TOTAL, -saving.ns)
    if saving.basis is Basis.PRESUMED and saving.interval is not None:
        # The row stands where its lower end ranks it.
        saves = f"to {change(Figure.TOTAL, -saving.interval.high)}"
    # The pass rate stands beside the time, where no narrow row is cut; of a trial of another day its sentence is left.
    beside = f", {said.passed}" if said.passed else ""
    behind = f" · {tried.passes}" if tried is not None and tried.passes and not said.passed else ""
    return f"{saves:>10}{beside}  {said.headline}{mark}{behind}"


def detail_lines(said: Suggestion | NoSuggestion, foreseen: str = "") -> list[str]:
    """Return everything about a row; `foreseen` is what its trial asks, costs and takes."""
    if isinstance(said, NoSuggestion):
        what = f"“{said.trial.change.label}”" if said.trial and said.warns else "it"
        tries = f"T tries {what} beside the present request{': ' if foreseen else ''}{foreseen}."
        way = tries if said.trial else "The program cannot make that run."
        return [said.reason, f"What would {'help' if said.warns else 'tell'}: {said.run}", way]
    source = said.source
    foreseen = foreseen or f"at most {counted(2 * BUDGET, 'request')}"
    way = f"T tries it: {foreseen}." if said.trial else "The program cannot try this."
    return [
        *([said.headline] if said.passed else []),  # its row may be cut
        saving_sentence(said.saving),
        *said.figures,
        f"Price: {said.price}",
        *([f"{said.passes[:1].upper()}{said.passes[1:]}"] if said.passes else []),
        f"Source: {source.name}, {source.section}",
        source.url,
        way,
    ]


def trial_lines(tried: TrialResult, *, running: bool) -> list[str]:
    """Compare prediction and measurement of a trial that is under way or awaits a decision."""
    head = f"Trying: {tried.headline}, repeat {tried.repeats} of {BUDGET} at most, C cancels"
    if not running:
        head = f"Tried: {tried.headline}. A accepts, R rejects; the lanes show both answers."
    predicted = "nothing: this trial is to find out"
    if tried.predicted is not None:
        predicted = saving_sentence(tried.predicted)
    passes = [f"checks    {tried.passes.removeprefix('passed: ')}"] if tried.passes else []
    return [head, f"predicted {predicted}", f"measured  {_measured(tried)}", *passes, *_verdict(tried, running=running)]


def ledger_lines(ledger: list[TrialResult]) -> list[str]:
    """List the trials, the latest first."""
    if not ledger:
        return []
    lines = [f"Tried ({len(ledger)}):"]
    for tried in ledger[:_MOST_LEDGER]:
        saved = "" if tried.saved_ns is None else f", {_measured(tried)}"
        mark = "SIMULATED · " if tried.simulated else ""
        lines.append(f"  {mark}{tried.target}: {tried.headline}: {tried.result.value}{saved}, {decision(tried)}")
    return lines


def _tried(said: Suggestion, ledger: list[TrialResult]) -> TrialResult | None:
    """The latest trial of a suggestion."""
    return next((one for one in ledger if one.id == said.id and one.target == said.target), None)


def _mark(tried: TrialResult | None) -> str:
    if tried is None:
        return ""
    return f" · {'accepted' if tried.accepted else 'rejected' if tried.accepted is False else 'tried'}"


def _measured(tried: TrialResult) -> str:
    if tried.saved_ns is None:
        return "no answers of both yet"
    figure = tried.trial.figure
    ends = (-tried.interval.high, -tried.interval.low) if tried.interval is not None else (None, None)
    return f"{figure.label} {change(figure, -tried.saved_ns, *ends)}"


def _verdict(tried: TrialResult, *, running: bool) -> list[str]:
    if running:
        return []
    held = {True: ", as predicted", False: ", but not as predicted", None: ""}[tried.held]
    return [f"verdict   {tried.result.sentence}{held}"]
