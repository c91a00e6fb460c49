"""Frames of the main screen: what has changed is painted as in a whole picture, and next to nothing else."""

import random

import pyte
import pytest
from dressed import DressedApp
from textual.app import ComposeResult
from textual.containers import Grid, VerticalScroll
from textual.geometry import Region, Spacing
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from tui.ui.screens.painter import SparingCompositor

COLUMNS, ROWS = 60, 20
BARE = "".join(f"\x1b[{row};1H{'#' * COLUMNS}" for row in range(1, ROWS + 1))


class Patches(Screen[None]):
    """Lanes in a grid that scrolls, and a box in front of parts of some of them."""

    CSS = """
    Patches { layers: below above; }
    Grid { grid-size: 3; height: 30; }
    Static { border: round $primary; background: $surface; }
    #box { layer: above; width: 17; height: 7; offset: 13 5; background: $panel; color: $text-error; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._compositor = SparingCompositor()

    def compose(self) -> ComposeResult:
        with VerticalScroll(), Grid():
            yield from (Static(f"lane {number}, row by row; " * 9, markup=False) for number in range(9))
        yield Static("a box in front of it " * 4, id="box", markup=False)


def picture(data: str) -> list[pyte.screens.Char]:
    screen = pyte.Screen(COLUMNS, ROWS)
    screen.reset_mode(pyte.modes.DECAWM)
    screen.set_mode(pyte.modes.LNM)
    pyte.Stream(screen).feed(data)
    return [screen.buffer[y][x] for y in range(ROWS) for x in range(COLUMNS)]


def some_places(chance: random.Random) -> set[Region]:
    lefts, tops = ([chance.randrange(most) for _ in range(9)] for most in (COLUMNS, ROWS))
    sizes = [
        (chance.randint(1, COLUMNS - x), chance.randint(1, min(3, ROWS - y))) for x, y in zip(lefts, tops, strict=True)
    ]
    return {Region(x, y, *size) for x, y, size in zip(lefts, tops, sizes, strict=True)}


async def test_what_has_changed_is_painted_as_in_a_whole_picture() -> None:
    app, chance = DressedApp(), random.Random(7)
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        await app.push_screen(patches := Patches())
        await pilot.pause()
        compositor, console = patches._compositor, app.console
        whole = picture(compositor.render_full_update().render_segments(console))
        for _ in range(40):
            places = some_places(chance)
            compositor._dirty_regions = set(places)
            update = compositor.render_partial_update()
            assert update is not None
            bare, shown = picture(BARE), picture(BARE + update.render_segments(console))
            changed = {y * COLUMNS + x for one in places for y in one.line_range for x in one.column_range}
            assert [shown[at] for at in changed] == [whole[at] for at in changed]
            beside = [at for at, cell in enumerate(shown) if at not in changed and cell != bare[at]]
            assert [shown[at] for at in beside] == [whole[at] for at in beside]
            # What is in front of a place is not painted again.
            firsts = {one.y: min(each.x for each in places if one.y in each.line_range) for one in places}
            assert all(shown[y * COLUMNS + x] == bare[0] for y, first in firsts.items() for x in range(first))


async def test_what_is_hidden_is_not_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    app = DressedApp()
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        await app.push_screen(patches := Patches())
        await pilot.pause()
        rendered: list[tuple[Widget, Region]] = []
        original = Widget.render_lines

        def noted(widget: Widget, crop: Region) -> list[Strip]:
            rendered.append((widget, crop))
            return original(widget, crop)

        monkeypatch.setattr(Widget, "render_lines", noted)
        box = patches.query_one("#box")
        patches._compositor.render_full_update()
        # The lanes cover the grid, the grid covers the screen.
        assert {type(widget) for widget, _ in rendered}.isdisjoint({Grid, Patches})

        rendered.clear()
        patches._compositor._dirty_regions = {box.region.shrink(Spacing.all(1))}
        patches._compositor.render_partial_update()
        assert [widget for widget, _ in rendered] == [box]

        rendered.clear()
        patches._compositor._dirty_regions = {Region(0, 7, COLUMNS, 1)}
        patches._compositor.render_partial_update()
        assert all(crop.height == 1 for _, crop in rendered)
