"""What the application does about advice: shows it, tries it, accepts it, and keeps the ledger."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tui.core.model import KnownModel
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.errors import HistoryError
from tui.sitting.session import Session

if TYPE_CHECKING:
    from textual.app import App

    from tui.advice.suggestion import Silence, Suggestion
    from tui.advice.trial import Tried
    from tui.sitting.trying import Trying
    from tui.ui.screens.advice import AdviceScreen
    from tui.ui.screens.main import MainScreen
    from tui.ui.viewmodel.advice_desk import AdviceDesk

    _Base = App[None]
else:
    _Base = object


class AdviceActions(_Base):
    """Advice on the screen; a part of the application. Its modules are imported when they are first needed."""

    session: Session
    main: "MainScreen"
    _models: Sequence[KnownModel]
    history_path: Path | None = None
    """Where the ledger is kept; `None` keeps it for this sitting only."""
    _desk: "AdviceDesk | None" = None
    _trying: "Trying | None" = None

    def asked(self, *, ask_all: bool | None = None) -> tuple[Prompt, Parameters] | None:
        """What the screen asks, or None after saying what is missing."""
        raise NotImplementedError

    def complain(self, sentence: str) -> None:
        """Say what cannot be done."""
        raise NotImplementedError

    def action_advice(self) -> None:
        """Show the advice for the current lane, or the trial under way."""
        from tui.advice.advise import advise
        from tui.sitting.measured import evidence_for
        from tui.ui.screens.advice import AdviceScreen
        from tui.ui.viewmodel.advice_desk import AdviceDesk

        first = self._desk is None
        desk = self._desk or AdviceDesk()
        if not desk.running:
            lane = self.main.current_lane.lane
            evidence = evidence_for(lane, self.session.board.lanes, desk.measured, self._models)
            if evidence is None:
                self.complain("There is nothing to go by yet: let a run of this lane end first.")
                return
            desk.advise(advise(evidence))
        self._desk = desk
        if first:
            self._work(self._read_ledger)
        self.push_screen(AdviceScreen(desk, first=first))

    def on_advice_screen_wished(self, event: "AdviceScreen.Wished") -> None:
        """Do what the person wants."""
        match event.wish:
            case "try":
                self._try(event.said)
            case "cancel":
                if self._desk is not None and self._desk.running:
                    self.session.cancel_all()
            case "accept" | "reject":
                self._decide(accepted=event.wish == "accept")

    def _try(self, said: "Suggestion | Silence | None") -> None:
        from tui.sitting.trying import Trying

        desk = self._desk
        if desk is None or desk.advice is None or said is None:
            return
        if said.trial is None:
            self.complain("This is not for the program to try: see what it says.")
            return
        if self.session.board.busy:
            self.complain("A run is in flight: let it end before you try something.")
            return
        if self.asked() is None:
            return
        try:
            self._trying = Trying(self.session, desk.advice.target, said, self._trial_over)
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
        self.notify(f"{tried.headline}: {tried.sentence}. Alt+A decides.", timeout=8, markup=False)

    def _decide(self, *, accepted: bool) -> None:
        desk = self._desk
        if desk is None or desk.open is None:
            self.complain("There is no trial to decide on: try a suggestion first (T).")
            return
        if accepted and not self._accept(desk.open):
            return
        self._work(partial(self._note, desk.decide(accepted=accepted)))

    def _accept(self, tried: "Tried") -> bool:
        """Put the change into the prompt, the parameters or the target; whether that could be done."""
        from tui.advice.trial import accepted_parameters, accepted_target, goes_to_shared, origin_of

        plan, change, choice = self.session.plan, tried.trial.change, self.main.picker.choice
        try:
            number, prompt = origin_of(plan, tried.target)
        except KeyError:
            number, prompt = -1, plan.prompt
        index = None if number < 0 else choice.index_of(plan.targets[number].label)
        if index is None:
            self.complain("The target that was tried is no longer asked: choose it again, then accept.")
            return False
        if change.edit is not None:
            pane = self.main.prompt_pane
            now = pane.prompt if prompt not in pane.book.prompts else prompt
            pane.book.put(now, change.prompt_of(now))
            pane.show()
        shared = goes_to_shared(plan, change)
        if shared:
            self.main.parameters_form.show(accepted_parameters(plan.parameters, change))
        target = accepted_target(choice.candidates[index], change, shared=shared)
        if target != choice.candidates[index]:
            choice.replace(index, target)
            self.main.picker.changed(index)
        self.notify(f"Accepted: {tried.headline}. F5 runs it.", timeout=5, markup=False)
        return True

    # The ledger, on threads of its own: a disk may be slow

    def _work(self, work: Callable[[], None]) -> None:
        if self.history_path is not None:
            self.run_worker(work, thread=True, group="ledger")

    def _note(self, tried: "Tried") -> None:
        from tui.history.store import Store
        from tui.sitting import trials

        try:
            assert self.history_path is not None
            with Store(self.history_path) as store:
                trials.note(store, tried)
        except HistoryError as error:
            self.call_from_thread(self.complain, str(error))

    def _read_ledger(self) -> None:
        from tui.history.store import Store
        from tui.sitting import trials

        try:
            assert self.history_path is not None
            with Store(self.history_path) as store:
                found = trials.read(store)
        except HistoryError as error:
            self.call_from_thread(self.complain, str(error))
            return
        if self._desk is not None:
            self.call_from_thread(self._desk.remember, found)
