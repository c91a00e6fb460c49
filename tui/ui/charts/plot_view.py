"""A widget that shows a plotext figure."""

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.events import Resize
from textual.geometry import Region
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from tui.ui.charts.ansi import ansi_strips

if TYPE_CHECKING:
    from tui.ui.charts.figure import Figure

Colour = tuple[int, int, int] | int
"""A colour as plotext takes it: red, green and blue, or a number of the terminal's palette."""

_FEWEST_ROWS = 4
"""Rows of a drawing that a foot leaves."""

# Stands for the terminal's own colour until the drawing is done: plotext puts one of its own where there is none.
_DEFAULT = (1, 2, 3)
_DEFAULT_SEQUENCE = "\x1b[38;2;1;2;3m"

_ASCII = str.maketrans("┌┐└┘├┤┬┴┼─│┄…", "+++++++++-|-~")


class Markers(StrEnum):
    """What points and bars are drawn with. Fonts differ in what they have."""

    BRAILLE = "braille"
    BLOCK = "block"
    ASCII = "ascii"


class PlotView(Widget):
    """Base of all charts: a subclass draws its data in `draw` and calls `redraw` when they change.

    Every widget has a figure of its own. It is drawn only when the data, the size or the colours change, and of a new
    drawing only the rows that differ are painted. plotext is imported by the first drawing.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    PlotView {
        & > .plot-view--frame { color: $text-disabled; }
        & > .plot-view--label { color: $text-muted; }
        &:ansi {
            & > .plot-view--frame { color: ansi_default; text-style: dim; }
            & > .plot-view--label { color: ansi_default; }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"plot-view--frame", "plot-view--label"}

    markers: var[Markers] = var(Markers.BRAILLE, init=False)
    """What points and bars are drawn with."""
    placeholder: var[str] = var("", init=False)
    """Shown while `has_data` is false."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(name=name, id=id, classes=classes)
        self._figure: Figure | None = None
        self._strips: list[Strip] = []

    @property
    def drawing(self) -> list[Strip]:
        """The rows as they are shown."""
        return self._strips

    @property
    def has_data(self) -> bool:
        """Whether there is anything to draw."""
        raise NotImplementedError

    def head(self, width: int) -> Strip | None:
        """A row above the drawing, in at most `width` cells: plotext's title has one colour only."""
        return None

    def foot(self, width: int) -> list[Strip]:
        """Rows below the drawing, each in at most `width` cells; they give way where there is no room for both."""
        return []

    def draw(self, figure: "Figure", width: int, height: int) -> None:
        """Draw the data on `figure`, which is empty and sized `width` by `height` cells."""
        raise NotImplementedError

    def colour(self, component: str) -> Colour:
        """The colour that the stylesheet gives to a component class, for plotext."""
        colour = self.get_component_rich_style(component).color
        if colour is not None and colour.triplet is not None:
            return colour.triplet.red, colour.triplet.green, colour.triplet.blue
        return _DEFAULT if colour is None or colour.number is None else colour.number

    def redraw(self) -> None:
        """Draw the figure anew, and paint the rows that changed."""
        if not self.is_attached or not self.size:
            return
        before, self._strips = self._strips, self._drawn()
        if len(before) != len(self._strips):
            self.refresh()
            return
        width = self.size.width
        changed = [y for y, strip in enumerate(self._strips) if strip != before[y]]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def _drawn(self) -> list[Strip]:
        width, height = self.size
        style = self.rich_style
        if not self.has_data:
            label = self.get_component_rich_style("plot-view--label")
            strips = [Strip([Segment(self.placeholder, label)])]
        else:
            head = self.head(width)
            strips = [] if head is None else [head]
            foot = self.foot(width)
            if height < len(strips) + len(foot) + _FEWEST_ROWS:
                foot = []
            if height > len(strips):
                strips += ansi_strips(self._text(width, height - len(strips) - len(foot)), style)
            strips += foot
        blank = Strip.blank(width, style)
        return [strip.adjust_cell_length(width, style) for strip in strips[:height]] + [blank] * (height - len(strips))

    def _text(self, width: int, height: int) -> str:
        if self._figure is None:
            from tui.ui.charts.figure import new_figure

            self._figure = new_figure()
        figure = self._figure
        figure.clear()
        figure.plot_size(width, height)
        figure.canvas("default")
        figure.axes(pixel=(self.colour("plot-view--frame"), "default"))
        for axis in ("x", "y"):
            figure.ruler(axis, "both").pixel((self.colour("plot-view--label"), "default"))
        self.draw(figure, width, height)
        text: str = figure.build().string().replace(_DEFAULT_SEQUENCE, "\x1b[39m")
        return text.translate(_ASCII) if self.markers is Markers.ASCII else text

    def watch_markers(self) -> None:
        """Draw with the new markers."""
        self.redraw()

    def watch_placeholder(self) -> None:
        """Show the new placeholder."""
        self.redraw()

    def on_resize(self, _event: Resize) -> None:
        """Draw for the new size."""
        self.redraw()

    def notify_style_update(self) -> None:
        """Draw with the new theme's colours."""
        super().notify_style_update()
        if self._strips:
            # The component classes get their new styles only after this.
            self.call_later(self.redraw)

    def render_line(self, y: int) -> Strip:
        """Row `y` of the drawing."""
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, Style.null())
