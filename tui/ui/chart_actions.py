"""What the application does about charts."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tui.config.paths import state_file
from tui.ui.chart_files import write_chart
from tui.ui.charts import ChartKind

if TYPE_CHECKING:
    from textual.app import App

    from tui.ui.screens.chart import ChartScreen
    from tui.ui.screens.main import MainScreen

    _Base = App[None]
else:
    _Base = object


class ChartActions(_Base):
    """Goes through the charts, shows one alone and exports it; a part of the application."""

    @property
    def front(self) -> "MainScreen":
        """The screen whose charts are meant."""
        raise NotImplementedError

    def complain(self, sentence: str) -> None:
        """Say what cannot be done."""
        raise NotImplementedError

    def action_next_chart(self) -> None:
        """Show the next chart."""
        self.front.go_to_chart(1)

    def action_previous_chart(self) -> None:
        """Show the chart before."""
        self.front.go_to_chart(-1)

    def action_maximise_chart(self) -> None:
        """Show the chart over the whole screen."""
        from tui.ui.screens.chart import ChartScreen

        pane = self.front.charts

        def closed(kind: ChartKind | None) -> None:
            if kind is not None:
                pane.show_kind(kind)

        self.push_screen(ChartScreen(self.front.chart_source, pane.kind, pane.markers), closed)

    def on_chart_screen_save(self, event: "ChartScreen.Save") -> None:
        """Write the chart to the working directory, or to the state directory where that cannot be written."""
        self._save("chart", event.kind.name, event.suffix, event.content)

    def action_picture(self) -> None:
        """Save the screen as it is as an SVG."""
        self._save("picture", "screen", "svg", self.export_screenshot())

    def _save(self, what: str, kind: str, suffix: str, content: str) -> None:
        directories = (Path(), state_file().parent)
        try:
            path = write_chart(directories, kind, f".{suffix}", content, datetime.now())
        except OSError as error:
            self.complain(f"The {what} cannot be written to {error.filename or directories[-1]}: {error.strerror}.")
            return
        self.notify(f"Saved {path}", timeout=8, markup=False)
