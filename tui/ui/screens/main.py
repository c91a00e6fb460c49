"""The main screen: prompt, parameters and targets on the left, lanes on the right, charts below."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import MouseDown, MouseMove, Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.selection import Selection
from textual.widget import Widget
from textual.widgets import Static

from tui.core.figures import Figure
from tui.core.snapshot import Snapshot
from tui.session.draft import Draft
from tui.session.live import LiveState
from tui.ui.bindings import Action, KeyNames
from tui.ui.charts.source import ChartSource, PinnedLane, pinned_of
from tui.ui.pace import Pacer
from tui.ui.screens.painter import Painter
from tui.ui.sparing import SparingCompositor
from tui.ui.widgets.chart_pane import ChartPane
from tui.ui.widgets.history_view import HistoryView
from tui.ui.widgets.key_bar import KeyBar, footer_of
from tui.ui.widgets.lanes_pane import LanesPane
from tui.ui.widgets.prompt_pane import EditBox, PromptPane
from tui.ui.widgets.settings_form import ParametersForm
from tui.ui.widgets.status_bar import StatusBar
from tui.ui.widgets.stream_view import FollowChanged
from tui.ui.widgets.target_picker import TargetPicker

if TYPE_CHECKING:
    from textual.widgets import Tabs

PANES = ("prompt", "lanes", "charts")
"""The panes in order; in a small terminal one is shown at a time, under tabs."""

_WIDE_COLUMNS, _WIDE_ROWS = 100, 30
"""From this size on all panes are shown at once."""
_TINY_COLUMNS, _TINY_ROWS = 60, 16
"""Below this there is no room for anything but asking for more."""

_NARROWEST_PROMPT, _NARROWEST_LANES, _NARROWEST_TABLE = 38, 28, 30
_LOWEST_TOP, _LOWEST_BOTTOM, _LOWEST_TABLE = 18, 5, 4
"""Bounds of what is dragged, cells."""


def _is_compact(size: Size) -> bool:
    return size.width < _WIDE_COLUMNS or size.height < _WIDE_ROWS


def _tabs(shown: str) -> "Tabs":
    """Made only where they are seen: their module and seven widgets would hold up the first screen."""
    from textual.widgets import Tab, Tabs

    return Tabs(
        *(Tab(name.capitalize(), id=f"show-{name}") for name in PANES), active=f"show-{shown}", id="panes"
    )  # fmt: skip


def focused_part(screen: "MainScreen") -> str:
    """The part that the keys of a screen go to: `prompt`, `lanes`, `charts`; empty for what is asked besides."""
    parts = {"prompt": screen.prompt_pane, "lanes": screen.lanes, "charts": screen.charts}
    return next((name for name, part in parts.items() if part.has_focus_within), "")


def focus_part(screen: "MainScreen", part: str) -> None:
    """Give the focus to a part, as `focused_part` names it."""
    if part == "prompt":
        screen.prompt_pane.focus_editor()
    elif part == "lanes":
        screen.lanes.current.stream.focus()
    else:
        screen.charts.focus()


class _Room(Static):
    """Words in place of a screen that does not fit, which keep the focus until it does."""

    _focused: Widget | None = None

    def fit(self, size: Size) -> None:
        """Stand in for the screen in a terminal of this size, or no longer."""
        columns, rows = size
        tiny = columns < _TINY_COLUMNS or rows < _TINY_ROWS
        if tiny and not self.screen.has_class("-tiny"):
            # What is hidden loses the focus, and typed text would go nowhere.
            self._focused = self.screen.focused
        elif not tiny and self.screen.has_class("-tiny") and self._focused is not None:
            self.call_after_refresh(self.screen.set_focus, self._focused)
        self.screen.set_class(tiny, "-tiny")
        if tiny:
            self.update(
                f"latency-tui needs {_TINY_COLUMNS} columns and {_TINY_ROWS} rows; here are {columns} and {rows}. "
                "Make the window larger. What runs continues meanwhile."
            )


class Bordered(Horizontal):
    """Panes side by side or above each other, with borders that the mouse drags. Sizes are kept in the draft."""

    _dragged = ""

    def __init__(self, draft: Draft, *, id: str) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self._draft = draft

    def fit(self) -> None:
        """Give the panes the sizes of the draft, as far as there is room; here they have the usual ones."""

    def _border_at(self, x: int, y: int) -> str:
        """Name of the size that the border at this place of the screen sets; empty where there is none."""
        return ""

    def _size_at(self, x: int, y: int) -> float:
        """The size that is dragged, for a border at this place: its share of the width."""
        return round((x + 1) / self.screen.size.width, 3)

    def on_resize(self) -> None:
        """Keep shares and bounds."""
        self.fit()

    def on_mouse_down(self, event: MouseDown) -> None:
        """Take hold of a border."""
        self._dragged = self._border_at(int(event.screen_x), int(event.screen_y))
        if self._dragged:
            event.stop()
            self.capture_mouse()
            self.screen.clear_selection()

    def on_mouse_move(self, event: MouseMove) -> None:
        """Move it."""
        if self._dragged:
            size = {self._dragged: self._size_at(int(event.screen_x), int(event.screen_y))}
            self._draft.panes = msgspec.structs.replace(self._draft.panes, **size)
            self.fit()

    def on_mouse_up(self) -> None:
        """Let go."""
        self._dragged = ""
        self.release_mouse()

    def on_mouse_release(self) -> None:
        """Something else has taken the mouse."""
        self._dragged = ""


def _set_size(pane: Widget, name: str, cells: float | None, least: int, most: int) -> None:
    """Give a pane so many cells of width or height, within bounds; without them the usual ones."""
    for rule in (name, f"max_{name}"):
        if cells is None:
            pane.styles.clear_rule(rule)
        else:
            setattr(pane.styles, rule, round(max(least, min(cells, most))))


class _Top(Bordered):
    """Prompt and lanes."""

    def fit(self) -> None:
        """A width for the prompt; the lanes have the rest."""
        share, width = self._draft.panes.prompt, self.screen.size.width
        has_all = self.screen.has_class("-compact") or self.screen.has_class("-prompt-alone")
        own = None if share is None or has_all else share * width
        _set_size(self.query_one("#edit"), "width", own, _NARROWEST_PROMPT, width - _NARROWEST_LANES)

    def _border_at(self, x: int, y: int) -> str:
        edit, lanes = self.query_one("#edit"), self.query_one("#lanes")
        return "prompt" if edit.display and lanes.display and x - lanes.region.x in (-1, 0) else ""


class _Bottom(Bordered):
    """The table of the session and the chart."""

    def fit(self) -> None:
        """A height for both, and for the table a share of their width, or of their height in a small terminal."""
        panes, size, compact = self._draft.panes, self.screen.size, self.screen.has_class("-compact")
        _set_size(self, "height", None if compact else panes.bottom, _LOWEST_BOTTOM, size.height - _LOWEST_TOP)
        room = self.size.height if compact else size.width
        own = None if panes.table is None else panes.table * room
        table = self.query_one("#history")
        _set_size(table, "height", own if compact else None, _LOWEST_TABLE, room - _LOWEST_TABLE)
        _set_size(table, "width", None if compact else own, _NARROWEST_TABLE, room - _NARROWEST_TABLE)

    def _border_at(self, x: int, y: int) -> str:
        chart = self.query_one("#chart").region
        if self.screen.has_class("-compact"):
            return "table" if y == chart.y else ""
        return "bottom" if y == self.region.y else "table" if x - chart.x in (-1, 0) else ""

    def _size_at(self, x: int, y: int) -> float:
        if self._dragged == "bottom":
            return self.region.bottom - y
        at = (y - self.region.y) / self.size.height if self.screen.has_class("-compact") else x / self.size.width
        return round(at, 3)


class MainScreen(Screen[None]):
    """Lays out the panes."""

    AUTO_FOCUS: ClassVar[str | None] = "#user"
    ESCAPE_TO_MINIMIZE = False

    def __init__(
        self,
        live: LiveState,
        draft: Draft,
        pacer: Pacer,
        size: Size,
        footer: Mapping[str, Sequence[Action]],
        keys: KeyNames,
        pane: str = PANES[0],
        why_not: Callable[[Action], str] = lambda _action: "",
    ) -> None:
        """`size` is the terminal's, so that the first layout is already the right one; `pane` is in front at first."""
        # Set before anything is styled: a class that changes later restyles the whole screen.
        super().__init__(classes=f"-show-{pane}{' -compact' if _is_compact(size) else ''}")
        self._compositor = SparingCompositor()
        self._live = live
        self._footer = footer
        self._key_bar = KeyBar(footer[""], why_not)
        self._key_names = keys
        self._pinned: Snapshot | None = None
        self._pinned_lanes: Mapping[str, PinnedLane] = {}
        self.status = StatusBar(keys)
        self._draft = draft
        self.prompt_pane = PromptPane(draft.book, keys)
        self.prompt_pane.user.example = draft.example
        self.parameters_form = ParametersForm(draft.parameters, keys)
        self.picker = TargetPicker(draft.targets, keys)
        self.lanes = LanesPane(live.lanes, keys, id="lanes", now_ns=self.now_ns)
        self.history = HistoryView()
        self._room = _Room(id="room", markup=False)
        self.charts = ChartPane(self.chart_source)
        panes = self.lanes, self.history, self.charts
        ways = self.now_ns, self._show_rows, self.before_tick
        self.painter = Painter(self, live, pacer, *panes, *ways)

    def compose(self) -> ComposeResult:
        """Panes, in a small terminal with tabs above them."""
        yield self.status
        if self.compact:
            yield _tabs(self.shown_pane)
        with _Top(self._draft, id="top"):
            with EditBox(id="edit"):
                yield self.prompt_pane
                yield self.parameters_form
                yield self.picker
            yield self.lanes
        with _Bottom(self._draft, id="charts"):
            yield self.history
            yield self.charts
        yield self._room
        yield self._key_bar

    def on_mount(self) -> None:
        """Begin to tick when something happens."""
        self.painter.start()

    def update_node_styles(self, animate: bool = True) -> None:
        """Not when the screen first comes up, while nothing is laid out: all of it was styled as it was mounted."""
        if self.outer_size:
            super().update_node_styles(animate)

    def _screen_resized(self, size: Size) -> None:
        """Not for the size that it was laid out with: the first picture would wait for three layouts more."""
        if size != self._size:
            super()._screen_resized(size)

    def on_resize(self, event: Resize) -> None:
        """One pane at a time where not all fit."""
        if event.size:
            self.set_class(_is_compact(event.size), "-compact")
            if self.compact and not self.query("#panes"):
                self.mount(_tabs(self.shown_pane), after=self.status)
            self._room.fit(event.size)

    def commit(self) -> None:
        """Write into the draft what is still being typed. Raises FieldError for a field that cannot be read."""
        self.prompt_pane.commit()
        self._draft.parameters = self.parameters_form.read()

    @on(ParametersForm.Changed)
    def _parameters_changed(self) -> None:
        self._draft.parameters = self.parameters_form.parameters

    async def edit_anew(self) -> None:
        """Edit the draft, which has been replaced as a whole, with new widgets."""
        self.prompt_pane = PromptPane(self._draft.book, self._key_names)
        self.parameters_form = ParametersForm(self._draft.parameters, self._key_names)
        self.picker = TargetPicker(self._draft.targets, self._key_names)
        box = self.query_one("#edit")
        with self.app.batch_update():
            await box.remove_children()
            await box.mount_all([self.prompt_pane, self.parameters_form, self.picker])
        self.prompt_pane.focus_editor()

    # Painting

    def _compositor_refresh(self) -> None:
        """Not in a batch, whose frames nobody sees: what it took away has no styles left, which ends the program."""
        if self.app._batch_count:  # noqa: SLF001
            self.refresh()
        else:
            super()._compositor_refresh()

    def now_ns(self) -> int:
        """The moment that is shown, on the clock of the stamps."""
        return time.monotonic_ns()

    def before_tick(self) -> None:
        """Move on what is shown; here the session does that."""

    def wake(self) -> None:
        """Paint what has changed."""
        self.painter.wake()

    def _show_rows(self) -> None:
        self.status.show(self._live)
        part = focused_part(self)
        self._key_bar.show(footer_of(self._footer, part, self._live.busy), letters=part in ("lanes", "charts"))

    def chart_source(self) -> ChartSource:
        """The lanes and settings that the charts are drawn from."""
        if (pinned := self._live.pinned) is not self._pinned:
            self._pinned, self._pinned_lanes = pinned, pinned_of(pinned)
        return ChartSource(
            lanes=self._live.lanes,
            current=self.lanes.current.lane,
            now_ns=self.now_ns(),
            frontier_by=Figure.TTFT if self.history.by == Figure.TTFT else Figure.TOTAL,
            sweep_key="" if self.status.replaying else self._key_names("sweep"),
            pinned=self._pinned_lanes,
            past=self.charts.past,
            load=self._live.load,
        )

    def on_screen_resume(self) -> None:
        """Paint what was not painted under another screen."""
        self.painter.repaint()

    @on(FollowChanged)
    def _follow_changed(self) -> None:
        """The lane's state line says whether it follows."""
        for view in self.lanes.views:
            view.tick(self.now_ns())

    def on_descendant_focus(self) -> None:
        """Draw the charts of the current lane, and show the keys of what has the focus."""
        self.charts.draw()
        self._show_rows()

    on_descendant_blur = on_descendant_focus

    def validate_selections(self, selections: dict[Widget, Selection]) -> dict[Widget, Selection]:
        """Those of the lane where a drag began: past its end stands another answer."""
        return {widget: found for widget, found in selections.items() if widget is self.focused} or selections

    # Panes

    @property
    def compact(self) -> bool:
        """True if one pane is shown at a time."""
        return self.has_class("-compact")

    @property
    def shown_pane(self) -> str:
        """The pane in front, where one is shown at a time."""
        return next(name for name in PANES if self.has_class(f"-show-{name}"))

    def show_pane(self, name: str) -> None:
        """Bring a pane to the front, and the focus with it; where all are shown this changes nothing."""
        if name != self.shown_pane:
            self.remove_class(*(f"-show-{pane}" for pane in PANES), update=False)
            self.add_class(f"-show-{name}", update=self.compact)  # styled once, and only where it changes anything
        if panes := self.query("#panes"):
            from textual.widgets import Tabs

            for tabs in panes.results(Tabs):
                with tabs.prevent(Tabs.TabActivated):  # it would be told after the next key, and take that back
                    tabs.active = f"show-{name}"
        if self.compact and not (name == "prompt" and self.query_one("#edit").has_focus_within):
            focus_part(self, name)

    def on_tabs_tab_activated(self, event: "Tabs.TabActivated") -> None:
        """Bring the pane of a tab to the front."""
        self.show_pane(str(event.tab.id).removeprefix("show-"))
