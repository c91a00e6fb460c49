"""What the application does about series."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tui.core.plan import Plan
from tui.core.series import SeriesSettings
from tui.session.session import Session
from tui.ui.bindings import KeyNames

if TYPE_CHECKING:
    from textual.app import App

    from tui.ui.screens.main import MainScreen

    _Base = App[None]
else:
    _Base = object


class SeriesActions(_Base):
    """Starts, pauses and sets up series; a part of the application."""

    session: Session
    key_names: KeyNames
    main: "MainScreen"
    series_settings: SeriesSettings

    def plan(self) -> Plan | None:
        """The plan that the draft makes, or None after saying what is missing."""
        raise NotImplementedError

    def complain(self, sentence: str) -> None:
        """Say what cannot be done."""
        raise NotImplementedError

    def action_series(self) -> None:
        """Run the plan again and again."""
        self._start(self.session.start_series)

    def action_sweep(self) -> None:
        """Run the plan with prompts and answers of other lengths."""
        self._start(self.session.start_sweep)

    def _start(self, start: Callable[[Plan, SeriesSettings], None]) -> None:
        if self.session.live.busy:
            self.complain("A run is in flight: cancel it, or let it end, before you start a series.")
            return
        plan = self.plan()
        if plan is None:
            return
        self.main.show_pane("lanes")
        start(plan, self.series_settings)
        self.main.wake()

    def action_series_options(self) -> None:
        """Set how a series is run."""
        from tui.ui.screens.series import SeriesScreen

        def done(result: Any) -> None:
            if result is not None:
                self.series_settings, start = result
                if start:
                    self.action_series()

        self.push_screen(SeriesScreen(self.series_settings, self.key_names), done)

    def action_pause(self) -> None:
        """Pause the series, or go on."""
        series = self.session.series
        if series is None or self.session.live.series_over:
            self.complain("There is no series to pause.")
        elif series.paused:
            series.resume()
        else:
            series.pause()
        self.main.wake()
