"""The application: owns the main screen and the terminal, and hands every action to the dispatcher."""

import asyncio
import gc
import os
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual import on
from textual.app import App, SystemCommand
from textual.binding import BindingsMap, BindingType
from textual.driver import Driver
from textual.events import Event, Key, Paste
from textual.screen import Screen
from textual.widgets import Input, TextArea

from tui.config.schema import UiSettings
from tui.core.model import KnownModel
from tui.core.run import StoredRun
from tui.core.sanitize import clean
from tui.core.series import Ending, Series
from tui.errors import ChildError, ExitCode
from tui.session.draft import Draft
from tui.session.draft_on_disk import DraftOnDisk
from tui.ui.bindings import FOOTER
from tui.ui.controllers.context import Context
from tui.ui.controllers.reasons import Reasons
from tui.ui.driver import TerminalDriver
from tui.ui.keymap import Keymap
from tui.ui.pace import Pacer
from tui.ui.palette import ActionsProvider
from tui.ui.screens.main import MainScreen
from tui.ui.sparing import SparingStylesheet
from tui.ui.terminal import Terminal, copy, passed_on
from tui.ui.terminal_input import InputOrder
from tui.ui.themes import dress, markers_of, variables_of
from tui.ui.widgets.inputs import OptionTyped, option_typed
from tui.ui.widgets.prompt_pane import PromptHead
from tui.ui.widgets.settings_form import ParametersForm
from tui.ui.widgets.target_picker import TargetPicker

if TYPE_CHECKING:
    from tui.session.session import Session
    from tui.ui.controllers.dispatcher import Dispatcher

_COLLECT_AFTER = (700, 10, 500)
"""For the garbage collector: everything is looked through fifty times less often than usual. That takes 50 ms with 16
lanes, in which no key is heard, and finds next to nothing: the tokens that arrive are kept."""
_LONG_NS = 10_000_000_000
"""Time of its counted runs from which on the end of a series is told to who looks elsewhere."""
_MOST_NOTES = 3
"""Notes that are said at the start; `latency-tui config` has all."""


class LatencyApp(App[None]):
    """Edits a prompt, sends it, shows the answers as they arrive."""

    TITLE = "latency-tui"
    CSS_PATH = "screens/main.tcss"
    # Those of the keymap alone: it has Textual's own too.
    BINDINGS: ClassVar[list[BindingType]] = []
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[Any]] = {ActionsProvider}

    def __init__(
        self,
        session: "Session",
        draft: Draft,
        settings: UiSettings,
        models: Sequence[KnownModel],
        *,
        on_disk: DraftOnDisk | None = None,
        remembers_targets: bool = True,
        cut_share: float = 0.05,
        run_at_once: bool = False,
        replay: tuple[StoredRun, float] | None = None,
        terminal: Terminal | None = None,
        keymap: Keymap | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        """Without `on_disk` nothing that is typed is kept. `remembers_targets` says whether the list of targets is kept
        for the next session, `cut_share` which share of answers may be cut when advice is given. `replay` is a run to
        play at once, and how fast; `notes` are said at the start.
        """
        # Read by the driver, and by themes before anything is styled.
        self.terminal = terminal or Terminal()
        self.pacer = Pacer(settings.fixed_rate)
        super().__init__(driver_class=_driver())
        self.stylesheet = SparingStylesheet()
        self._dressed_as = dress(self, settings.theme, self.terminal)
        keys = keymap or Keymap()
        self._bindings = BindingsMap(keys.bindings())
        self.set_keymap(keys.changed())
        self.session = session
        self.draft = draft
        session.live.set_targets(draft.plan().lanes)
        self.context = Context(
            self, session, draft, on_disk or DraftOnDisk(draft, session.live, models), models, keys.names
        )
        self.written = self.context.written
        self._reasons = Reasons(self.context)
        self._remembers_targets, self._cut_share, self._notes = remembers_targets, cut_share, notes
        self._run_at_once, self._replay_at_once = run_at_once, replay
        self._loop_of_app: asyncio.AbstractEventLoop | None = None
        self._early_end: int | None = None  # Textual cannot leave before it has all widgets
        self._settings = settings
        self._input_order = InputOrder(self, super().on_event, waits=True)

    @cached_property
    def dispatcher(self) -> "Dispatcher":
        """The dispatcher. Imported, with all controllers, once the first picture is painted."""
        from tui.ui.controllers.dispatcher import Dispatcher

        remembers, cut_share = self._remembers_targets, self._cut_share
        return Dispatcher(self.context, self._reasons, self.pacer, remembers_targets=remembers, cut_share=cut_share)

    def get_css_variables(self) -> dict[str, str]:
        """Variables of the theme, readable, with ours."""
        theme = self.current_theme
        self.theme_variables = variables_of(super().get_css_variables(), theme.name, dark=theme.dark)
        return self.theme_variables

    def get_default_screen(self) -> Screen[Any]:
        """The main screen. Made here, because some of Textual's widgets can be made only while an app runs."""
        context = self.context
        footer = {part: [context.keys.rows[name] for name in names] for part, names in FOOTER.items()}
        context.main = MainScreen(
            context.live, context.draft, self.pacer, self.size, footer, context.keys, why_not=self._reasons.of
        )
        context.main.charts.markers = markers_of(self._settings.markers, self.terminal)
        context.describe()
        return context.main

    @property
    def main(self) -> MainScreen:
        """The main screen; there once the application runs."""
        return self.context.main

    def on_mount(self) -> None:
        """Take up the session once the first picture is painted: most of its modules are imported only then."""
        self._loop_of_app = asyncio.get_running_loop()
        self.call_after_refresh(self._connect)

    async def _connect(self) -> None:
        if self._early_end is not None:
            await self.dispatcher.screen.leave(self._early_end)
            return
        # A page in a browser has no terminal to be asked on.
        self.dispatcher.listen(has_terminal=isinstance(self._driver, TerminalDriver))
        self.session.on_error, self.session.on_series_over = self.crash, self._series_over
        # What was made so far is never garbage, and need not be looked at again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)
        gc.enable()
        await self._input_order.go_on()
        try:
            if not self.dispatcher.screen.leaving:  # by a key that came before
                await self.session.connect()
        except ChildError as error:
            await self.dispatcher.screen.leave(ExitCode.ERROR, f"latency-tui: {error}")
        if self.dispatcher.screen.leaving:
            return
        # plotext takes a tenth of a second to import: not while the first run streams.
        self.run_worker(partial(import_module, "plotext"), thread=True, group="warm up")
        if self._notes:
            self.context.complain("\n".join(self._notes[:_MOST_NOTES]))
        await self.dispatcher.plans.begin()
        if self._replay_at_once is not None:
            self.dispatcher.history.replay(*self._replay_at_once)
        elif self._run_at_once:
            await self.dispatcher.act("run")
        else:
            self.context.asks_to_confirm(self.draft.plan())

    async def on_event(self, event: Event) -> None:
        """Take keys and pastes one after the other."""
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            self.app_focus = True  # who types is there, whatever the terminal says
            await self._input_order.pass_on(event)
        else:
            await super().on_event(event)

    def watch_app_focus(self, focus: bool) -> None:
        """Take up the prompt where the program started behind other windows: nothing got the focus there."""
        if not focus or self._loop_of_app is None or self.screen is not self.main or self.main.focused is not None:
            return
        if self.main.prompt_pane.is_on_screen:
            self.main.set_focus(self.main.prompt_pane.editor)  # at once: the key is for it

    # Actions

    async def action_act(self, action_id: str) -> None:
        """Carry out an action of the table."""
        await self.dispatcher.act(action_id)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """True if an action of the table acts on the screen that is shown."""
        if action != "act" or not self.is_running:
            return super().check_action(action, parameters)
        return self.dispatcher.acts_on(self.screen, self.context.keys.rows[str(parameters[0])])

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette."""
        return self.dispatcher.commands(screen)

    @property
    def other_names(self) -> dict[str, tuple[str, str]]:
        """Words for actions, by their titles, that the palette finds them by: other names, then what they do."""
        return {row.title: (row.words, row.help) for row in self.context.keys.of()}

    @on(PromptHead.Clicked)
    async def _open_prompts(self) -> None:
        await self.dispatcher.act("variants")

    def on_key(self, event: Key) -> None:
        """Tell of a character that Option may have made where nothing is typed; editors tell of their own."""
        if event.is_forwarded and (message := option_typed(event, "")):
            self.post_message(message)

    @on(OptionTyped)
    def _option_typed(self, event: OptionTyped) -> None:
        self.dispatcher.screen.option_typed(event.typed, event.letter)

    @on(TextArea.Changed)
    def _prompt_edited(self) -> None:
        self.dispatcher.prompts.edited()
        self.dispatcher.plans.edited()

    @on(Input.Changed)
    def _field_edited(self) -> None:
        self.dispatcher.plans.edited()

    @on(ParametersForm.Changed)
    def _parameters_edited(self) -> None:
        self.context.describe()

    @on(TargetPicker.Wished)
    def _target_wished(self, event: TargetPicker.Wished) -> None:
        self.dispatcher.targets.wished(event)

    @on(TargetPicker.Chosen)
    def _targets_chosen(self) -> None:
        self.dispatcher.targets.chosen()

    # The terminal

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, self.written.news_in(renderable))

    def copy_to_clipboard(self, text: str) -> None:
        """Copy `text`; the editors call this too."""
        self._clipboard = text
        if self._driver is None:
            return
        try:
            path = copy(text, self.terminal, self._driver.write)
        except OSError as error:
            self.context.complain(f"The terminal cannot take it, and no file could be written: {error.strerror}.")
            return
        if path is not None:
            self.context.tell(f"The terminal cannot take it: it is in {path}.", 10)

    def _series_over(self, series: Series) -> None:
        """Tell a person who looks elsewhere what has ended, as `ui.notify` says."""
        is_long = series.ending is not Ending.CANCELLED and sum(series.run_ns) >= _LONG_NS
        if is_long and self._settings.notify == "bell":
            self.bell()
        elif is_long and self._settings.notify == "osc9" and self._driver is not None:
            sentence = clean(f"latency-tui: {series.verdict or series.progress(over=True)}")
            self._driver.write(passed_on(f"\x1b]9;{sentence}\x07", self.terminal))

    def leave_from_signal(self, status: int, noticed: Callable[[], None] = lambda: None) -> None:
        """End in order with this status, from any point of the main thread; call `noticed` once the loop knows."""
        if self._loop_of_app is None:
            raise SystemExit(status)
        self._loop_of_app.call_soon_threadsafe(self._leave_soon, status, noticed)

    def _leave_soon(self, status: int, noticed: Callable[[], None]) -> None:
        noticed()
        if self._input_order.waits:
            self._early_end = status
        else:
            self.call_later(self.dispatcher.screen.leave, status)

    def crash(self, error: Exception) -> None:
        """End because of an error of ours. Textual's own way prints every local variable: keys and prompts."""
        self._handle_exception(error)

    def _handle_exception(self, error: Exception) -> None:
        from tui.ui.crash import say_and_report

        self._return_code = ExitCode.ERROR
        if self._exception is None:
            self._exit_renderables.append(Text(say_and_report(error, self.terminal, self.size)))
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    def _watch_theme(self, theme_name: str) -> None:
        """Not for the theme that everything was styled with to begin with: that would style and paint it all again."""
        first, self._dressed_as = self._dressed_as, ""
        if theme_name != first:
            super()._watch_theme(theme_name)


def _driver() -> type[Driver]:
    # One that is named in the environment is a browser's: see `latency-tui serve`.
    if os.environ.get("TEXTUAL_DRIVER"):
        from tui.ui.page_driver import PageDriver

        return PageDriver
    return TerminalDriver
