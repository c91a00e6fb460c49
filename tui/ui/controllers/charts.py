"""Charts: gone through, shown alone, and saved to files."""

from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from tui.config.paths import private_directory, state_file, write_private
from tui.core.rounds import Past
from tui.session.lane import Lane
from tui.ui.charts import ChartKind
from tui.ui.controllers.context import Context

if TYPE_CHECKING:
    from tui.session.past_rounds import PastRounds


class ChartsController:
    """Shows charts and saves them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._past: PastRounds | None = None

    def begin(self) -> None:
        """Give the chart of hours the history, which is read when that chart is first shown."""
        self._context.main.charts.past = self._past_of

    def _past_of(self, lane: Lane) -> Past | None:
        if self._past is None:
            from tui.session.past_rounds import PastRounds

            recorder = self._context.session.recorder
            self._past = PastRounds(recorder.path if recorder is not None else None)
            self._past.on_read = self._context.main.charts.draw
        return self._past.of(lane.target, lane.plan or self._context.draft.plan())

    def next_chart(self) -> None:
        """Show the next chart."""
        self._go(1)

    def previous_chart(self) -> None:
        """Show the chart before."""
        self._go(-1)

    def _go(self, step: int) -> None:
        front = self._context.front
        front.show_pane("charts")
        front.charts.show_kind(front.charts.kind.after(step))

    def maximise(self) -> None:
        """Show the chart over the whole screen."""
        from tui.ui.screens.chart import ChartScreen

        front = self._context.front
        pane = front.charts

        def closed(kind: ChartKind | None) -> None:
            if kind is not None:
                pane.show_kind(kind)

        screen = ChartScreen(front.chart_source, pane.kind, pane.markers, self._context.keys, self._save_chart)
        self._context.app.push_screen(screen, closed)

    def picture(self) -> None:
        """Save the screen as it is as an SVG."""
        self._save("picture", "screen", "svg", self._context.app.export_screenshot())

    def _save_chart(self, kind: ChartKind, suffix: str, content: str) -> None:
        self._save("chart", kind.name, suffix, content)

    def _save(self, what: str, kind: str, suffix: str, content: str) -> None:
        """Write to the working directory, or to the state directory where that cannot be written."""
        directories = (Path(), state_file().parent)
        try:
            path = _write_new(directories, kind, f".{suffix}", content, datetime.now())
        except OSError as error:
            where = error.filename or directories[-1]
            self._context.complain(f"The {what} cannot be written to {where}: {error.strerror}.")
            return
        self._context.tell(f"Saved {path}", 8)


def _write_new(directories: tuple[Path, ...], kind: str, suffix: str, text: str, when: datetime) -> Path:
    """Write `text` to a new file in the first of the directories that takes it; returns where it is.

    The name says kind and time, and a file that is there already is left alone. Prompt and answer are in it: mode 0600.
    Raises the last directory's OSError.
    """
    stem = f"latency-tui-{kind}-{when:%Y%m%d-%H%M%S}"
    *first, last = directories
    for directory in first:
        try:
            return _write(directory, stem, suffix, text)
        except OSError:
            continue
    private_directory(last)
    return _write(last, stem, suffix, text)


def _write(directory: Path, stem: str, suffix: str, text: str) -> Path:
    path = _reserved(directory, stem, suffix)
    try:
        write_private(path, text.encode())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return path.absolute()


def _reserved(directory: Path, stem: str, suffix: str) -> Path:
    """A name nobody has, made as an empty file so that nobody else takes it."""
    for number in count(1):
        path = directory / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            continue
        return path
    raise AssertionError("numbers do not end")
