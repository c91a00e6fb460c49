"""The application: carries out the actions of `bindings` on the session and the main screen."""

import asyncio
import gc
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import BindingsMap, BindingType
from textual.dom import DOMNode
from textual.driver import Driver
from textual.screen import Screen, SystemModalScreen

from tui.config.schema import UiSettings
from tui.core.model import KnownModel
from tui.core.run import StoredRun
from tui.core.series import SeriesSettings
from tui.errors import ChildError, ExitCode
from tui.session.draft import Draft
from tui.session.session import Session
from tui.ui.advice_actions import AdviceActions
from tui.ui.baseline_actions import BaselineActions
from tui.ui.bindings import Action, Reach, spelled
from tui.ui.chart_actions import ChartActions
from tui.ui.difference_actions import DifferenceActions
from tui.ui.driver import TerminalDriver
from tui.ui.history_actions import HistoryActions
from tui.ui.key_names import use
from tui.ui.keymap import Keymap
from tui.ui.lever_actions import LeverActions
from tui.ui.pace import Pacer
from tui.ui.prompt_actions import PromptActions
from tui.ui.screens.main import MainScreen
from tui.ui.series_actions import SeriesActions
from tui.ui.target_actions import TargetActions
from tui.ui.terminal import Terminal
from tui.ui.terminal_actions import TerminalActions
from tui.ui.themes import dress, markers_of

_USE_THE_API = "set ANTHROPIC_API_KEY to use the API"
_COLLECT_AFTER = (700, 10, 500)
"""For the garbage collector: everything is looked through fifty times less often than usual. That takes 50 ms with 16
lanes, in which no key is heard, and finds next to nothing: the tokens that arrive are kept."""


class LatencyApp(
    TargetActions,
    PromptActions,
    BaselineActions,
    ChartActions,
    HistoryActions,
    LeverActions,
    SeriesActions,
    DifferenceActions,
    AdviceActions,
    TerminalActions,
    App[None],
):
    """Edits a prompt, fires it, shows the answers as they arrive."""

    TITLE = "latency-tui"
    CSS_PATH = "screens/main.tcss"
    # Those of the keymap alone: it has Textual's own too.
    BINDINGS: ClassVar[list[BindingType]] = []
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        session: Session,
        draft: Draft,
        settings: UiSettings,
        models: Sequence[KnownModel],
        *,
        series: SeriesSettings | None = None,
        run_at_once: bool = False,
        replay: tuple[StoredRun, float] | None = None,
        terminal: Terminal | None = None,
        keymap: Keymap | None = None,
    ) -> None:
        """`replay` is a run to play at once, and how fast."""
        # Read by the driver, and by themes before anything is styled.
        self.terminal = terminal or Terminal()
        self.pacer = Pacer(settings.fixed_rate)
        super().__init__(driver_class=_driver())
        self._dressed_as = dress(self, settings.theme, self.terminal)
        self.keymap = keymap or Keymap()
        self.key_names = self.keymap.names
        use(self.key_names)
        self._bindings = BindingsMap(self.keymap.bindings())
        self.set_keymap(self.keymap.changed())
        self.session = session
        self.draft = draft
        session.live.set_targets(draft.plan().asked)
        self.signal_noticed: Callable[[], None] = lambda: None
        """Called on the event loop when `leave_from_signal` has got through to it."""
        self.series_settings = series or SeriesSettings()
        self._run_at_once = run_at_once
        self._replay_at_once = replay
        self._loop_of_app: asyncio.AbstractEventLoop | None = None
        self._settings = settings
        self._models = models
        self._leaving = False
        self.main: MainScreen

    def get_default_screen(self) -> Screen[Any]:
        """The main screen. Made here, because some of Textual's widgets can be made only while an app runs."""
        self.main = MainScreen(
            self.session.live,
            self.draft,
            self.pacer,
            self.size,
            [action for action in self.key_names.of() if action.in_footer],
            self.key_names,
        )
        self.main.charts.markers = markers_of(self._settings.markers, self.terminal)
        self.describe_endpoints()
        self.describe_lanes()
        return self.main

    @property
    def front(self) -> MainScreen:
        """What keys that only look act on: the replay while one is shown, else the main screen."""
        return self.screen if isinstance(self.screen, MainScreen) else self.main

    async def on_mount(self) -> None:
        """Take up the engine once the first frame is on its way."""
        self._loop_of_app = asyncio.get_running_loop()
        self.session.on_change = self.main.wake
        self.session.on_problem = self.complain
        self.session.on_interrupted = self.tell_interrupted
        self.session.preview.on_models = self.models_changed
        self.session.preview.expect(self.draft.plan())
        self.call_after_refresh(self._connect)

    async def _connect(self) -> None:
        # The first frame is painted: what was made for it is never garbage, and need not be looked at again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)
        gc.enable()
        try:
            await self.session.connect()
        except ChildError as error:
            await self._leave(ExitCode.ERROR, f"latency-tui: {error}")
            return
        # plotext takes a tenth of a second to import: not while the first run streams.
        self.run_worker(partial(import_module, "plotext"), thread=True, group="warm up")
        if self._replay_at_once is not None:
            self.replay(*self._replay_at_once)
        elif self._run_at_once:
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
        self.front.go_to_lane(1)

    def action_previous_lane(self) -> None:
        """Go to the lane before."""
        self.front.go_to_lane(-1)

    def action_maximise(self) -> None:
        """Show the current lane alone, or all again."""
        self.front.maximise_lane()

    def action_copy(self) -> None:
        """Copy the selected text, or the current lane's whole text, to the terminal's clipboard."""
        selected = self.front.get_selected_text()
        text = selected or self.front.current_lane.text
        if not text:
            self.complain("There is nothing to copy yet.")
            return
        self.copy_to_clipboard(text)
        what = "the selection" if selected else self.front.current_lane.lane.label
        self.notify(f"Copied {what}, {len(text):,} characters.", timeout=3, markup=False)

    def action_detail(self) -> None:
        """Show the current lane's request in detail."""
        from tui.ui.screens.detail import DetailScreen

        lane = self.front.current_lane.lane
        if lane.record is None:
            self.complain("There is nothing to show yet: run the prompt first.")
            return
        self.push_screen(DetailScreen(lane.record, self.key_names, lane.cost))

    def action_search(self) -> None:
        """Search in the current lane."""
        from tui.ui.screens.search import SearchScreen

        self.front.show_pane("lanes")
        self.push_screen(SearchScreen(self.front.current_lane.stream, self.key_names))

    def action_clear(self) -> None:
        """Empty the lanes and the session's history."""
        if self.session.live.busy:
            self.complain("A run is in flight: cancel it before clearing.")
            return
        self.session.clear()
        self.main.wake()

    def action_next_pane(self) -> None:
        """Go on to the next pane."""
        self.front.go_to_next_pane()

    def action_help(self) -> None:
        """Show the help."""
        from tui.ui.screens.help import HelpScreen

        screen = self.screen
        acting = [row for row in self.key_names.of() if self._acts_on(screen, row)]
        views = tuple(dict.fromkeys(row.view for row, _ in self._of_screen(screen).values()))
        self.push_screen(HelpScreen(self.key_names, acting, screen.focused, views))

    async def action_quit(self) -> None:
        """Cancel what is in flight, end the children, leave."""
        await self._leave(0)

    def leave_from_signal(self, status: int) -> None:
        """End in order with this exit status; for signal handlers, which may run at any point of the main thread."""
        if self._loop_of_app is None:
            raise SystemExit(status)
        self._loop_of_app.call_soon_threadsafe(self._leave_soon, status)

    def _leave_soon(self, status: int) -> None:
        self.signal_noticed()
        self.call_later(self._leave, status)

    async def _leave(self, status: int, why: str = "") -> None:
        if not self._leaving:
            self._leaving = True
            if status and self.session.recorder is not None:
                self.session.recorder.cut_off()
            await self.session.close()
            self.exit(return_code=status, message=Text(why) if why else None)

    async def action_act(self, action_id: str) -> None:
        """Carry out an action of the table."""
        await self.run_action(_METHODS.get(action_id, action_id))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action of the table acts on the screen that is shown."""
        if action != "act" or not self.is_running or self.screen is self.main:
            return super().check_action(action, parameters)
        return self._acts_on(self.screen, self.key_names.rows[str(parameters[0])])

    def _acts_on(self, screen: Screen[Any], action: Action) -> bool:
        """Over another screen that screen's own keys act, over a replay also what only looks."""
        if action.id == "quit" or screen is self.main:
            return True
        if action.reach is Reach.ALL:
            # Where a screen uses the action's keys itself, such as F1 to close the help, they are not the action's.
            own = (self.key_names.rows.get(binding.id or "") for _, binding in BindingsMap(screen.BINDINGS))
            taken = any(row is not None and row.like == action.id for row in own)
            return not taken and not isinstance(screen, SystemModalScreen)
        return action.reach is Reach.LANES and isinstance(screen, MainScreen)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: the keys of what is shown and has the focus, and every action of the application."""
        for row, node in self._of_screen(screen).values():
            yield SystemCommand(row.title, _described(row), partial(self.run_action, row.handler, node))
        for row in self.key_names.of():
            if row.id != "command_palette" and self._acts_on(screen, row):
                yield SystemCommand(row.title, _described(row), partial(self.run_action, f"act('{row.id}')"))

    def _of_screen(self, screen: Screen[Any]) -> dict[str, tuple[Action, DOMNode]]:
        """The actions of the screen and of the widget that has the focus, by id, with who carries them out."""
        rows = self.key_names.rows
        active = screen.active_bindings.values()
        found = {bound.binding.id: bound.node for bound in active if bound.binding.id and bound.node is not self}
        return {name: (rows[name], node) for name, node in found.items() if name in rows}

    # What the session says

    @property
    def known_models(self) -> Mapping[str, KnownModel]:
        """What is known of models, by id."""
        return {model.id: model for model in self.session.preview.models}

    def describe_endpoints(self) -> None:
        """Say in the first row what is asked, and where."""
        plan = self.draft.plan()
        endpoints = dict.fromkeys(plan.endpoint_of(target).name for target in plan.targets)
        self.main.endpoints = tuple(endpoints)
        self.main.simulated = plan.simulated
        use_the_api = _USE_THE_API if plan.simulated and plan.default_endpoint == "simulator" else ""
        self.main.hint = self.offer or use_the_api

    def complain(self, sentence: str) -> None:
        """Say something that belongs to no lane."""
        self.notify(sentence, severity="warning", markup=False)


def _driver() -> type[Driver]:
    # One that is named in the environment is a browser's: see `latency-tui serve`.
    if os.environ.get("TEXTUAL_DRIVER"):
        from tui.ui.page_driver import PageDriver

        return PageDriver
    return TerminalDriver


def _described(action: Action) -> str:
    return f"{action.help} ({', '.join(map(spelled, action.keys))})" if action.keys else action.help


_METHODS = {"theme": "change_theme"}
"""Actions that Textual has under another name."""
