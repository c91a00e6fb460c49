"""Parts of Textual that do more than is seen, in ways that spare it: in the first picture and while lanes stream."""

from collections.abc import Callable, Container, Mapping, Sequence

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor
from textual.css.styles import RenderStyles
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.geometry import Region
from textual.strip import Strip


class SparingStylesheet(Stylesheet):
    """Textual's styles all component classes of a widget with it: two thirds of the work for the first picture. Here
    one is styled when it is first asked for.
    """

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
        return _Pieces(self._seen_in(left_over)) if any(left_over) else None

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


class _Pieces(ChopsUpdate):
    """Pieces of rows, each by its first column. Where one follows on another, the cursor is not moved."""

    def __init__(self, rows: Sequence[Mapping[int, Strip]]) -> None:
        super().__init__(rows, [], [])

    def render_segments(self, console: Console) -> str:
        """See `CompositorUpdate.render_segments`."""
        written = []
        for y, row in enumerate(self.chops, 1):
            after = -1
            for x, strip in row.items():
                if strip is None:
                    continue
                if x != after:
                    written.append(f"\x1b[{y};{x + 1}H")
                written.append(strip.render(console))
                after = x + strip.cell_length
        return "".join(written)
