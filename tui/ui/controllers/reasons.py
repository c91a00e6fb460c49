"""The reasons why an action is unavailable now, each with its one wording; palette, footer and its key say them."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.core.events import Kind, Status
from tui.core.record import RequestRecord
from tui.session.target_choice import TargetChoice
from tui.ui.bindings import Action, KeyNames
from tui.ui.controllers.context import Context
from tui.ui.terminal import can_stop, editor_command
from tui.ui.viewmodel.parameter_refusals import refused

if TYPE_CHECKING:
    from tui.session.replay import Replay

NO_TWO_ANSWERS = "There are no two answers to compare: ask two lanes first."


class Reasons:
    """One method per reason, named in the table of actions; empty while the action is available."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def of(self, action: Action) -> str:
        """The reason why `action` is unavailable; empty if it is not."""
        reason: Callable[[], str] = getattr(self, action.unless) if action.unless else str
        return reason()

    def run_in_flight(self) -> str:
        """For what a run under way would mix with."""
        if not self._context.live.busy:
            return ""
        return f"A run is in flight: cancel it ({self._context.keys('cancel_all')}), or let it end."

    def nothing_in_flight(self) -> str:
        """For cancelling."""
        return "" if self._context.live.busy else "Nothing is in flight."

    def lane_not_in_flight(self) -> str:
        """For cancelling one lane."""
        is_in_flight = self._context.main.lanes.current.lane.state.in_flight
        return "" if is_in_flight else "Nothing is in flight in this lane."

    def nothing_to_take_turns(self) -> str:
        """For asking in turn with what is pinned."""
        if in_flight := self.run_in_flight():
            return in_flight
        if self._context.live.pinned is None:
            return f"Nothing is pinned: pin results ({self._context.keys('pin')}), then change something."
        return ""

    def no_series(self) -> str:
        """For pausing."""
        is_there = self._context.session.series is not None and not self._context.live.series_over
        return "" if is_there else "There is no series to pause."

    def one_variant(self) -> str:
        """For going to the next variant."""
        if self._context.draft.book.variants:
            return ""
        return f"There is only one variant of the prompt: {self._context.keys('variants')} adds others."

    def no_editor(self) -> str:
        """For editing the prompt in an editor of the person's."""
        if os.environ.get("TEXTUAL_DRIVER"):
            return "A page in a browser has no terminal for another editor."
        if editor_command() is None:
            return "There is no editor: set EDITOR in the environment."
        return self.run_in_flight()

    def nothing_to_copy(self) -> str:
        """For copying: neither a selection nor an answer."""
        return "" if self._context.front.selections or not self.no_answer() else "There is nothing to copy yet."

    def no_answer(self) -> str:
        """For reading an answer."""
        record = self._context.front.lanes.current.lane.record
        has_text = record is not None and any(kind is Kind.TEXT for kind, _ in record.pieces)
        return "" if has_text else "There is no answer yet in this lane: run the prompt first."

    def nothing_to_overrule(self) -> str:
        """For a person's word in place of the checks'."""
        context = self._context
        return why_not_overrule(context.front.lanes.current.lane.record, context.replay, context.keys)

    def no_request(self) -> str:
        """For looking at a request."""
        is_there = self._context.front.lanes.current.lane.record is not None
        return "" if is_there else "There is nothing to show yet: run the prompt first."

    def fewer_than_two_answers(self) -> str:
        """For comparing answers word by word."""
        records = (view.lane.record for view in self._context.front.lanes.views)
        answers = sum(record is not None and bool(record.text()) for record in records)
        return "" if answers > 1 else NO_TWO_ANSWERS

    def nothing_measured(self) -> str:
        """For pinning the results."""
        if in_flight := self.run_in_flight():
            return in_flight
        is_there = self._context.live.snapshot("now") is not None
        return "" if is_there else "There is nothing to pin yet: run the prompt first."

    def nothing_cleared(self) -> str:
        """For bringing back what was cleared."""
        if in_flight := self.run_in_flight():
            return in_flight
        is_there = any(taken.count for _, taken in self._context.cleared)
        return "" if is_there else "Nothing was cleared that could come back."

    def target_not_listed(self) -> str:
        """For editing the current lane's target."""
        is_listed = current_target(self._context, self._context.draft.targets) is not None
        return "" if is_listed else "This lane's target is no longer in the list: choose another lane, or run again."

    def nothing_refused(self) -> str:
        """For leaving a parameter out."""
        if not_listed := self.target_not_listed():
            return not_listed
        context, targets = self._context, self._context.draft.targets
        index = current_target(context, targets)
        assert index is not None, "it is listed"
        plan = context.draft.plan()
        sent = plan.parameters_of(targets.candidates[index])
        if refused(context.main.lanes.current.lane, plan, sent, context.known_models) is not None:
            return ""
        key = context.keys("edit_target")
        return f"As far as is known, this lane's model refuses nothing. {key} edits its parameters."

    def no_history(self) -> str:
        """For stored runs."""
        is_there = self._context.session.recorder is not None
        return "" if is_there else "There is no history: it is switched off by history.enabled in the configuration."

    def no_advice(self) -> str:
        """For advice on the current lane; a trial under way is always shown."""
        advice = self._context.advice
        if advice is not None and advice.running:
            return ""
        from tui.session.measured import measured_by

        is_there = measured_by(self._context.main.lanes.current.lane) is not None
        return "" if is_there else "There is nothing to base advice on yet: let a run of this lane end first."

    def no_trial(self) -> str:
        """For deciding on a trial."""
        advice = self._context.advice
        if advice is not None and advice.open is not None:
            return ""
        return f"There is no trial to decide on: try a suggestion first ({self._context.keys('advice.try')})."

    def no_trial_running(self) -> str:
        """For cancelling a trial."""
        advice = self._context.advice
        return "" if advice is not None and advice.running else "No trial is under way."

    def no_shell(self) -> str:
        """For stopping the program as Ctrl+Z does."""
        if can_stop():
            return ""
        return "There is no shell to go back to: stopped here, the program could not be woken again."


def why_not_overrule(record: RequestRecord | None, replay: "Replay | None", keys: KeyNames) -> str:
    """The reason why nobody can overrule what the checks said of an answer, played again or not; empty if one can."""
    if record is None:
        return "There is no answer yet in this lane: run the prompt first."
    if record.status is None:
        return "The answer is not over yet: wait for its end."
    if record.status is not Status.DONE:
        return f"An answer that is {record.status.value} does not pass: there is nothing to overrule."
    if not record.checks:
        return f"No check has judged this answer: {keys('checks')} sets checks for the next ones."
    if replay is not None and replay.run.number is None:
        return "This run is not in the history, which keeps your word: latency-tui history import takes it in."
    return ""


def current_target(context: Context, targets: TargetChoice) -> int | None:
    """The place of the current lane's target in the list, or None when it is no longer there."""
    return targets.index_of(context.main.lanes.current.lane.target.single.label)
