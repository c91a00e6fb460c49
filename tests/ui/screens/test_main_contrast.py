"""Everything that is to be read can be read: in every theme and at every depth of colour, over the screens that there
are, text stands out from its background by 4.5 to 1."""

from collections.abc import Iterator
from itertools import chain
from typing import get_args

import pytest
from rich.color import Color as RichColour
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from tui.config.schema import UiSettings
from tui.ui.themes import READABLE, XTERMS, OfPalette, contrast
from tui.ui.widgets.stream_view import StreamView

from .test_snapshots import Tell, Theme, Told, _end_otherwise, tell

__all__ = ["tell"]

_DIMMED = 0.5
"""Share of its contrast that Textual takes dimmed text to lose."""
_ROUNDING = 0.05
_BLACK = Color(0, 0, 0)
_SCREENS = (
    "f1",
    "f4",
    "alt+e",
    "alt+t",
    "alt+v",
    "alt+o",
    "alt+shift+t",
    "alt+shift+c",
    "alt+shift+d",
    "alt+shift+l",
    "alt+i",
    "ctrl+p",
)


def _texts(told: Told) -> Iterator[tuple[str, Style]]:
    """The stretches of text on the screen that are read. Frames, bars and blanks are not read, nor what is darkened
    behind a question."""
    screen = told.app.screen
    regions = [box.region for box in screen.children] if isinstance(screen, ModalScreen) else [screen.region]
    for y, strip in enumerate(screen._compositor.render_strips()):
        for region in regions:
            if region.y <= y < region.bottom:
                cropped = strip.crop(region.x, region.right)
                for segment in cropped:
                    if segment.style is not None and any(map(str.isalnum, segment.text)):
                        yield segment.text.strip(), segment.style


def _seen(colour: RichColour) -> Color:
    """The colour as xterm shows it."""
    number = len(XTERMS) if colour.number is None else colour.number
    return Color.parse(f"#{XTERMS[number]}") if number < len(XTERMS) else Color.from_rich_color(colour)


def _hard_to_read(told: Told) -> Iterator[str]:
    """What stands out too little, with 256 and 16 colours too: one text of each style."""
    one_of_each = {style: text for text, style in _texts(told)}
    segments = [Segment(text, style) for style, text in one_of_each.items()]
    fewer = (OfPalette(told.app, colours).apply(segments, _BLACK) for colours in (256, 16))
    for text, style, _ in chain(segments, *fewer):
        if style is None or style.color is None or style.bgcolor is None:
            continue
        front, ground = _seen(style.color), _seen(style.bgcolor)
        if style.reverse:
            front, ground = ground, front
        if style.dim:
            front = front.blend(ground, _DIMMED)
        if contrast(front, ground) < READABLE - _ROUNDING:
            yield f"{text!r} is {front.hex} on {ground.hex}, {contrast(front, ground):.1f}"


@pytest.mark.parametrize("theme", ["dark", *(name for name in get_args(Theme) if name != "terminal")])
async def test_every_text_stands_out(tell: Tell, theme: Theme) -> None:
    hard: list[str] = []
    async with tell(settings=UiSettings(frame_rate=30.0, theme=theme)) as told:

        async def look(at: str) -> None:
            await told.pilot.pause()
            hard.extend(f"{at}: {one}" for one in _hard_to_read(told))

        await look("idle")
        await told.answers()
        await look("answered")
        told.app.main.lanes.views[0].stream.mark([(0, 30)])
        await look("failing a check")
        await told.press("f6", "shift+down", "shift+down")
        assert told.app.screen.selections
        await look("selected")
        await told.press("f3", *"blue")
        await look("searched")
        await told.press("escape", "f6", "f6", "end", "shift+down", "shift+down")
        await look("thinking, selected")
        for key in _SCREENS:
            await told.press(key)
            await told.until(lambda: not told.on_main, "another screen")
            await look(key)
            await told.press("escape")
            await told.until(lambda: told.on_main, "the main screen")
        for selector in ("#target-list", "#effort", "#max-tokens", "#user"):
            await told.focus(selector)
            await look(selector)
        await told.type_into("#max-tokens", "many")
        await told.press("f5")
        await look("a mistake")
        await told.type_into("#max-tokens", "512")
        await _end_otherwise(told)
        await look("ended otherwise")
    assert not hard, "\n".join(dict.fromkeys(hard))


@pytest.mark.parametrize("theme", ["dark", *(name for name in get_args(Theme) if name != "terminal")])
async def test_colours_of_lanes_are_not_those_of_phases(tell: Tell, theme: Theme) -> None:
    async with tell(settings=UiSettings(frame_rate=30.0, theme=theme)) as told:
        chart = told.app.main.charts.chart

        def colours(*names: str) -> set[str]:
            found = (chart.style_of(name).color for name in names)
            return {colour.name for colour in found if colour is not None}

        lanes = colours(*"01234567")
        assert len(lanes) == 8
        assert not lanes & colours("waiting", "thinking", "output", "stall", "ttft", "total")


async def test_the_focus_is_always_to_be_seen(tell: Tell) -> None:
    """Without a colour of its own, as in terminals that have few: what gets the focus looks different, everywhere."""
    unseen: list[str] = []
    async with tell(settings=UiSettings(frame_rate=30.0, theme="terminal")) as told:

        def look(at: Region) -> list[Strip]:
            strips = told.app.screen._compositor.render_strips()
            return [strip.crop(at.x, at.right) for strip in strips[at.y : at.bottom]]

        async def go_round(where: str) -> None:
            await told.pilot.pause()
            screen = told.app.screen
            for widget in list(screen.focus_chain):
                # What a lane shows has its border above the figures.
                around = widget.parent if isinstance(widget, StreamView) else widget
                assert isinstance(around, Widget)
                screen.set_focus(None)
                await told.pilot.pause()
                region, before = around.region, look(around.region)
                screen.set_focus(widget)
                await told.pilot.pause()
                if around.region == region and look(region) == before:
                    unseen.append(f"{where}: {widget}")

        await go_round("main")
        for key in ("alt+e", "alt+v", "alt+shift+c"):
            await told.press(key)
            await told.until(lambda: not told.on_main, "another screen")
            await go_round(key)
            await told.press("escape")
            await told.until(lambda: told.on_main, "the main screen")
    assert not unseen, "\n".join(unseen)
