"""Runs and series: started, paused and cancelled."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from tui.core.interleaved import PINNED_AND_NOW, REPEATS, interleaved, paired, sides_in, sides_of
from tui.core.plan import Plan
from tui.core.sanitize import clean
from tui.core.series import SeriesSettings
from tui.session.forecast import Forecast, forecast, forecast_of_load, typical_in
from tui.session.load import may_start, start_load
from tui.ui.charts import CHARTS
from tui.ui.controllers.context import Context


class RunsController:
    """Sends what the draft asks."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def run(self) -> None:
        """Send the prompt in use."""
        self._send(ask_all=False)

    def run_all(self) -> None:
        """Send all variants."""
        self._send(ask_all=True)

    def _send(self, *, ask_all: bool) -> None:
        """Start a run; after a question while one is in flight, and for what more than one prompt costs."""

        def send() -> None:
            if self._context.live.busy:
                self._ask_to_rerun(ask_all=ask_all)
            else:
                self._start(self._context.session.run, ask_all=ask_all)

        plan = self._context.plan(ask_all=ask_all)
        if plan is not None and ask_all and plan.variants:
            ask_before(self._context, "All variants", plan, partial(forecast, self._context.session, plan), send)
        elif plan is not None:
            send()

    def _start(self, start: Callable[[Plan], object], *, ask_all: bool | None = None) -> None:
        plan = self._context.plan(ask_all=ask_all)
        if plan is not None:
            self._context.main.show_pane("lanes")
            start(plan)
            self._context.describe()
            self._context.main.wake()

    def _ask_to_rerun(self, *, ask_all: bool) -> None:
        from tui.ui.screens.dialogs import ConfirmScreen

        app = self._context.app

        def answered(yes: bool | None) -> None:
            if yes:
                app.run_worker(self._rerun(ask_all=ask_all), exclusive=True, group="rerun")

        question = "A run is in flight. Cancel it and run again?"
        live = self._context.live
        app.push_screen(ConfirmScreen(question, "Run again", self._context.keys, lambda: live.busy), answered)

    async def _rerun(self, *, ask_all: bool) -> None:
        plan = self._context.plan(ask_all=ask_all)
        if plan is not None:
            await self._context.session.rerun(plan)
            self._context.main.show_pane("lanes")
            self._context.main.wake()

    def cancel_all(self) -> None:
        """Cancel everything in flight."""
        self._context.session.cancel_all()

    def cancel_lane(self) -> None:
        """Cancel the current lane's request."""
        self._context.session.cancel(self._context.main.lanes.current.lane)

    def warm_cache(self) -> None:
        """Put the prompt into the cache of every target that caches it."""
        self._start(self._context.session.warm)

    # Series

    def series(self) -> None:
        """Run the plan again and again."""
        session, options = self._context.session, self._context.draft.series
        plan = self._context.plan()
        if plan is not None:
            foreseen = partial(forecast, session, plan, options)
            go = partial(self._begin, session.start_series, plan, options)
            ask_before(self._context, "Series", plan, foreseen, go)

    def _begin(self, start: Callable[[Plan, SeriesSettings], None], plan: Plan, options: SeriesSettings) -> None:
        """Start a series of `plan`, unless something was begun while the person was asked."""
        if self._context.live.busy:
            self._context.complain("Nothing was started: a run is in flight.")
            return
        self._context.main.show_pane("lanes")
        start(plan, options)
        self._context.main.wake()

    def in_turn(self) -> None:
        """Ask what is pinned and what the draft asks in turn, repeat by repeat."""
        context, pinned = self._context, self._context.live.pinned
        plan = context.plan()
        if plan is None or pinned is None:
            return
        try:
            pairs = paired(sides_in(pinned, plan.endpoints), sides_of(plan))
        except KeyError as error:
            context.complain(
                f"What is pinned was asked at {clean(str(error.args[0]))}, which is not among the endpoints."
            )
            return
        changed = [(old, new) for old, new in pairs if old.question != new.question]
        if not changed:
            context.complain(
                "Nothing differs from what is pinned: change a prompt, a parameter or a model of a pinned lane first."
            )
            return
        both = interleaved(changed, plan, PINNED_AND_NOW)
        if (problem := both.problem()) is not None:
            context.complain(problem)
            return
        options = context.draft.series
        settings = msgspec.structs.replace(
            options, in_turn=True, until_sure=None, repeats=max(REPEATS, options.repeats)
        )
        foreseen = partial(forecast, context.session, both, settings)
        go = partial(self._begin, context.session.start_series, both, settings)
        ask_before(context, "Both in turn", both, foreseen, go)

    def sweep(self) -> None:
        """Run the plan with prompts and answers of other lengths."""
        session, options = self._context.session, self._context.draft.series
        plan = self._context.plan()
        if plan is not None:
            session.show(plan)  # its lengths suit the lanes
            foreseen = partial(forecast, session, plan, options, sweep=True)
            ask_before(self._context, "Sweep", plan, foreseen, partial(self._begin, self._sweep, plan, options))

    def _sweep(self, plan: Plan, options: SeriesSettings) -> None:
        session = self._context.session
        session.start_sweep(plan, options)
        # Nothing was sent yet: the first run begins once this returns.
        if session.series is not None and not session.series.series.is_over():
            self._context.tell(session.preview.sweep_note(plan, session.series.series))

    def series_options(self) -> None:
        """Set how a series is run."""
        from tui.ui.screens.settings import SeriesScreen

        async def done(result: Any) -> None:
            if result is not None:
                self._context.draft.series, start = result
                self._context.describe()
                if start:
                    await self._context.app.run_action("act('series')")

        self._context.app.push_screen(SeriesScreen(self._context.draft.series, self._context.keys), done)

    def pause(self) -> None:
        """Pause the series, or go on."""
        series = self._context.session.series
        assert series is not None, "there is none to pause otherwise"
        if series.paused:
            series.resume()
        else:
            series.pause()
        self._context.main.wake()

    # Loads

    def load(self) -> None:
        """Set up a load, and begin it from there."""
        from tui.ui.screens.settings import SeriesScreen

        def done(result: Any) -> None:
            if result is not None:
                self._context.draft.load, start = result
                self._context.describe()
                if start:
                    self._ask_load()

        settings = self._context.draft.load
        self._context.app.push_screen(SeriesScreen(settings, self._context.keys, "load"), done)

    def _ask_load(self) -> None:
        """Begin the load; after a question where it may cost much."""
        context, settings = self._context, self._context.draft.load
        plan = context.plan()
        if plan is None:
            return
        if not may_start(context.session, plan, settings):
            return
        context.session.show(plan)
        foreseen = partial(forecast_of_load, context.session, plan, settings)
        ask_before(context, "Load", plan, foreseen, partial(self._begin_load, plan))

    def _begin_load(self, plan: Plan) -> None:
        context = self._context
        if context.live.busy:
            context.complain("Nothing was started: a run is in flight.")
            return
        main = context.main
        main.show_pane("lanes")
        if start_load(context.session, plan, context.draft.load) is not None:
            main.charts.show_kind(next(kind for kind in CHARTS if kind.name == "load"))
        main.wake()


def ask_before(
    context: Context, what: str, plan: Plan, foreseen: Callable[..., Forecast], go: Callable[[], None]
) -> None:
    """Do what is more than one run; after a question where it may cost as much as `budget.ask_from_usd`.

    `foreseen` makes the forecast, with typical answers as `stored` where there are some.
    """
    if not foreseen().asks_from(plan.budget.ask_from_usd):
        go()
        return
    recorder = context.session.recorder
    path = recorder.path if recorder is not None else None

    def answered(yes: bool | None) -> None:
        if yes:
            go()

    async def ask() -> None:
        from tui.ui.screens.dialogs import ConfirmScreen

        stored = await asyncio.to_thread(typical_in, path, [target.model for target in plan.targets])
        question = f"{what}: {foreseen(stored=stored).sentence}. Start?"
        context.app.push_screen(ConfirmScreen(question, "Start", context.keys), answered)

    context.app.run_worker(ask(), exclusive=True, group="cost")
