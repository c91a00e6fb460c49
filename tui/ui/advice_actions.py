"""What the application does about advice: shows it, tries it, accepts it, and keeps the ledger."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tui.core.model import KnownModel
from tui.core.plan import Plan
from tui.core.record import RequestRecord
from tui.core.wording import percent
from tui.errors import HistoryError
from tui.session.draft import Draft
from tui.session.session import Session
from tui.ui.bindings import KeyNames
from tui.ui.key_names import key

if TYPE_CHECKING:
    from textual.app import App

    from tui.advice.suggestion import NoSuggestion, Suggestion
    from tui.advice.trial import TrialResult
    from tui.session.lane import Lane
    from tui.session.trial_runner import TrialRunner
    from tui.ui.screens.advice import AdviceScreen
    from tui.ui.screens.main import MainScreen
    from tui.ui.viewmodel.advice_state import AdviceState

    _Base = App[None]
else:
    _Base = object

_SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Those that a key goes through."""


class AdviceActions(_Base):
    """Advice on the screen; a part of the application. Its modules are imported when they are first needed."""

    session: Session
    key_names: KeyNames
    draft: Draft
    main: "MainScreen"
    _models: Sequence[KnownModel]
    history_path: Path | None = None
    """Where the ledger is kept; `None` keeps it for this session only."""
    _desk: "AdviceState | None" = None
    _trying: "TrialRunner | None" = None
    _advised: "Lane | None" = None
    """The lane that the advice is for."""
    cut_share: float = 0.05
    """The share of answers that may be cut."""

    def plan(self, *, ask_all: bool | None = None) -> Plan | None:
        """The plan that the draft makes, or None after saying what is missing."""
        raise NotImplementedError

    def complain(self, sentence: str) -> None:
        """Say what cannot be done."""
        raise NotImplementedError

    def show_difference(
        self,
        records: Sequence[RequestRecord | None],
        first: RequestRecord | None,
        second: RequestRecord | None = None,
    ) -> None:
        """Show two answers side by side."""
        raise NotImplementedError

    def action_advice(self) -> None:
        """Show the advice for the current lane, or the trial under way."""
        from tui.ui.screens.advice import AdviceScreen
        from tui.ui.viewmodel.advice_state import AdviceState

        first = self._desk is None
        desk = self._desk or AdviceState()
        if not desk.running:
            lane = self.main.current_lane.lane
            if not self._advise(desk, lane):
                self.complain("There is nothing to go by yet: let a run of this lane end first.")
                return
            self._advised = lane
            self._count_parts()
        self._desk = desk
        if first:
            self._work(self._read_ledger)
        self.push_screen(AdviceScreen(desk, self.key_names, first=first))

    def _advise(self, desk: "AdviceState", lane: "Lane") -> bool:
        """Ask all rules about a lane; False where there is nothing to go by."""
        from tui.advice.advise import advise
        from tui.session.measured import evidence_for, length_questions

        evidence = evidence_for(
            lane,
            self.session.live.lanes,
            desk.measured,
            self._models,
            counted=self.session.preview.counted(length_questions(lane)),
            cut_share=self.cut_share,
        )
        if evidence is not None:
            desk.advise(advise(evidence))
        return evidence is not None

    def _count_parts(self) -> None:
        """Have the parts of the prompt counted, and advise again when they are."""
        from tui.session.measured import length_questions

        assert self._advised is not None, "only what was advised on is counted"
        preview = self.session.preview
        preview.on_counted = self._advise_again
        preview.count_also(length_questions(self._advised))

    def _advise_again(self) -> None:
        from tui.ui.screens.advice import AdviceScreen

        desk, lane = self._desk, self._advised
        if desk is not None and lane is not None and not desk.running and isinstance(self.screen, AdviceScreen):
            self._advise(desk, lane)

    def on_advice_screen_wished(self, event: "AdviceScreen.Wished") -> None:
        """Do what the person wants."""
        match event.wish:
            case "try":
                self._try(event.said)
            case "cancel":
                if self._desk is not None and self._desk.running:
                    self.session.cancel_all()
            case "differ":
                self._differ(event.said)
            case "share":
                self._choose_share()
            case "accept" | "reject":
                self._decide(accepted=event.wish == "accept")

    def _differ(self, said: "Suggestion | NoSuggestion | None") -> None:
        """The answers of the trial that is shown; else the lane's own beside that of the model that is suggested."""
        desk, lanes = self._desk, self.session.live.lanes
        if desk is not None and desk.trial is not None and self._trying is not None:
            records = self._trying.records
            self.show_difference(records, records[0])
            return
        model = said.trial.change.model if said is not None and said.trial is not None else None
        other = next((lane.record for lane in lanes if model is not None and lane.target.model == model), None)
        first = self._advised.record if self._advised is not None else None
        self.show_difference([lane.record for lane in lanes], first, other)

    def _choose_share(self) -> None:
        """The next share of answers that may be cut."""
        self.cut_share = next((share for share in _SHARES if share > self.cut_share), _SHARES[0])
        self._advise_again()
        may = "All answers" if self.cut_share >= 1 else f"{percent(self.cut_share)} of answers"
        self.notify(f"{may} may be cut by max_tokens.", timeout=3, markup=False)

    def _try(self, said: "Suggestion | NoSuggestion | None") -> None:
        from tui.session.trial_runner import TrialRunner

        desk = self._desk
        if desk is None or desk.advice is None or said is None:
            return
        if said.trial is None:
            self.complain("This is not for the program to try: see what it says.")
            return
        if self.session.live.busy:
            self.complain("A run is in flight: let it end before you try something.")
            return
        plan = self.plan()
        if plan is None:
            return
        try:
            self._trying = TrialRunner(self.session, plan, desk.advice.target, said, self._trial_over)
        except KeyError:
            self.complain("This lane's target is no longer asked: run again, then ask for advice.")
            return
        trying = self._trying
        trying.start()
        desk.begin(lambda: trying.tried)
        self.main.wake()

    def _trial_over(self) -> None:
        if self._desk is None or self._trying is None:
            return
        tried = self._desk.finish(self._trying.measured)
        self._work(partial(self._note, tried))
        self.main.wake()
        self.notify(f"{tried.headline}: {tried.sentence}. {key('advice')} decides.", timeout=8, markup=False)

    def _decide(self, *, accepted: bool) -> None:
        desk = self._desk
        if desk is None or desk.open is None:
            self.complain("There is no trial to decide on: try a suggestion first (T).")
            return
        if accepted and not self._accept(desk.open):
            return
        self._work(partial(self._note, desk.decide(accepted=accepted)))

    def _accept(self, tried: "TrialResult") -> bool:
        """Put the change into the prompt, the parameters or the target; whether that could be done."""
        from tui.advice.trial import accepted_parameters, accepted_target, goes_to_shared, origin_of

        self.main.prompt_pane.commit()
        plan, change, choice = self.draft.plan(), tried.trial.change, self.draft.targets
        try:
            number, prompt = origin_of(plan, tried.target)
        except KeyError:
            number, prompt = -1, plan.prompt
        index = None if number < 0 else choice.index_of(plan.targets[number].label)
        if index is None:
            self.complain("The target that was tried is no longer asked: choose it again, then accept.")
            return False
        if change.edit is not None:
            book = self.draft.book
            now = book.prompt if prompt not in book.prompts else prompt
            book.put(now, change.prompt_of(now))
            self.main.prompt_pane.show()
        shared = goes_to_shared(plan, change)
        if shared:
            self.draft.parameters = accepted_parameters(plan.parameters, change)
            self.main.parameters_form.show(self.draft.parameters)
        target = accepted_target(choice.candidates[index], change, shared=shared)
        if target != choice.candidates[index]:
            choice.replace(index, target)
            self.main.picker.changed(index)
        self.notify(f"Accepted: {tried.headline}. {key('run')} runs it.", timeout=5, markup=False)
        return True

    # The ledger, on threads of its own: a disk may be slow

    def _work(self, work: Callable[[], None]) -> None:
        if self.history_path is not None:
            self.run_worker(work, thread=True, group="ledger")

    def _note(self, tried: "TrialResult") -> None:
        from tui.history.store import Store
        from tui.session import trial_log

        try:
            assert self.history_path is not None
            with Store(self.history_path) as store:
                trial_log.note(store, tried)
        except HistoryError as error:
            self.call_from_thread(self.complain, str(error))

    def _read_ledger(self) -> None:
        from tui.history.store import Store
        from tui.session import trial_log

        try:
            assert self.history_path is not None
            with Store(self.history_path) as store:
                found = trial_log.read(store)
        except HistoryError as error:
            self.call_from_thread(self.complain, str(error))
            return
        if self._desk is not None:
            self.call_from_thread(self._desk.remember, found)
