"""Loads: set up in a form, and begun."""

from functools import partial
from typing import Any

from tui.core.load import problem
from tui.core.plan import Plan
from tui.session.forecast import forecast_of_load
from tui.session.load import start_load
from tui.ui.charts import CHARTS
from tui.ui.controllers.context import Context
from tui.ui.controllers.runs import ask_before


class LoadController:
    """Begins loads."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def load(self) -> None:
        """Set up a load, and begin it from there."""
        from tui.core.load import LoadSettings
        from tui.ui.screens.settings import SeriesScreen

        def done(result: Any) -> None:
            if result is not None:
                self._context.draft.load, start = result
                self._context.describe()
                if start:
                    self._ask()

        settings: LoadSettings = self._context.draft.load
        self._context.app.push_screen(SeriesScreen(settings, self._context.keys, "load"), done)

    def _ask(self) -> None:
        """Begin the load; after a question where it may cost much."""
        context, settings = self._context, self._context.draft.load
        plan = context.plan()
        if plan is None:
            return
        if (complaint := problem(settings, plan)) is not None:
            context.complain(complaint)
            return
        context.session.show(plan)
        foreseen = partial(forecast_of_load, context.session, plan, settings)
        ask_before(context, "Load", plan, foreseen, partial(self._begin, plan))

    def _begin(self, plan: Plan) -> None:
        context = self._context
        if context.live.busy:
            context.complain("Nothing was started: a run is in flight.")
            return
        main = context.main
        main.show_pane("lanes")
        if start_load(context.session, plan, context.draft.load) is not None:
            main.charts.show_kind(next(kind for kind in CHARTS if kind.name == "load"))
        main.wake()
