"""What the application does about stored runs: shows them, opens one in the editors, plays one again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.config.schema import SIMULATOR
from tui.core.model import KnownModel
from tui.core.run import StoredRun
from tui.core.sanitize import clean
from tui.errors import ChildError
from tui.session.draft import Draft
from tui.session.session import Session
from tui.ui.bindings import KeyNames
from tui.ui.key_names import key
from tui.ui.pace import Pacer

if TYPE_CHECKING:
    from textual.app import App

    from tui.ui.screens.main import MainScreen

    _Base = App[None]
else:
    _Base = object


class HistoryActions(_Base):
    """Opens the history and what is in it; a part of the application."""

    session: Session
    key_names: KeyNames
    draft: Draft
    main: "MainScreen"
    pacer: Pacer
    _models: Sequence[KnownModel]
    offer = ""
    """What the first row offers until it is taken: to show the run that was interrupted."""

    def complain(self, sentence: str) -> None:
        """Say what cannot be done."""
        raise NotImplementedError

    def describe_endpoints(self) -> None:
        """Say in the first row what is asked."""
        raise NotImplementedError

    def describe_lanes(self) -> None:
        """Say on every lane in what it differs."""
        raise NotImplementedError

    def action_history(self) -> None:
        """Show all stored runs."""
        from tui.session.archive import Archive
        from tui.ui.screens.history import HistoryScreen

        recorder = self.session.recorder
        if recorder is None:
            self.complain("There is no history: it is switched off by history.enabled in the configuration.")
            return

        async def closed(run: StoredRun | None) -> None:
            if run is not None:
                await self.open_run(run)

        # Latest first: what was interrupted stands below the runs of this session.
        at = len(self.session.run_uids) if self.offer else 0
        if self.offer:
            self.offer = ""
            self.clear_notifications()  # it would cover what it speaks of
            self.describe_endpoints()
            self.main.wake()
        archive = Archive(recorder.path, recorder.settings, self.session.live.objectives)
        self.push_screen(HistoryScreen(archive, self.replay, self.key_names, at), closed)

    async def open_run(self, run: StoredRun) -> None:
        """Take what a run asked into the editors; nothing is sent."""
        if self.session.live.busy:
            self.complain("A run is in flight: open another when it is over.")
            return
        stored = run.plan
        if SIMULATOR in {target.endpoint or stored.default_endpoint for target in stored.targets}:
            try:
                self._offer_simulator()
            except ChildError as error:
                self.complain(str(error))
        unknown = self.draft.open(run.plan, self._models)
        self.session.show(self.draft.plan())
        await self.main.edit_anew()
        self.describe_endpoints()
        self.describe_lanes()
        self.main.show_pane("prompt")
        self.main.wake()
        if unknown:
            names = clean(", ".join(unknown))
            self.complain(f"Targets at {names} were left out: there is no such endpoint in this session.")
        else:
            self.notify(f"Run {run.number} is open: {key('run')} runs it again.", timeout=4, markup=False)

    def _offer_simulator(self) -> None:
        if all(endpoint.name != SIMULATOR for endpoint in self.draft.endpoints):
            self.draft.add_endpoint(self.session.children.add_simulator())

    def replay(self, run: StoredRun, speed: float = 1.0) -> None:
        """Play a run again, at `speed` recorded seconds per second."""
        from tui.session.replay import Replay
        from tui.ui.screens.replay import ReplayScreen

        if not run.requests:
            self.complain("There is nothing to replay: the run has no requests.")
            return
        replay = Replay(run, speed, {model.id: model for model in self._models})
        screen = ReplayScreen(replay, self.pacer, self.size, self.key_names)
        screen.charts.markers = self.main.charts.markers
        self.push_screen(screen)

    def tell_interrupted(self, requests: int) -> None:
        """An earlier session was killed with so many requests in flight."""
        unfinished = "1 request" if requests == 1 else f"{requests} requests"
        self.offer = f"{key('history')} shows the interrupted run"
        self.describe_endpoints()
        self.main.wake()
        self.notify(
            f"The last session was interrupted: {unfinished} unfinished; {key('history')} shows the run.",
            severity="warning",
            timeout=10,
            markup=False,
        )
