"""Texts of the advice screen."""

from tui.advice.advise import Advice
from tui.advice.rendering import decision, saving_sentence
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.advice.trial import BUDGET, TrialResult
from tui.core.figures import Figure
from tui.core.wording import amount, span
from tui.ui.bindings import KeyNames

_MOST_LEDGER = 8


def head_lines(advice: Advice, keys: KeyNames) -> list[str]:
    """Return the conclusion and the shares of the time."""
    mark = "SIMULATED · " if advice.simulated else ""
    answers = f"{advice.count} answer{'' if advice.count == 1 else 's'}"
    where = [] if advice.where is None else [advice.where.sentence]
    return [f"{mark}{advice.conclusion}", *where, f"From {answers}; a series makes it sharper ({keys('series')})."]


def row_line(said: Suggestion | NoSuggestion, ledger: list[TrialResult]) -> str:
    """Return one row of the list."""
    if isinstance(said, NoSuggestion):
        return f"{'!' if said.warns else '?'}          {said.rule}: {said.reason}"
    mark = _mark(said.id, said.target, ledger)
    return f"{amount(Figure.TOTAL, said.saving.ns):>9}  {said.headline}{mark}"


def detail_lines(said: Suggestion | NoSuggestion) -> list[str]:
    """Return everything about a row."""
    if isinstance(said, NoSuggestion):
        what = f"“{said.trial.change.label}”" if said.trial and said.warns else "it"
        way = f"T tries {what} beside the present request." if said.trial else "The program cannot make that run."
        return [said.reason, f"What would {'help' if said.warns else 'tell'}: {said.run}", way]
    source = said.source
    way = "T tries it." if said.trial else "The program cannot try this."
    return [
        saving_sentence(said.saving),
        *said.figures,
        f"Price: {said.price}",
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
    return [head, f"predicted {predicted}", f"measured  {_measured(tried)}", *_verdict(tried, running=running)]


def ledger_lines(ledger: list[TrialResult]) -> list[str]:
    """List the trials, the latest first."""
    if not ledger:
        return []
    lines = [f"Tried ({len(ledger)}):"]
    for tried in ledger[:_MOST_LEDGER]:
        saved = "" if tried.saved_ns is None else f", {amount(tried.trial.figure, tried.saved_ns)} saved"
        mark = "SIMULATED · " if tried.simulated else ""
        lines.append(f"  {mark}{tried.target}: {tried.headline}: {tried.result.value}{saved}, {decision(tried)}")
    return lines


def _mark(suggestion_id: str, target: str, ledger: list[TrialResult]) -> str:
    tried = next((one for one in ledger if one.id == suggestion_id and one.target == target), None)
    if tried is None:
        return ""
    return f" · {'accepted' if tried.accepted else 'rejected' if tried.accepted is False else 'tried'}"


def _measured(tried: TrialResult) -> str:
    if tried.saved_ns is None:
        return "no answers of both yet"
    figure = tried.trial.figure
    less = "less" if tried.saved_ns >= 0 else "more"
    said = f"{figure.label} {amount(figure, abs(tried.saved_ns))} {less}"
    if tried.interval is None:
        return said
    return f"{said} (95 %: {span(figure, tried.interval.low, tried.interval.high)})"


def _verdict(tried: TrialResult, *, running: bool) -> list[str]:
    if running:
        return []
    held = {True: ", as predicted", False: ", but not as predicted", None: ""}[tried.held]
    return [f"verdict   {tried.result.sentence}{held}"]
