"""Advice: shown, tried, decided on, and remembered in the log of trials."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tui.advice.advise import advise
from tui.advice.suggestion import NoSuggestion, Suggestion
from tui.advice.trial import TrialResult, accepted_parameters, accepted_target, goes_to_shared, origin_of
from tui.core.plan import Plan
from tui.core.wording import percent
from tui.errors import HistoryError
from tui.history.store import Store
from tui.session import trial_log
from tui.session.forecast import forecast
from tui.session.lane import Lane
from tui.session.measured import evidence_for, length_questions
from tui.session.trial_runner import TrialRunner
from tui.ui.controllers.context import Context
from tui.ui.controllers.lanes import show_difference
from tui.ui.controllers.reasons import Reasons
from tui.ui.controllers.runs import ask_before
from tui.ui.screens.advice import AdviceScreen, Wish
from tui.ui.viewmodel.advice_state import AdviceState

_SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Shares of answers that a key goes through."""


class AdviceController:
    """Advice on the screen, for one lane at a time."""

    def __init__(self, context: Context, reasons: Reasons, cut_share: float) -> None:
        """`cut_share` is the share of answers that may be cut."""
        self._context = context
        self._reasons = reasons
        self._cut_share = cut_share
        self._trial: TrialRunner | None = None
        self._advised: Lane | None = None
        """The lane that the advice is for."""

    @property
    def _state(self) -> AdviceState:
        assert self._context.advice is not None, "there is advice once the screen was opened"
        return self._context.advice

    def advice(self) -> None:
        """Show the advice for the current lane, or the trial under way."""
        context, first = self._context, self._context.advice is None
        state = context.advice = context.advice or AdviceState()
        state.foresee = self._foresee
        if not state.running:
            self._advised = context.main.lanes.current.lane
            self._advise()
            self._count_parts()
        if first:
            self._on_thread(self._read_log)
        context.app.push_screen(AdviceScreen(state, context.keys, self._wished, self._reasons.of, first=first))

    def _advise(self) -> None:
        """Ask all rules about the lane."""
        assert self._advised is not None, "advice is for a lane"
        evidence = evidence_for(
            self._advised,
            self._context.live.lanes,
            self._state.measured,
            self._context.models,
            counted=self._context.session.preview.counted(length_questions(self._advised)),
            cut_share=self._cut_share,
        )
        if evidence is not None:
            self._state.advise(advise(evidence))

    def _count_parts(self) -> None:
        """Have the parts of the prompt counted, and advise again when they are."""
        assert self._advised is not None, "only what was advised on is counted"
        preview = self._context.session.preview
        preview.on_counted = self._advise_again
        preview.count_also(length_questions(self._advised))

    def _advise_again(self) -> None:
        if not self._state.running and isinstance(self._context.app.screen, AdviceScreen):
            self._advise()

    def _wished(self, wish: Wish, said: Suggestion | NoSuggestion | None) -> None:
        """Do what the person wants; `said` is what is pointed at."""
        match wish:
            case "try":
                self._try(said)
            case "cancel":
                self._context.session.cancel_all()
            case "differ":
                self._differ(said)
            case "share":
                self._choose_share()
            case "accept" | "reject":
                self._decide(accepted=wish == "accept")

    def _differ(self, said: Suggestion | NoSuggestion | None) -> None:
        """The answers of the trial that is shown; else the lane's own beside that of the model that is suggested."""
        lanes = self._context.live.lanes
        if self._state.trial is not None and self._trial is not None:
            records = self._trial.records
            show_difference(self._context, records, records[0])
            return
        model = said.trial.change.model if said is not None and said.trial is not None else None
        other = next((lane.record for lane in lanes if model is not None and lane.target.model == model), None)
        first = self._advised.record if self._advised is not None else None
        show_difference(self._context, [lane.record for lane in lanes], first, other)

    def _choose_share(self) -> None:
        """Take the next share of answers that may be cut."""
        self._cut_share = next((share for share in _SHARES if share > self._cut_share), _SHARES[0])
        self._advise_again()
        may = "All answers" if self._cut_share >= 1 else f"{percent(self._cut_share)} of answers"
        self._context.tell(f"{may} may be cut by max_tokens.", 3)

    def _try(self, said: Suggestion | NoSuggestion | None) -> None:
        context, state = self._context, self._state
        if state.advice is None or said is None:
            return
        if said.trial is None:
            context.complain("The program cannot try this for you: the details say what to do.")
            return
        plan = context.plan()
        if plan is None:
            return
        trial = self._trial_of(said, plan)
        if trial is None:
            context.complain("This lane's target is no longer chosen: run again, then ask for advice.")
            return

        def begin() -> None:
            if context.live.busy:
                context.complain("Nothing was started: a run is in flight.")
                return
            self._trial = trial
            trial.start()
            state.begin(lambda: trial.tried)
            context.main.wake()

        ask_before(context, "Trial", trial.plan, partial(forecast, context.session, trial.plan, trial.settings), begin)

    def _trial_of(self, said: Suggestion | NoSuggestion, plan: Plan) -> TrialRunner | None:
        """The trial of what is suggested; None where `plan` does not ask its target."""
        assert self._state.advice is not None, "only what was advised is tried"
        try:
            return TrialRunner(self._context.session, plan, self._state.advice.target, said, self._trial_over)
        except KeyError:
            return None

    def _foresee(self, said: Suggestion | NoSuggestion) -> str:
        trial = None if said.trial is None else self._trial_of(said, self._context.draft.plan())
        return "" if trial is None else forecast(self._context.session, trial.plan, trial.settings).sentence

    def _trial_over(self) -> None:
        assert self._trial is not None, "a trial that is over was begun"
        tried = self._state.finish(self._trial.measured)
        self._on_thread(partial(self._note, tried))
        self._context.main.wake()
        self._context.tell(f"{tried.headline}: {tried.sentence}. {self._context.keys('advice')} decides.", 8)

    def _decide(self, *, accepted: bool) -> None:
        tried = self._state.open
        assert tried is not None, "there is a trial to decide on"
        if not accepted or self._accept(tried):
            self._on_thread(partial(self._note, self._state.decide(accepted=accepted)))

    def _accept(self, tried: TrialResult) -> bool:
        """Put the change into the prompt, the parameters or the target; whether that could be done."""
        context = self._context
        context.main.prompt_pane.commit()
        plan, change, choice = context.draft.plan(), tried.trial.change, context.draft.targets
        try:
            number, prompt = origin_of(plan, tried.target)
        except KeyError:
            number, prompt = -1, plan.prompt
        index = None if number < 0 else choice.index_of(plan.targets[number].label)
        if index is None:
            context.complain("The target that was tried is no longer chosen: choose it again, then accept.")
            return False
        if change.edit is not None:
            book = context.draft.book
            now = book.prompt if prompt not in book.prompts else prompt
            book.put(now, change.prompt_of(now))
            context.main.prompt_pane.show()
        shared = goes_to_shared(plan, change)
        if shared:
            context.draft.parameters = accepted_parameters(plan.parameters, change)
            context.main.parameters_form.show(context.draft.parameters)
        target = accepted_target(choice.candidates[index], change, shared=shared)
        if target != choice.candidates[index]:
            choice.replace(index, target)
            context.main.picker.changed(index)
        context.tell(f"Accepted: {tried.headline}. {context.keys('run')} runs it.", 5)
        return True

    # The log of trials, on worker threads: a disk may be slow. Without a history it is kept for the session only.

    @property
    def _log_path(self) -> Path | None:
        recorder = self._context.session.recorder
        return recorder.path if recorder is not None else None

    def _on_thread(self, work: Callable[[Path], None]) -> None:
        if (path := self._log_path) is not None:
            self._context.app.run_worker(partial(work, path), thread=True, group="log of trials")

    def _note(self, tried: TrialResult, path: Path) -> None:
        try:
            with Store(path) as store:
                trial_log.note(store, tried)
        except HistoryError as error:
            self._context.app.call_from_thread(self._context.complain, str(error))

    def _read_log(self, path: Path) -> None:
        try:
            with Store(path) as store:
                found = trial_log.read(store)
        except HistoryError as error:
            self._context.app.call_from_thread(self._context.complain, str(error))
            return
        self._context.app.call_from_thread(self._state.remember, found)
