"""The dispatcher: holds the controllers, and carries out the actions of the table with them."""

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from inspect import isawaitable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.binding import BindingsMap
from textual.dom import DOMNode
from textual.screen import Screen, SystemModalScreen

from tui.ui.bindings import Action, ActionGroup, Reach, spelled
from tui.ui.controllers.charts import ChartsController
from tui.ui.controllers.context import Context
from tui.ui.controllers.drafting import PromptsController, TargetsController
from tui.ui.controllers.history import HistoryController
from tui.ui.controllers.lanes import LanesController, ResultsController
from tui.ui.controllers.plans import PlansController
from tui.ui.controllers.reasons import Reasons
from tui.ui.controllers.runs import RunsController
from tui.ui.controllers.screen import ScreenController
from tui.ui.pace import Pacer
from tui.ui.screens.main import MainScreen

if TYPE_CHECKING:
    from tui.ui.controllers.advice import AdviceController


class Dispatcher:
    """One controller per subject; which action acts where, and whether it can be carried out now."""

    def __init__(
        self, context: Context, reasons: Reasons, pacer: Pacer, *, remembers_targets: bool, cut_share: float
    ) -> None:
        """See the controllers for what the settings say."""
        self.reasons = reasons
        self.runs = RunsController(context)
        self.prompts = PromptsController(context)
        self.targets = TargetsController(context, remembers=remembers_targets)
        self.lanes = LanesController(context)
        self.charts = ChartsController(context)
        self.results = ResultsController(context)
        self.history = HistoryController(context, self.reasons, pacer)
        self.plans = PlansController(context)
        self.screen = ScreenController(context)
        self._context = context
        self._cut_share = cut_share

    @cached_property
    def advice(self) -> "AdviceController":
        """Advice and trials, whose modules are imported when they are first needed."""
        from tui.ui.controllers.advice import AdviceController

        return AdviceController(self._context, self.reasons, self._cut_share)

    def listen(self, *, has_terminal: bool) -> None:
        """Hear of what the session reports, and say what is expected next. With `has_terminal` ssh may ask on it."""
        context, session = self._context, self._context.session
        self.charts.begin()
        session.on_change, session.on_problem = context.main.wake, context.complain
        session.on_interrupted = self.history.tell_interrupted
        if has_terminal:
            session.children.engines.logins.answer = self.screen.answer_ssh
        session.preview.on_models = self.targets.models_changed
        session.preview.expect(plan := context.draft.plan())
        if not session.preview.unconfirmed:
            # Their engines begin now, so that the first run finds them there, and what ssh asks is asked before it.
            session.children.engines.expect(plan.hosts, plan.endpoints)

    async def act(self, action_id: str) -> None:
        """Carry out an action of the application, or say why it is unavailable."""
        row = self._context.keys.rows[action_id]
        if reason := self.reasons.of(row):
            self._context.complain(reason)
            return
        handler: Callable[[], Any] = attrgetter(row.handler)(self)
        done = handler()
        if isawaitable(done):
            await done

    def acts_on(self, screen: Screen[Any], row: Action) -> bool:
        """True if an action acts on a screen: over another screen its own keys act, over a replay what only looks."""
        if row.id in ("quit", "interrupt") or screen is self._context.main:
            return True
        if row.reach is Reach.ALL:
            # Where a screen uses the action's keys itself, such as F1 to close the help, they are not the action's.
            own = (self._context.keys.rows.get(binding.id or "") for _, binding in BindingsMap(screen.BINDINGS))
            taken = any(other is not None and other.like == row.id for other in own)
            return not taken and not isinstance(screen, SystemModalScreen)
        return row.reach is Reach.LANES and isinstance(screen, MainScreen)

    def commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: the keys of what is shown and has the focus, and every action of the application that acts."""
        run = self._context.app.run_action
        for row, node in self._of_screen(screen):
            yield SystemCommand(row.title, self._described(row), partial(run, row.handler, node))
        for row in self._context.keys.of():
            if row.id != "command_palette" and self.acts_on(screen, row):
                yield SystemCommand(row.title, self._described(row), partial(run, f"act('{row.id}')"))

    def _described(self, row: Action) -> str:
        keys = f" ({', '.join(map(spelled, row.keys))})" if row.keys else ""
        return f"× {reason}" if (reason := self.reasons.of(row)) else f"{row.help}{keys}"

    def _of_screen(self, screen: Screen[Any]) -> list[tuple[Action, DOMNode]]:
        """The actions of the screen and of the widget that has the focus, with who carries them out."""
        rows = self._context.keys.rows
        active = {bound.binding.id: bound.node for bound in screen.active_bindings.values() if bound.binding.id}
        return [(rows[name], node) for name, node in active.items() if name in rows and rows[name].view]

    def menu(self) -> None:
        """Show the actions that act on the screen, each with its letter."""
        from tui.ui.screens.help import MenuScreen

        screen, keys = self._context.app.screen, self._context.keys
        acting = [row for row in keys.of() if self.acts_on(screen, row)]
        groups = [(group.value, [row for row in acting if row.group is group]) for group in ActionGroup]

        def chosen(action_id: str | None) -> None:
            if action_id is not None:
                self._context.app.call_later(self.act, action_id)

        self._context.app.push_screen(MenuScreen(groups, self.reasons.of, keys), chosen)

    def help(self) -> None:
        """Explain the screen that is shown."""
        from tui.ui.screens.help import HelpScreen

        screen, keys = self._context.app.screen, self._context.keys
        acting = [row for row in keys.of() if self.acts_on(screen, row)]
        views = tuple(dict.fromkeys(row.view for row, _ in self._of_screen(screen)))
        self._context.app.push_screen(HelpScreen(keys, acting, screen.focused, views))
