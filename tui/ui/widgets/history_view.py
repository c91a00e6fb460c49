"""The ranked table: a row per lane, medians of what is asked now beside sparklines of the session."""

from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from tui.core.figures import Figure
from tui.core.objectives import COST, PASSED
from tui.core.sanitize import clean
from tui.session.live import Lane
from tui.ui.viewmodel.lane_history import RANKED, HistoryTable, LaneHistory, history_table
from tui.ui.viewmodel.lane_lines import shortened

_USUAL_SHARE, _PADDING = 0.6, 2
"""Its width, where nobody has dragged it: of the screen's, and without the padding."""


class HistoryView(Vertical):
    """The table; `show` draws it anew if a run has ended since."""

    DEFAULT_CSS = """
    HistoryView {
        & > .heading { height: 1; color: $text-muted; text-wrap: nowrap; }
        & > VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
        & .lines { height: auto; text-wrap: nowrap; }
        & .remarks { height: auto; }
        & > .history-view--ttft { color: $text-warning; }
        & > .history-view--total { color: $text-success; }
        &:ansi {
            & > .history-view--ttft { color: ansi_yellow; }
            & > .history-view--total { color: ansi_green; }
        }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"history-view--ttft", "history-view--total"}

    def __init__(self) -> None:
        super().__init__(id="history")
        self.border_title = "Session · medians of what is asked now"
        self.by: str | None = Figure.TOTAL
        """Order of the lanes, one of `RANKED`; None is their own."""
        self._verdicts: Callable[[Lane], str] = lambda _lane: ""
        self._heading = Static("", classes="heading", markup=False)
        self._lines = Static("", classes="lines", markup=False)
        self._remarks = Static("", classes="remarks", markup=False)
        self._remarks.display = False
        self._lanes: list[Lane] = []
        self._histories: list[LaneHistory] = []
        self._drawn: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """The heading stays, the lines scroll."""
        yield self._heading
        with VerticalScroll(can_focus=False):
            yield self._lines
            yield self._remarks

    def show(self, lanes: list[Lane], verdict: Callable[[Lane], str] | None = None) -> None:
        """Show these lanes' outcomes; nothing is drawn if nothing has changed, or while it is hidden.

        `verdict` is a word on a lane; without it that of before.
        """
        self._lanes = lanes
        self._verdicts = verdict or self._verdicts
        # One cell is left for the scrollbar, so that it covers no figure.
        width = (self.size.width or self._usual_width()) - 1
        if width < 1 or (self.size and not self.is_on_screen):
            return
        kept = {id(history.lane): history for history in self._histories}
        self._histories = [kept.get(id(lane)) or LaneHistory(lane) for lane in lanes]
        changed = [history.catch_up() for history in self._histories]
        verdicts = [self._verdicts(lane) for lane in lanes]
        drawn = (width, self.by, *map(id, self._histories), *(lane.fastest for lane in lanes), *verdicts)
        if drawn == self._drawn and not any(changed):
            return
        self._drawn = drawn
        table = history_table(self._histories, width, _clip, shortened, self.by, verdicts)
        self._heading.update(table.heading, layout=False)
        self._lines.update(self._coloured(table))
        self._remarks.display = bool(table.remarks)
        self._remarks.update("\n".join(table.remarks))

    def _usual_width(self) -> int:
        """About the width that there will be: without it the table would miss in the first picture."""
        return 0 if self.screen.has_class("-compact") else round(_USUAL_SHARE * self.app.size.width) - _PADDING

    def _coloured(self, table: HistoryTable) -> Content:
        """The lines, the sparklines of TTFT told from those of the totals."""
        styles = [self.get_visual_style(f"history-view--{metric}", partial=True) for metric in ("ttft", "total")]
        lines = []
        for text in table.lines:
            line = Content(text)
            for style, (start, end) in zip(styles, table.sparks, strict=True):
                line = line.stylize(style, start, end)
            lines.append(line)
        return Content("\n").join(lines)

    def sort(self) -> str:
        """Sort by the next figure, or leave the order of the lanes; returns its name."""
        orders: tuple[str | None, ...] = (*RANKED, None)
        self.by = orders[(orders.index(self.by) + 1) % len(orders)]
        self.show(self._lanes)
        if self.by is None:
            return "the order of the models"
        return {COST: "cost", PASSED: "pass rate"}.get(self.by) or Figure(self.by).label

    def on_show(self) -> None:
        """Draw what has happened while it was hidden."""
        self.call_after_refresh(lambda: self.show(self._lanes))

    def on_resize(self, _event: Resize) -> None:
        """Draw for the new width."""
        self.show(self._lanes)


def _clip(text: str, cells: int) -> str:
    """`text` in exactly `cells` cells; an ellipsis says that it was cut: names of models differ at their ends."""
    text = clean(text)
    if cell_len(text) > cells > 0:
        return set_cell_size(text, cells - 1) + "…"
    return set_cell_size(text, cells)
