"""The application: carries out the actions of `bindings` on the session and the main screen."""

import asyncio
import gc
from collections.abc import Iterable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from tui.config.models import KnownModel
from tui.config.remembered import save_targets
from tui.config.schema import UiSettings
from tui.core.series import SeriesSettings
from tui.errors import ConfigError
from tui.sitting.session import Session
from tui.ui.bindings import ACTIONS, app_bindings, spelled
from tui.ui.chart_actions import ChartActions
from tui.ui.charts.plot_view import Markers
from tui.ui.prompt_actions import PromptActions
from tui.ui.screens.main import MainScreen
from tui.ui.series_actions import SeriesActions
from tui.ui.viewmodel.prompt_book import PromptBook
from tui.ui.viewmodel.target_choice import TargetChoice
from tui.ui.widgets.target_picker import TargetPicker

_USE_THE_API = "set ANTHROPIC_API_KEY to use the API"


class LatencyApp(PromptActions, SeriesActions, ChartActions, App[None]):
    """Edits a prompt, fires it, shows the answers as they arrive."""

    TITLE = "latency-tui"
    CSS_PATH = "screens/main.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(app_bindings())
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        session: Session,
        settings: UiSettings,
        models: Sequence[KnownModel],
        *,
        series: SeriesSettings | None = None,
        run_at_once: bool = False,
    ) -> None:
        super().__init__()
        self.session = session
        self.series_settings = series or SeriesSettings()
        self._run_at_once = run_at_once
        self._loop_of_app: asyncio.AbstractEventLoop | None = None
        self._settings = settings
        self._models = models
        self.main: MainScreen

    def get_default_screen(self) -> Screen[Any]:
        """The main screen. Made here, because some of Textual's widgets can be made only while an app runs."""
        plan = self.session.plan
        choice = TargetChoice(plan.targets, [(model.id, model.display_name) for model in self._models])
        self.main = MainScreen(
            self.session.board,
            PromptBook(plan.prompt, plan.variants, plan.rows, plan.row),
            plan.parameters,
            choice,
            self._settings.frame_rate,
            self.size,
        )
        self.main.charts.markers = Markers(self._settings.chart_marker)
        self._describe_endpoints()
        return self.main

    async def on_mount(self) -> None:
        """Take up the engine once the first frame is on its way."""
        self._loop_of_app = asyncio.get_running_loop()
        self.session.on_change = self.main.wake
        self.session.on_problem = self.complain
        self.call_after_refresh(self._connect)

    async def _connect(self) -> None:
        # The first frame is painted: what was made for it is never garbage, and need not be looked at again.
        gc.collect()
        gc.freeze()
        await self.session.connect()
        # plotext takes a tenth of a second to import: not while the first run streams.
        for module in ("figure", "drawing"):
            self.run_worker(partial(import_module, f"tui.ui.charts.{module}"), thread=True, group="warm up")
        if self._run_at_once:
            await self.action_run()

    # Actions

    async def action_run(self) -> None:
        """Fire the prompt in use."""
        self.fire(ask_all=False)

    def action_cancel_all(self) -> None:
        """Cancel everything in flight."""
        self.session.cancel_all()

    def action_cancel_lane(self) -> None:
        """Cancel the current lane's request."""
        self.session.cancel(self.main.current_lane.lane)

    def action_next_lane(self) -> None:
        """Go to the next lane."""
        self.main.go_to_lane(1)

    def action_previous_lane(self) -> None:
        """Go to the lane before."""
        self.main.go_to_lane(-1)

    def action_maximise(self) -> None:
        """Show the current lane alone, or all again."""
        self.main.maximise_lane()

    def action_copy(self) -> None:
        """Copy the selected text, or the current lane's whole text, to the terminal's clipboard."""
        selected = self.main.get_selected_text()
        text = selected or self.main.current_lane.text
        if not text:
            self.complain("There is nothing to copy yet.")
            return
        self.copy_to_clipboard(text)
        what = "the selection" if selected else self.main.current_lane.lane.label
        self.notify(f"Copied {what}, {len(text):,} characters.", timeout=3, markup=False)

    def action_detail(self) -> None:
        """Show the current lane's request in detail."""
        from tui.ui.screens.detail import DetailScreen

        record = self.main.current_lane.lane.record
        if record is None:
            self.complain("There is nothing to show yet: run the prompt first.")
            return
        self.push_screen(DetailScreen(record))

    def action_search(self) -> None:
        """Search in the current lane."""
        from tui.ui.screens.search import SearchScreen

        self.main.show_pane("lanes")
        self.push_screen(SearchScreen(self.main.current_lane.stream))

    def action_clear(self) -> None:
        """Empty the lanes and the sitting's history."""
        if self.session.board.busy:
            self.complain("A run is in flight: cancel it before clearing.")
            return
        self.session.clear()
        self.main.wake()

    def action_next_pane(self) -> None:
        """Go on to the next pane."""
        self.main.go_to_next_pane()

    def action_help(self) -> None:
        """Show the help."""
        from tui.ui.screens.help import HelpScreen

        self.push_screen(HelpScreen())

    async def action_quit(self) -> None:
        """Cancel what is in flight, end the children, leave."""
        await self._leave(0)

    def leave_from_signal(self, status: int) -> None:
        """End in order with this exit status; for signal handlers, which may run at any point of the main thread."""
        if self._loop_of_app is None:
            raise SystemExit(status)
        self._loop_of_app.call_soon_threadsafe(self.call_later, self._leave, status)

    async def _leave(self, status: int) -> None:
        await self.session.close()
        self.exit(return_code=status)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Over a modal screen only that screen's own keys act, and quitting."""
        if action in _OVER_MAIN_ONLY and self.is_running and self.screen is not self.main:
            return False
        return super().check_action(action, parameters)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: every action of the table, then the theme."""
        for action in ACTIONS:
            keys = ", ".join(map(spelled, action.keys))
            yield SystemCommand(action.title, f"{action.help} ({keys})", self._runner(action.method))
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)

    def _runner(self, method: str) -> Any:
        async def run() -> None:
            await self.run_action(method)

        return run

    # What the session and the picker say

    def on_target_picker_chosen(self, event: TargetPicker.Chosen) -> None:
        """Ask other targets from now on, and remember them for the next sitting."""
        self.session.choose(event.targets)
        self._describe_endpoints()
        self.main.wake()
        try:
            save_targets(event.targets)
        except ConfigError as error:
            self.complain(str(error))

    def _describe_endpoints(self) -> None:
        plan = self.session.plan
        endpoints = dict.fromkeys(plan.endpoint_of(target).name for target in plan.targets)
        self.main.endpoints = tuple(endpoints)
        self.main.simulated = self.session.simulated
        self.main.hint = _USE_THE_API if plan.default_endpoint == "simulator" else ""

    def complain(self, sentence: str) -> None:
        """Say something that belongs to no lane."""
        self.notify(sentence, severity="warning", markup=False)


_OVER_MAIN_ONLY = frozenset(action.method for action in ACTIONS) - {"quit"}
