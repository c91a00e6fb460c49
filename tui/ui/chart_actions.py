"""What the application does about charts."""

from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from tui.config.paths import state_file
from tui.ui.bindings import KeyNames
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

    key_names: KeyNames

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

        self.push_screen(ChartScreen(self.front.chart_source, pane.kind, pane.markers, self.key_names), closed)

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


def write_chart(directories: tuple[Path, ...], kind: str, suffix: str, text: str, when: datetime) -> Path:
    """Write `text` to a new file in the first of the directories that takes it; returns where it is.

    The name says kind and time; a file that is there already is left alone. It is written beside and renamed, so that
    nobody finds half of it. Raises the last directory's OSError.
    """
    stem = f"latency-tui-{kind}-{when:%Y%m%d-%H%M%S}"
    *first, last = directories
    for directory in first:
        try:
            return _write(directory, stem, suffix, text)
        except OSError:
            continue
    last.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _write(last, stem, suffix, text)


def _write(directory: Path, stem: str, suffix: str, text: str) -> Path:
    path = _reserved(directory, stem, suffix)
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise
    return path.absolute()


def _reserved(directory: Path, stem: str, suffix: str) -> Path:
    """A name nobody has, made as an empty file so that nobody else takes it."""
    for number in count(1):
        path = directory / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            continue
        return path
    raise AssertionError("numbers do not end")
