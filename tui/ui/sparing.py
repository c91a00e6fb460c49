"""Parts of Textual that do more than is seen, in ways that spare it: in the first picture and while lanes stream."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor, CompositorUpdate, LayoutUpdate
from textual.css.styles import RenderStyles
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.geometry import Region, Size
from textual.strip import Strip


class SparingStylesheet(Stylesheet):
    """Textual's styles all component classes of a widget with it: two thirds of the work for the first picture. Here
    one is styled when it is first asked for.
    """

    def update_nodes(self, nodes: Iterable[DOMNode], animate: bool = False) -> None:
        """See `Stylesheet.update_nodes`. What is not mounted yet is styled when it is."""
        super().update_nodes((node for node in nodes if node.is_attached), animate)

    def _process_component_classes(self, node: DOMNode) -> None:
        names = node._get_component_classes()  # noqa: SLF001
        if names:
            before, now = node._component_styles, _ComponentStyles(self, node, names)  # noqa: SLF001
            node._component_styles = now  # noqa: SLF001
            if any(now[name] != styles for name, styles in before.items()):
                node.refresh()


class _ComponentStyles(dict[str, RenderStyles]):
    """Styles of a widget's component classes, by their names."""

    def __init__(self, sheet: Stylesheet, widget: DOMNode, names: Container[str]) -> None:
        super().__init__()
        self._sheet, self._widget, self._names = sheet, widget, names

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __missing__(self, name: str) -> RenderStyles:
        node = DOMNode(classes=name)
        node._attach(self._widget)  # noqa: SLF001
        self._sheet.apply(node)
        return self.setdefault(name, node.styles)


class SparingCompositor(Compositor):
    """Textual's renders nearly all widgets for every frame of the lanes, whole though they are hidden, and cuts their
    rows at the edges of all the others. Here a widget renders only rows in which something of it is seen, and only what
    is seen is cut out.
    """

    def render_partial_update(self) -> ChopsUpdate | None:
        """See `Compositor.render_partial_update`."""
        changed = [place.intersection(self.size.region) for place in self._dirty_regions]
        self._dirty_regions.clear()
        left_over: list[list[tuple[int, int]]] = [[] for _ in range(self.size.height)]
        for y, start, end in self._regions_to_spans(filter(None, changed)):
            left_over[y].append((start, end))
        spans = [(y, places[0][0], places[-1][1]) for y, places in enumerate(left_over) if places]
        rows = self._seen_in(left_over)
        ends = [[x + strip.cell_length for x, strip in row.items()] for row in rows]
        return ChopsUpdate(rows, spans, ends) if spans else None

    def _render_chops(self, crop: Region, is_rendered_line: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        whole = [(crop.x, crop.right)]
        return self._seen_in([whole if is_rendered_line(y) else [] for y in range(crop.bottom)])

    def _seen_in(self, left_over: list[list[tuple[int, int]]]) -> list[dict[int, Strip]]:
        """By row what is seen, by its first column, of places that are given by row: first column and the one behind
        the last."""
        rows: list[dict[int, Strip]] = [{} for _ in left_over]
        for widget, (region, clip) in self.visible_widgets.items():  # from front to back
            x, y, width, height = region.intersection(clip)
            right = x + width
            seen = [
                row
                for row in range(y, min(y + height, len(rows)))
                if any(start < right and x < end for start, end in left_over[row])
            ]
            if not seen:
                continue
            first, last = seen[0], seen[-1]
            strips = widget.render_lines(Region(x - region.x, first - region.y, width, last + 1 - first))
            for row in seen:
                behind = []
                for start, end in left_over[row]:
                    shown, hidden = max(start, x), min(end, right)
                    if shown >= hidden:
                        behind.append((start, end))
                        continue
                    rows[row][shown] = strips[row - first].crop(shown - x, hidden - x)
                    behind += [part for part in ((start, shown), (hidden, end)) if part[0] < part[1]]
                left_over[row] = behind
        return [dict(sorted(row.items())) for row in rows]


class Written:
    """Record of what stands on the terminal. Textual writes most screens three times as they open, and all rows where
    only the focus has moved.
    """

    def __init__(self) -> None:
        self._size: Size | None = None
        self._rows: dict[int, dict[int, tuple[int, str]]] = {}
        """By row the pieces by their first column, each with the column behind it and its text."""

    def forget(self) -> None:
        """Let all be written again: the terminal may have changed."""
        self._rows.clear()

    def news_in(self, frame: Any) -> Any:
        """The frame without what stands there already; anything else as it is."""
        if isinstance(frame, LayoutUpdate) and frame.region.size != self._size:
            # A terminal that changes its size moves what stands there.
            self._size = frame.region.size
            self.forget()
        return _News(frame, self._rows) if isinstance(frame, LayoutUpdate | ChopsUpdate) else frame


class _News(CompositorUpdate):
    def __init__(self, frame: LayoutUpdate | ChopsUpdate, rows: dict[int, dict[int, tuple[int, str]]]) -> None:
        self._frame, self._rows = frame, rows

    def render_segments(self, console: Console) -> str:
        """See `CompositorUpdate.render_segments`. From then on it stands there."""
        written, at = [], (-1, -1)
        for y, x, strip in _pieces(self._frame):
            end, text, row = x + strip.cell_length, strip.render(console), self._rows.setdefault(y, {})
            if x == end or row.get(x) == (end, text):
                continue
            for start in [start for start, (behind, _) in row.items() if start < end and x < behind]:
                del row[start]
            row[x] = end, text
            written += [text] if (x, y) == at else [f"\x1b[{y + 1};{x + 1}H", text]
            at = end, y
        return "".join(written)


def _pieces(frame: LayoutUpdate | ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Row, first column and content of the pieces that a frame consists of."""
    if isinstance(frame, LayoutUpdate):
        for y, row in enumerate(frame.strips, frame.region.y):
            x = frame.region.x
            for strip in row:
                yield y, x, strip
                x += strip.cell_length
        return
    for y, first, last in frame.spans:
        for end, (x, piece) in zip(frame.chop_ends[y], frame.chops[y].items(), strict=False):
            if piece is not None and x < last and first < end:
                yield y, x, piece.crop(0, min(end, last) - x)
