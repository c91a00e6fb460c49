"""One lane: the target's name, its state, its text as it arrives, and its figures."""

import sys
import time
from collections.abc import Callable, Mapping
from itertools import groupby, zip_longest
from operator import itemgetter
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from tui.core.checks import failing_spans
from tui.core.events import Kind
from tui.core.lanes import differences
from tui.core.model import KnownModel
from tui.core.plan import Plan
from tui.core.record import RequestRecord
from tui.core.sanitize import clean
from tui.core.target import Target
from tui.session.live import Lane
from tui.ui.bindings import KeyNames
from tui.ui.viewmodel.lane_lines import FASTEST, figures, note, state_lines
from tui.ui.viewmodel.parameter_refusals import refusal_note
from tui.ui.widgets.stream_view import StreamView
from tui.ui.widgets.strips import StyleCache

_ONE_LINE_CELLS = 56
"""Width from which all figures fit on one line."""
_STATE_CLASSES = ("-in-flight", "-done", "-failed", "-cut")


class LinesView(Widget):
    """Shows a few rows of text in the widget's own style.

    A Static lays its text out and paints all of it whenever it changes; with two in every lane, ten times a second,
    that was half of what the screen cost.
    """

    ALLOW_SELECT = False
    STYLE_PREFIX = ""
    """Of its component classes."""

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._rows: list[str] = []
        self._style = StyleCache(self, self.STYLE_PREFIX)

    def notify_style_update(self) -> None:
        """Forget styles taken from the old stylesheet."""
        super().notify_style_update()
        self._style.clear()

    def show(self, text: str) -> None:
        """Show `text`, a row per line; paints the rows that differ from those shown, from where they do."""
        before, self._rows = self._rows, text.split("\n")
        width = self.size.width
        pairs = enumerate(zip_longest(before, self._rows, fillvalue=""))
        if width and (changed := [(self.cells_alike(*rows), y) for y, rows in pairs if rows[0] != rows[1]]):
            self.refresh(*(Region(x, y, width - x, 1) for x, y in changed if x < width))

    def cells_alike(self, before: str, after: str) -> int:
        """Cells at the beginning of a row that look the same before and after a change."""
        return 0

    def render_line(self, y: int) -> Strip:
        """Row `y`, cut with an ellipsis where it does not fit."""
        width = self.size.width
        text = self._rows[y] if y < len(self._rows) else ""
        if cell_len(text) > width:
            text = f"{set_cell_size(text, max(0, width - 1))}…"
        return Strip([Segment(set_cell_size(text, width), self.style_of(y))], width)

    def style_of(self, y: int) -> Style:
        """The style of row `y`."""
        return self._style()


class LaneView(Vertical):
    """Shows one lane of the live state; `tick` takes over what has changed since the last one."""

    DEFAULT_CSS = """
    LaneView {
        border-top: solid $panel-lighten-2;
        border-title-color: $foreground;
        border-title-style: bold;
        padding: 0 1;
        height: 1fr;
        min-height: 7;
        &:focus-within { border-top: heavy $primary; }
        & > Static { height: auto; width: 1fr; }
        & > .state { height: 1; color: $text-muted; }
        &.-in-flight > .state { color: $text-warning; }
        &.-done > .state { color: $text-success; }
        &.-failed > .state, &.-cut > .state { color: $text-error; text-style: bold; }
        & > StreamView { height: 1fr; }
        & > .note { display: none; color: $text-error; max-height: 50%; overflow-y: auto; }
        &.-noted > .note { display: block; }
        & > .evidence { display: none; color: $text-accent; }
        &.-evident > .evidence { display: block; }
        & > .figures { height: 2; color: $text-muted; }
        &.-wide > .figures { height: 1; }
    }
    """

    def __init__(self, lane: Lane, keys: KeyNames, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """`now_ns` is the moment that is shown, on the clock of the stamps."""
        super().__init__()
        self._now_ns = now_ns
        self._keys = keys
        self._invitation = f"{keys('run')} runs the prompt."
        self.lane = lane
        self.border_title = Content(clean(lane.label))
        self.stream = StreamView()
        self.stream.placeholder = self._invitation
        self._state = _Head(classes="state")
        self._head_rows = 1
        self._note = Static("", classes="note", markup=False)
        self._figures = _Figures(classes="figures")
        self._evidence = LinesView(classes="evidence")
        self._evident: tuple[str, ...] = ()
        self._plan: Plan | None = None
        self._models: Mapping[str, KnownModel] = {}
        self._described: Target | None = None
        """The target that the name and the differences shown are of."""
        self._differs = ""
        self._shown: RequestRecord | None = None
        self._pieces_shown = 0
        self._failing: tuple[tuple[int, int], ...] = ()
        self._settled = False
        self._lines = ("", "", "")
        self._characters = 0
        """Of the answer so far."""

    def compose(self) -> ComposeResult:
        """The figures first, then the state, then the text. What else may need saying comes between and behind."""
        yield self._figures
        yield self._state
        yield self.stream

    def on_mount(self) -> None:
        """Show the lane as it is."""
        self.tick(self._now_ns())

    def on_resize(self) -> None:
        """Show the lane for its new width."""
        self.fit(self.size.width)

    def fit(self, cells: int) -> None:
        """Put the figures on one line where so many cells have room for them."""
        self.set_class(cells >= _ONE_LINE_CELLS, "-wide")
        self._lines = ("", "", "")
        self.tick(self._now_ns())

    def describe(self, plan: Plan, models: Mapping[str, KnownModel]) -> None:
        """Say how the lane's next request differs from what is shared in `plan`, and what `models` would refuse."""
        self._plan, self._models, self._described = plan, models, None
        if self.is_mounted:
            self._show_lines(self._now_ns())

    def tick(self, now_ns: int) -> None:
        """Show what has changed. `now_ns` is the CLOCK_MONOTONIC time that requests in flight are shown at."""
        record = self.lane.record
        if record is not self._shown:
            self.stream.clear()
            self._shown = record
            self._pieces_shown = self._characters = 0
            self._failing = ()
            self.stream.placeholder = "" if record is not None else self._invitation
        if record is not None and len(record.pieces) > self._pieces_shown:
            for kind, pieces in groupby(record.pieces[self._pieces_shown :], key=itemgetter(0)):
                piece = "".join(text for _, text in pieces)
                self._characters += len(piece)
                self.stream.append(kind, piece)
            self._pieces_shown = len(record.pieces)
        self.stream.tick()
        if record is not None and (failing := failing_spans(record.checks)) != self._failing:
            self._failing = failing
            self.stream.mark(failing)
        ended = record is not None and not record.state.in_flight
        if ended and not self._settled and self.stream.following:
            # While it streams the text moves up by half pages; at the end it fills the pane.
            self.stream.action_follow()
        self._settled = ended
        self._show_lines(now_ns)

    def show_evidence(self, lines: tuple[str, ...]) -> None:
        """Show what the lane's repeats say, a row per line; no row without any."""
        if lines != self._evident:
            if not self._evidence.is_attached:
                self.mount(self._evidence, before=self.stream)
            if len(lines) != len(self._evident):
                self._evidence.styles.height = len(lines)
                self.set_class(bool(lines), "-evident")
            self._evident = lines
            self._evidence.show("\n".join(map(clean, lines)))

    def call(self, short: str, *, current: bool) -> None:
        """Show the lane's name, short as beside the others, and whether it is the one that keys act on."""
        title = Content(f"▸ {short}" if current else short)
        if title != self.border_title:
            self.border_title = title

    def follow(self) -> None:
        """Show the end of the text again."""
        self.stream.action_follow()

    @property
    def text(self) -> str:
        """The answer so far, safe to print."""
        record = self.lane.record
        return clean(record.text(Kind.TEXT)) if record is not None else ""

    def _show_lines(self, now_ns: int) -> None:
        lines = (self._head_text(), self._note_text(), self._figures_text(now_ns))
        if lines == self._lines:
            return
        before, self._lines = self._lines, lines
        if lines[0] != before[0]:
            self._state.show(lines[0])
            rows = lines[0].count("\n") + 1
            if rows != self._head_rows:
                self._head_rows = rows
                self._state.styles.height = rows
            self._set_state_class()
        if lines[1] != before[1]:
            if not self._note.is_attached:
                self.mount(self._note)
            self._note.update(lines[1])
            self.set_class(bool(lines[1]), "-noted")
        if lines[2] != before[2]:
            self._figures.show(lines[2])

    def _head_text(self) -> str:
        """The state, and in what the lane differs if it does."""
        if self._described is not self.lane.target:
            self._described = self.lane.target
            if self._plan is not None:
                self._differs = clean(" · ".join(differences(self.lane.target, self._plan)))
        return "\n".join([*self._state_rows(), *([self._differs] if self._differs else [])])

    def _note_text(self) -> str:
        if self._plan is None:
            return note(self.lane)
        return refusal_note(self.lane, self._plan, self._models, self._keys)

    def _state_rows(self) -> list[str]:
        cells = self._state.size.width
        line, *rest = state_lines(self.lane, cells or sys.maxsize, self._now_ns())
        if self.stream.following:
            return [line, *rest]
        # In front where it would be cut, and above where the rest would be: that the lane stands still is to be seen.
        ways = [f"{line}  ⏸ End follows"], [f"⏸ End · {line}"], ["⏸ End follows", line]
        return [*next(way for way in ways if cell_len(way[0]) <= cells or way is ways[-1]), *rest]

    def _figures_text(self, now_ns: int) -> str:
        ttft, tokens, total, rate = figures(self.lane, now_ns, self._characters)
        # Upright columns as wide as the widest usual figure, so that they do not jump about.
        if self.has_class("-wide"):
            return f"{ttft:<14} {total:<14}\t{tokens:<10}{rate}"
        return f"{ttft:<14}\t{tokens}\n{total:<14}\t{rate}"

    def _set_state_class(self) -> None:
        state = self.lane.state
        wanted = {
            "connecting": "-in-flight", "waiting": "-in-flight",
            "waiting to try again": "-in-flight", "thinking": "-in-flight", "streaming": "-in-flight",
            "done": "-done", "failed": "-failed", "truncated": "-cut", "refused": "-cut", "cancelled": "-cut",
            "interrupted": "-failed",
        }.get(state.value)  # fmt: skip
        for name in _STATE_CLASSES:
            self.set_class(name == wanted, name)


class _Figures(LinesView):
    """The results, bold, the winner's in the colour of what went well; behind a tab, muted, what goes with them."""

    DEFAULT_CSS = """
    _Figures {
        & > .figures--result { color: $foreground; text-style: bold; }
        & > .figures--first { color: $text-success; text-style: bold; }
        &:ansi > .figures--result { color: ansi_default; }
        &:ansi > .figures--first { color: $success; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"figures--result", "figures--first"}
    STYLE_PREFIX = "figures--"

    def cells_alike(self, before: str, after: str) -> int:
        """See `LinesView.cells_alike`. What is before the tab has one style, the winner's another."""
        result = after.partition("\t")[0]
        return cell_len(result) if before.startswith(f"{result}\t") else 0

    def render_line(self, y: int) -> Strip:
        """Row `y`."""
        width = self.size.width
        result, _, rest = (self._rows[y] if y < len(self._rows) else "").partition("\t")
        name = "first" if FASTEST in result else "result"
        segments = [Segment(result, self._style(name)), Segment(rest, self._style())]
        return Strip(segments).adjust_cell_length(width, self._style())


class _Head(LinesView):
    """The state in the lane's colour, and below it, muted, what it has no room for and in what the lane differs."""

    DEFAULT_CSS = """
    _Head {
        & > .head--rest { color: $text-muted; text-style: none; }
        &:ansi > .head--rest { color: ansi_default; text-style: dim; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"head--rest"}
    STYLE_PREFIX = "head--"

    def style_of(self, y: int) -> Style:
        """See `LinesView.style_of`."""
        return self._style("rest") if y else super().style_of(y)
