"""What is spared is not missed: frames show what a whole picture does, and styles are those of Textual."""

import random

import pyte
import pytest
from dressed import DressedApp
from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App, ComposeResult
from textual.containers import Grid, VerticalScroll
from textual.css.stylesheet import Stylesheet
from textual.geometry import Region, Spacing
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static

from tui.ui.sparing import SparingCompositor, SparingStylesheet, Written

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


class OneBox(ModalScreen[None]):
    """A box in front of it all, by Textual's own compositor."""

    CSS = "OneBox { align: center middle; } #one { width: 30; height: 9; border: heavy $primary; }"

    def compose(self) -> ComposeResult:
        yield Static("one box, row by row; " * 20, id="one", markup=False)


class Emulator:
    def __init__(self) -> None:
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._screen.reset_mode(pyte.modes.DECAWM)
        self._screen.set_mode(pyte.modes.LNM)
        self._stream = pyte.Stream(self._screen)

    def take(self, data: str) -> None:
        self._stream.feed(data)

    @property
    def cells(self) -> list[pyte.screens.Char]:
        return [self._screen.buffer[y][x] for y in range(ROWS) for x in range(COLUMNS)]


def picture(data: str) -> list[pyte.screens.Char]:
    emulator = Emulator()
    emulator.take(data)
    return emulator.cells


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


async def test_what_stands_on_the_terminal_is_not_written_again() -> None:
    app, chance = DressedApp(), random.Random(3)
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        await app.push_screen(patches := Patches())
        await app.push_screen(OneBox())
        await pilot.pause()
        compositors = [screen._compositor for screen in (patches, app.screen)]
        shown, terminal = Written(), Emulator()
        for step in range(40):
            compositor = compositors[step // 7 % 2]
            if step % 3:
                patches.query(Static)[chance.randrange(10)].update(f"changed {step} " * chance.randrange(30))
                await pilot.pause()
            compositor._dirty_regions = some_places(chance)
            if step % 7 and step % 5:
                terminal.take(shown.news_in(compositor.render_partial_update()).render_segments(app.console))
                continue
            whole = compositor.render_full_update()
            terminal.take(shown.news_in(whole).render_segments(app.console))
            assert terminal.cells == picture(whole.render_segments(app.console))
            assert shown.news_in(compositor.render_full_update()).render_segments(app.console) == ""
        whole = compositor.render_full_update()
        terminal.take(shown.news_in(whole).render_segments(app.console))
        shown.forget()
        assert picture(shown.news_in(whole).render_segments(app.console)) == terminal.cells


def test_what_something_was_written_over_is_written_again() -> None:
    console, shown = Console(), Written()
    whole = LayoutUpdate([[Strip([Segment("aaaa")]), Strip([Segment("bbbb")])]], Region(0, 0, 8, 1))
    assert shown.news_in(whole).render_segments(console) == "\x1b[1;1Haaaabbbb"
    first, second = "\x1b[1;1Haaaa", "\x1b[1;5Hbbbb"
    for x, text, again in (
        (0, "x", first),
        (3, "x", first),
        (3, "xx", f"{first}bbbb"),
        (4, "x", second),
        (7, "x", second),
    ):
        end = x + len(text)
        over = ChopsUpdate([{x: Strip([Segment(text)])}], [(0, x, end)], [[end]])
        assert shown.news_in(over).render_segments(console) == f"\x1b[1;{x + 1}H{text}"
        assert shown.news_in(whole).render_segments(console) == again


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


class Sparing(DressedApp):
    """A list and a field that are styled as the program's are."""

    CSS = """
    Input > .input--placeholder { color: $success; }
    .odd Input > .input--placeholder { color: $error; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.stylesheet = SparingStylesheet(variables=self.get_css_variables())

    def compose(self) -> ComposeResult:
        yield OptionList("one", "two")
        yield Input(placeholder="nothing is typed")


def components(app: App[None]) -> list[tuple[Widget, str]]:
    widgets = app.screen.walk_children(Widget)
    return [(widget, name) for widget in widgets for name in sorted(widget._get_component_classes())]


async def test_component_classes_are_styled_as_textual_styles_them() -> None:
    app = Sparing()
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        seen = []
        for change in (
            lambda: None,
            lambda: app.screen.add_class("odd"),
            lambda: setattr(app, "theme", "textual-light"),
        ):
            change()
            await pilot.pause()
            seen.append([widget.get_component_rich_style(name) for widget, name in components(app)])
            for widget in app.screen.walk_children(Widget):
                Stylesheet._process_component_classes(app.stylesheet, widget)
            assert [widget.get_component_styles(name).rich_style for widget, name in components(app)] == seen[-1]
        assert seen[0] != seen[1] != seen[2]
        with pytest.raises(KeyError, match="option-list--nothing"):
            app.query_one(OptionList).get_component_styles("option-list--nothing")


async def test_a_component_class_that_looks_different_is_painted_anew() -> None:
    app = Sparing()
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        pictures = []
        for _ in range(2):
            await pilot.pause()
            pictures.append([list(strip) for strip in app.screen._compositor.render_strips()])
            app.screen.add_class("odd", update=False)
            app.stylesheet.apply(app.query_one(Input))
        assert pictures[0] != pictures[1]
