"""The lanes, side by side in as many columns as fit, the rest to scroll to."""

import time
from collections.abc import Callable, Mapping

from textual.containers import VerticalScroll
from textual.events import Resize
from textual.geometry import Size

from tui.core.model import KnownModel
from tui.core.plan import Plan
from tui.core.sanitize import clean
from tui.session.live import Lane
from tui.ui.bindings import KeyNames
from tui.ui.viewmodel.lane_lines import shortened
from tui.ui.widgets.lane_view import LaneView

_NARROWEST_LANE = 26
_LOWEST_LANE = 9
_USUAL_SHARE, _AROUND = 0.68, 3
"""Share of the lanes in the width, where the prompt stands beside them, and cells of a lane that its text has not."""


class LanesPane(VerticalScroll, can_focus=False):
    """Holds a view per lane; knows the current one, and shows it alone when maximised."""

    DEFAULT_CSS = """
    LanesPane {
        layout: grid;
        grid-gutter: 0 1;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(
        self,
        lanes: list[Lane],
        keys: KeyNames,
        *,
        id: str,  # noqa: A002  # Textual's name
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`now_ns` is the moment that is shown, on the clock of the stamps."""
        self._now_ns = now_ns
        self._keys = keys
        self.views = [LaneView(lane, keys, now_ns) for lane in lanes]
        super().__init__(*self.views, id=id)
        self._current = 0
        self._next = 0
        """The lane in view whose turn it is."""
        self._asked: tuple[Plan, Mapping[str, KnownModel]] | None = None
        self._named: object = None
        self.alone = False
        """True while the current lane is maximised."""

    async def show(self, lanes: list[Lane]) -> None:
        """Show exactly these lanes in this order; views of lanes that stay are kept."""
        if [view.lane for view in self.views] == lanes:
            return
        kept = {id(view.lane): view for view in self.views}
        wanted = {id(lane) for lane in lanes}
        await self.remove_children([view for view in self.views if id(view.lane) not in wanted])
        self.views = [kept.get(id(lane)) or LaneView(lane, self._keys, self._now_ns) for lane in lanes]
        await self.mount_all([view for view in self.views if not view.is_attached])
        if len(self.children) < len(self.views):
            return  # the program is being left: nothing is mounted any more
        for position, view in enumerate(self.views):
            if self.children[position] is not view:
                self.move_child(view, before=position)
        self._current = min(self._current, len(self.views) - 1)
        if self._asked is not None:
            self.describe(*self._asked)
        self._arrange()

    def describe(self, plan: Plan, models: Mapping[str, KnownModel]) -> None:
        """Let every lane say in what its next request differs from the shared parameters of `plan`."""
        self._asked = plan, models
        for view in self.views:
            view.describe(plan, models)

    @property
    def current(self) -> LaneView:
        """The lane that keys act on: the one that has or last had the focus."""
        return self.views[self._place()]

    def _place(self) -> int:
        # Asked of the screen, since who gets the focus is told of it after the next key.
        focused = self.screen.focused if self.is_attached else None
        return next((place for place, view in enumerate(self.views) if view.stream is focused), self._current)

    def go(self, step: int) -> None:
        """Focus the lane `step` further on, around the end; the first step into the pane goes to the current lane."""
        self._current = (self._place() + step * self.has_focus_within) % len(self.views)
        if self.alone:
            self._arrange()
        self.views[self._current].stream.focus()

    def toggle_alone(self) -> None:
        """Show the current lane alone, or all again."""
        self.alone, self._current = not self.alone, self._place()
        self._arrange()
        self.current.stream.focus()

    @property
    def in_view(self) -> list[LaneView]:
        """The lanes that can be seen."""
        top, bottom = self.scroll_offset.y, self.scroll_offset.y + self.size.height
        return [
            view
            for view in self.views
            if view.display and view.virtual_region.y < bottom and view.virtual_region.bottom > top
        ]

    def tick(self, now_ns: int, most: int | None = None) -> None:
        """Let the lanes in view take over what has changed; the others do so when they come into view.

        With `most` at most that many of them, in turn.
        """
        views = self.in_view
        if most is not None and most < len(views):
            first = self._next % len(views)
            self._next = first + most
            views = [*views[first:], *views[:first]][:most]
        for view in views:
            view.tick(now_ns)
        self._name_all()

    def _name_all(self) -> None:
        """Name the lanes by what tells them apart, and mark the current one, wherever the focus is."""
        current, widths = self.views[self._current], [view.size.width for view in self.views if view.size]
        names = [view.lane.label for view in self.views]
        # While they are hidden, how much room there will be is not known.
        if widths and (named := (names, current, cells := min(widths) - 4)) != self._named:
            self._named = named
            for view, short in zip(self.views, shortened(names, max(8, cells)), strict=True):
                view.call(short, current=view is current and len(names) > 1)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Lanes that come into view show the present."""
        super().watch_scroll_y(old_value, new_value)
        self.call_after_refresh(lambda: self.tick(self._now_ns()))

    def on_descendant_focus(self) -> None:
        """The lane that gets the focus is the current one."""
        self._current = self._place()
        self._name_all()

    def on_mount(self) -> None:
        """Begin with about the columns that there will be: others would lay out and style all lanes twice."""
        share = 1 if self.screen.has_class("-compact") else _USUAL_SHARE
        width = round(share * self.app.size.width)
        self._arrange(Size(width, self.app.size.height))
        for view in self.views:
            view.fit(width // self.styles.grid_size_columns - _AROUND)
        self.current.call(clean(self.current.lane.label), current=len(self.views) > 1)

    def on_resize(self, _event: Resize) -> None:
        """Columns follow the width."""
        self._arrange()

    def _arrange(self, size: Size | None = None) -> None:
        size = size or self.size
        if not self.views or not size.width:
            return
        shown = 1 if self.alone else len(self.views)
        columns = max(1, min(shown, size.width // _NARROWEST_LANE))
        rows = -(-shown // columns)
        # Even rows: seven lanes in four columns are four and three, not five and two.
        columns = -(-shown // rows)
        height = max(_LOWEST_LANE, size.height // rows)
        self.styles.grid_size_columns = columns
        self.styles.grid_size_rows = rows
        # A height for the rows and not for the lanes: rows without one share the pane's, and no lane would scroll.
        if rows > 1 or height > size.height:
            self.styles.grid_rows = str(height)
        else:
            self.styles.clear_rule("grid_rows")
        for position, view in enumerate(self.views):
            view.display = not self.alone or position == self._current
