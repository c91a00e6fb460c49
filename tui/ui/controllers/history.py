"""The history: stored runs, opened in the editors or played again."""

from tui.config.schema import SIMULATOR
from tui.core.run import StoredRun
from tui.core.sanitize import clean
from tui.core.wording import counted
from tui.errors import ChildError
from tui.ui.controllers.context import Context
from tui.ui.controllers.reasons import Reasons
from tui.ui.pace import Pacer


class HistoryController:
    """Shows stored runs and puts them to use."""

    def __init__(self, context: Context, reasons: Reasons, pacer: Pacer) -> None:
        self._context = context
        self._reasons = reasons
        self._pacer = pacer

    def history(self) -> None:
        """Show all stored runs."""
        from tui.session.archive import Archive
        from tui.ui.screens.history import HistoryScreen

        context, recorder = self._context, self._context.session.recorder
        assert recorder is not None, "there is no history to show otherwise"

        async def closed(run: StoredRun | None) -> None:
            if run is not None:
                await self._ask_to_open(run)

        # Latest first: what was interrupted stands below the runs of this session.
        at = len(context.session.run_uids) if context.offer else 0
        if context.offer:
            context.offer = ""
            context.app.clear_notifications()  # it would cover what it speaks of
            context.describe()
            context.main.wake()
        archive = Archive(recorder.path, recorder.settings, context.live.objectives)
        screen = HistoryScreen(archive, self.replay, context.take_along, context.keys, self._reasons.of, at)
        context.app.push_screen(screen, closed)

    async def _ask_to_open(self, run: StoredRun) -> None:
        """Open a run, after a question if it adds fields of its own: an imported one may ask anything with them."""
        fields = run.plan.extra_fields()
        if not fields:
            await self._open(run)
            return
        from tui.ui.screens.dialogs import ConfirmScreen

        async def answered(yes: bool | None) -> None:
            if not yes:
                run.plan = run.plan.without_extra()
            await self._open(run)

        question = (
            f"Run {run.number} adds fields of its own to every request: {clean(', '.join(fields))}. Take them too?"
        )
        self._context.app.push_screen(ConfirmScreen(question, "Take them", self._context.keys), answered)

    async def _open(self, run: StoredRun) -> None:
        """Take what a run asked into the editors; nothing is sent."""
        context, stored = self._context, run.plan
        context.on_disk.leave_file()
        if SIMULATOR in {target.endpoint or stored.default_endpoint for target in stored.targets}:
            self._offer_simulator()
        unknown = context.draft.open(stored, context.models)
        await context.show_draft()
        if unknown:
            names = clean(", ".join(unknown))
            context.complain(f"Targets at {names} were left out: there is no such endpoint in this session.")
        else:
            context.tell(f"Run {run.number} is open: {context.keys('run')} runs it again.")

    def _offer_simulator(self) -> None:
        """For a run whose targets are looked for among the endpoints that are there."""
        context = self._context
        if all(endpoint.name != SIMULATOR for endpoint in context.draft.endpoints):
            try:
                context.draft.add_endpoint(context.session.children.add_simulator())
            except ChildError as error:
                context.complain(str(error))

    def replay(self, run: StoredRun, speed: float = 1.0) -> None:
        """Play a run again, at `speed` recorded seconds per second."""
        from tui.session.replay import Replay
        from tui.ui.screens.replay import ReplayScreen

        context = self._context
        if not run.requests:
            context.complain("There is nothing to replay: the run has no requests.")
            return
        replay = Replay(run, speed, {model.id: model for model in context.models})
        screen = ReplayScreen(replay, self._pacer, context.app.size, context.keys)
        screen.charts.markers = context.main.charts.markers
        context.app.push_screen(screen)

    def tell_interrupted(self, requests: int) -> None:
        """Say that an earlier session was killed with this number of requests in flight."""
        context = self._context
        unfinished = counted(requests, "request")
        key = context.keys("history")
        context.offer = f"{key} shows the interrupted run"
        context.describe()
        context.main.wake()
        context.app.notify(
            f"The last session was interrupted: {unfinished} unfinished; {key} shows the run.",
            severity="warning",
            timeout=10,
            markup=False,
        )
