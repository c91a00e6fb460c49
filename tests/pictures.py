"""Pictures of the screen or of one widget on it, held against those that were accepted.

A picture of one widget changes with that widget alone. Look at new ones before accepting them (`--snapshot-update`).
"""

import io
from pathlib import Path

from rich.console import Console
from rich.segment import Segment, Segments
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual._context import visible_screen_stack
from textual.app import App
from textual.geometry import Region
from textual.widget import Widget


class SvgExtension(SingleFileSnapshotExtension):
    """Keeps each picture in a file."""

    _write_mode = WriteMode.TEXT
    _file_extension = "svg"


class Album:
    """The pictures that one test takes; those that differ are named at its end, all together."""

    def __init__(self, accepted: SnapshotAssertion, directory: Path) -> None:
        """`directory` is for pictures that differ."""
        self._accepted = accepted.use_extension(SvgExtension)
        self._directory = directory
        self._different: list[str] = []

    def add(self, name: str, app: "App[None]", widget: Widget | None = None) -> None:
        """Compare the screen as it is, or one widget of it."""
        taken = picture_of(app, widget)
        if taken != self._accepted(name=name):
            (path := self._directory / f"{name}.svg").write_text(taken, "utf-8")
            self._different.append(f"{name}: {path}")

    def check(self) -> None:
        """Fail if any picture differs from the one that was accepted."""
        assert not self._different, "\n".join(["pictures differ:", *self._different])


def picture_of(app: "App[None]", widget: Widget | None = None) -> str:
    """SVG of the screen as it is shown, or of the part of it where a widget stands."""
    width, height = app.size
    seen = Region(0, 0, width, height)
    region = seen if widget is None else widget.region.intersection(seen)
    console = Console(
        width=region.width,
        height=region.height,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        record=True,
        legacy_windows=False,
    )
    visible_screen_stack.set(app._background_screens)
    rows = app.screen._compositor.render_strips()[region.y : region.bottom]
    cropped = (strip.crop(region.x, region.right) for strip in rows)
    console.print(Segments([segment for strip in cropped for segment in (*strip, Segment.line())]), end="")
    title = app.title if widget is None else type(widget).__name__.strip("_")
    return console.export_svg(title=title, unique_id="picture")
