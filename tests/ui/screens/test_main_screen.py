"""Panes, sizes, help, palette, quitting, pasting, and writing nothing when idle."""

import random
import stat
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest
import thrift
from rich.console import RenderableType
from textual._compositor import LayoutUpdate
from textual.command import CommandPalette
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, TextArea

from tui.core.record import State
from tui.ui.bindings import ACTIONS, FOOTER
from tui.ui.keymap import Keymap
from tui.ui.screens.chart import ChartScreen
from tui.ui.screens.dialogs import ConfirmScreen
from tui.ui.screens.help import HelpScreen
from tui.ui.sparing import SparingCompositor

from .conftest import OpenApp
from .driving import SMALL, STEADY, WIDE, AppDriver, fast, keys_of, steady


def shown_panes(s: AppDriver) -> list[str]:
    """Which of the panes are on screen."""
    regions = {"prompt": "#edit", "lanes": "#lanes", "charts": "#charts"}
    return [name for name, selector in regions.items() if s.app.main.query_one(selector).region.area > 0]


@pytest.mark.parametrize("size", [WIDE, SMALL, (190, 53)])
async def test_the_first_picture_is_whole(
    open_app: OpenApp, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    pictures: list[list[str]] = []
    original = SparingCompositor.render_full_update

    def noted(self: SparingCompositor, simplify: bool = False) -> LayoutUpdate:
        pictures.append([strip.text for strip in self.render_strips()])
        return original(self, simplify)

    monkeypatch.setattr(SparingCompositor, "render_full_update", noted)
    monkeypatch.setattr(thrift, "_SELDOM_S", 0.0)
    async with open_app(fast(2), size=size) as s:
        await s.until_painted()
        # Later come only what the session says in the first row, the scroll bar of the models and the line below a tab.
        blocks = str.maketrans("▁▂▃▄▅▆▇╸╺", " " * 7 + "━━")
        first, settled = ([row.translate(blocks) for row in rows[1:]] for rows in (pictures[0], s.shown.split("\n")))
        assert first == settled


async def test_one_pane_at_a_time_at_80_by_24_and_the_focus_goes_with_it(
    open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(fast(3), size=SMALL) as s:
        editor = s.app.main.query_one("#user", TextArea)
        for key in keys_of("next_pane"):
            seen: list[tuple[list[str], Widget | None]] = [(shown_panes(s), s.app.focused)]
            for _ in range(3):
                await s.press(key)
                await s.pilot.pause()
                seen.append((shown_panes(s), s.app.focused))
            stream, charts = s.views[0].stream, s.app.main.charts
            assert seen == [(["prompt"], editor), (["lanes"], stream), (["charts"], charts), (["prompt"], editor)], key
        await s.press("x")
        assert "x" in editor.text
        # Two keys in one read: where a tab told of it later, the panes took turns for ever.
        shown = Mock(wraps=s.app.main.show_pane)
        monkeypatch.setattr(s.app.main, "show_pane", shown)
        await s.burst("f2", "f2")
        await s.until(lambda: shown_panes(s) == ["charts"], "the next pane but one")
        assert shown.call_count == 2
        # A letter in one read with the key that takes the prompt away is none of its text.
        before = editor.text
        await s.burst("f2", "alt+g", "?")
        assert (editor.text, type(s.app.screen).__name__) == (before, "HelpScreen")
        await s.press("escape")
        await s.pilot.click("#show-lanes")
        await s.until(lambda: (shown_panes(s), s.app.focused) == (["lanes"], stream))
        await s.pilot.click("#show-prompt")
        await s.until(lambda: (shown_panes(s), s.app.focused) == (["prompt"], editor))


async def test_with_all_panes_in_sight_the_next_is_the_one_after_where_the_focus_is(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        await s.run()
        editor = s.app.main.query_one("#user", TextArea)
        assert s.app.focused is editor
        charts = s.app.main.charts
        expected: list[Widget] = [s.views[0].stream, charts, editor, s.views[0].stream, charts]
        for where in expected:
            await s.press("f2")
            assert s.app.focused is where
        await s.until(lambda: "f Next chart" in s.shown.splitlines()[-1], "the letters of the charts")
        title = charts.border_title
        await s.press("question_mark")
        assert "This session" in s.shown
        await s.press("escape", "f")
        assert charts.border_title != title, "they keep the focus under another screen"
        await s.press("f9")
        assert isinstance(s.app.screen, ChartScreen)
        await s.press("f9")
        assert charts.has_focus


async def test_a_terminal_that_was_too_small_shows_all_panes_and_keeps_the_focus(open_app: OpenApp) -> None:
    async with open_app(fast(3)) as s:
        assert shown_panes(s) == ["prompt", "lanes", "charts"]
        assert not s.app.main.query("#panes")
        editor = s.app.main.query_one("#user", TextArea)
        for size in ((40, 12), (20, 5), (1, 1), (1, 1)):
            await s.pilot.resize_terminal(*size)
            await s.pilot.pause()
            await s.pilot.resize_terminal(120, 40)
            await s.until(lambda: s.app.focused is editor, f"the focus in the editor after {size}")
            assert shown_panes(s) == ["prompt", "lanes", "charts"], size
        await s.press("x")
        assert "x" in editor.text
        # As where it starts behind other windows: nothing gets the focus, and whoever types is there.
        for types in (partial(s.press, "y"), partial(s.paste, "pasted")):
            s.app.app_focus = False
            s.app._last_focused_on_app_blur = None
            await types()
        await s.until(lambda: "y" in editor.text and "pasted" in editor.text, "what was typed and pasted")


async def test_running_at_80_by_24_shows_the_lanes(open_app: OpenApp) -> None:
    async with open_app(
        [msgspec.structs.replace(one, name=f"a-longer-{one.name}") for one in fast(3)], size=SMALL
    ) as s:
        await s.run()
        assert shown_panes(s) == ["lanes"]
        assert s.shown.count("✔ done") == 3
        assert s.app.focused is s.views[0].stream, "keys scroll what is seen"
        await s.until(lambda: "/ Search" in s.shown.splitlines()[-1], "the keys of a lane")
        await s.press("f2")
        await s.until(lambda: "median" in s.shown)
        assert "fast-3" in s.shown
        await s.press("f2", "f2")
        await s.until_shown("a-longer-fast-3")


async def test_all_keys_of_the_footer_fit_into_80_columns(open_app: OpenApp) -> None:
    async with open_app(fast(1), size=SMALL) as s:
        last = s.shown.splitlines()[-1]
        for name in FOOTER[""]:
            assert Keymap().names.rows[name].title in last
        assert "×" not in last, "what is unavailable has no place there, before anything was run"


async def test_a_mistake_in_the_form_is_in_view_at_80_by_24(open_app: OpenApp) -> None:
    async with open_app(fast(1), size=SMALL) as s:
        await s.type_into("#max-tokens", "none")
        await s.press("f2", "f5")
        assert shown_panes(s) == ["prompt"]
        assert "must be a whole number" in " ".join(s.shown.split())


async def test_help_names_every_key(open_app: OpenApp) -> None:
    async with open_app(fast(1), size=(120, 220)) as s:
        await s.press("f1")
        assert isinstance(s.app.screen, HelpScreen)
        shown = " ".join(s.shown.replace("┃", " ").split())
        for action in ACTIONS:
            assert " ".join(action.help.split()) in shown
        assert "time to first token" in shown
        await s.press("escape")
        assert s.on_main


async def test_help_finds_words_and_escape_brings_all_back(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await s.press("f1", "slash", *"clipboard")
        await s.until_shown("Copy the selection")
        assert "Fire the prompt" not in s.shown
        await s.press(*" nowhere")
        await s.until_shown("Nothing here has these words")
        await s.press("escape")
        await s.until_shown("Sent to every target")
        assert isinstance(s.app.screen, HelpScreen)
        await s.press("escape")
        assert s.on_main


async def test_help_explains_what_has_the_focus_first_and_closes(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        for selector, words in (
            ("#user", "Sent to every target"),
            ("#effort", "Shared by all"),
            ("StreamView", "answer as it arrives"),
        ):
            await s.focus(selector)
            await s.press("f1")
            assert words in s.shown
            assert s.shown.index(words) < s.shown.index("time to first token"), selector
            assert ("Detail · " in s.shown) is (selector == "StreamView"), "the keys of what has the focus"
            assert ("d, F4" in s.shown) is (selector == "StreamView"), "and the letters, where they act"
            await s.press("escape")
        for opener in keys_of("help"):
            for key in ("escape", "f1", "q", "enter"):
                await s.press(opener)
                assert isinstance(s.app.screen, HelpScreen), opener
                await s.press(key)
                assert s.on_main, key


async def test_help_scrolls_at_80_by_24(open_app: OpenApp) -> None:
    async with open_app(fast(1), size=SMALL) as s:
        await s.press("f1", "end")
        await s.until(lambda: "✖ failed" in " ".join(s.shown.split()), "the last state")


async def test_the_palette_lists_every_action_and_carries_one_out(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        titles = {command.title for command in s.app.get_system_commands(s.app.main)}
        assert {action.title for action in ACTIONS if action.id != "command_palette"} <= titles
        await s.focus("#target-list")
        titles = {command.title for command in s.app.get_system_commands(s.app.main)}
        assert {"Rename", "Remove", "On/off"} <= titles, "those of the widget that has the focus"
        await s.press("ctrl+p")
        assert isinstance(s.app.screen, CommandPalette)
        await s.press(*"Run")
        await s.until_shown("Fire the prompt")
        await s.press("enter")
        await s.until(lambda: s.live.runs == 1, "a run from the palette")
        await s.run_over()
        assert s.states == [State.DONE]
        await s.press("ctrl+p", *"Help")
        await s.until_shown("Explain what has the focus")
        await s.press("enter")
        await s.until(lambda: isinstance(s.app.screen, HelpScreen))


async def test_a_picture_of_the_screen_is_saved_from_the_palette(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await s.press("ctrl+p", *"Picture")
        await s.until_shown("Save the screen as an SVG")
        await s.press("enter")
        await s.until(lambda: [picture for picture in saved_pictures() if "</svg>" in picture])
        (picture,) = saved_pictures()
        assert "fast-1" in picture
        assert "SIMULATED" in picture
        assert saved_modes() == [0o600]


def saved_modes() -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in Path().glob("latency-tui-screen-*.svg")]


def saved_pictures() -> list[str]:
    return [path.read_text("utf-8") for path in Path().glob("latency-tui-screen-*.svg")]


async def test_help_and_palette_open_over_another_screen_and_begin_with_its_keys(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await s.press("alt+o")
        options = s.app.screen
        await s.press("f1")
        await s.until_shown("Start · Keep the options and start")
        assert "Fire the prompt" not in s.shown, "that does not act here"
        await s.press("f1")
        assert s.app.screen is options
        first, *rest = s.app.get_system_commands(options)
        assert first.title == "Close"
        titles = [command.title for command in rest]
        assert titles[0] == "Start"
        assert {"Help", "Quit", "Theme"} <= set(titles)
        assert "Run" not in titles
        await s.press("ctrl+p", *"Start the series", "enter")
        await s.until(lambda: s.live.series is not None, "the series, started from the palette over its options")


async def meant_by(s: AppDriver, happens: Coroutine[Any, Any, Any]) -> list[str]:
    """The action that a key or a click is for, which is not carried out."""
    called: list[str] = []

    async def act(action_id: str) -> None:
        called.append(action_id)

    s.app.action_act = act  # type: ignore[method-assign]
    await happens
    await s.until(lambda: called, "an action")
    del s.app.action_act
    return called


async def test_quit_leaves_while_lanes_stream_and_over_every_modal_screen(open_app: OpenApp) -> None:
    async with open_app((STEADY,)) as s:
        await s.streaming()
        for opener in ("f1", "f3", "ctrl+p", ""):
            if opener:
                await s.press(opener)
                assert not s.on_main, opener
            for key in keys_of("quit"):
                assert await meant_by(s, s.press(key)) == ["quit"], f"{key} over {opener or 'the lanes'}"
            if opener:
                await s.press("escape")
                assert s.on_main, opener
        await s.press("f1", "f10")
        await s.until(lambda: s.app._exit)
        assert s.app.return_code == 0


async def test_a_click_in_the_footer_is_the_key(open_app: OpenApp) -> None:
    """Every action of the footer can be carried out with the mouse, through the action the link names."""
    async with open_app(fast(1)) as s:
        line = s.shown.splitlines()[-1]
        for action in (*FOOTER[""], "next_pane"):
            entry = next(entry for entry in ACTIONS if entry.id == action)
            click = s.pilot.click("#keys", offset=(line.index(f" {entry.title}") + 1, 0))
            assert await meant_by(s, click) == [action]


async def test_a_storm_of_sizes_while_lanes_stream(open_app: OpenApp) -> None:
    chance = random.Random(8)
    async with open_app(steady(4)) as s:
        await s.streaming()
        for _ in range(10):
            await s.pilot.resize_terminal(chance.randint(20, 200), chance.randint(6, 60))
        await s.pilot.resize_terminal(1, 1)
        await s.pilot.resize_terminal(*SMALL)
        await s.until(lambda: shown_panes(s) == ["lanes"], "one pane")
        await s.pilot.resize_terminal(120, 40)
        assert shown_panes(s) == ["prompt", "lanes", "charts"]
        await s.press("f8")
        await s.run_over()
        await s.until(lambda: [view.stream.text for view in s.views] == [view.text for view in s.views])
        # On a busy machine an answer may have come to its end meanwhile.
        assert s.shown.count("⊘ cancelled") == s.states.count(State.CANCELLED)
        assert set(s.states) <= {State.CANCELLED, State.TRUNCATED, State.DONE}


async def test_resizing_under_a_modal_screen(open_app: OpenApp) -> None:
    async with open_app((STEADY,)) as s:
        await s.streaming()
        await s.press("f5")
        assert isinstance(s.app.screen, ConfirmScreen)
        await s.pilot.resize_terminal(40, 12)
        await s.pilot.resize_terminal(*SMALL)
        await s.press("n")
        await s.pilot.pause()
        assert shown_panes(s) == ["lanes"]


async def test_every_button_is_in_sight_in_the_smallest_terminal(open_app: OpenApp) -> None:
    async with open_app(fast(2), size=(60, 16)) as s:
        for opener in ("parameters", "target", "series_options", "load", "checks", "compare"):
            await s.press(keys_of(f"edit_{opener}" if opener in ("parameters", "target") else opener)[0])
            await s.until(lambda: not s.on_main, opener)
            for button in s.app.screen.query(Button):
                assert f" {button.label} " in s.shown, opener
            await s.press("escape")
            await s.until(lambda: s.on_main, "the main screen")


async def test_a_paste_of_200_kb_arrives_whole_in_lines_and_in_one(open_app: OpenApp) -> None:
    text = "\n".join(f"{number:05d} the quick brown fox, 速い狐, and a 🦊" for number in range(4_200))
    assert len(text.encode()) > 200_000
    async with open_app(fast(1), prompt="") as s:
        await s.focus("#user")
        await s.paste(text)
        editor = s.app.main.query_one("#user", TextArea)
        await s.until(lambda: editor.text == text, "the pasted text")
        await s.press(*"!?")
        assert editor.text == text + "!?"
        await s.press("backspace", "backspace")
        await s.run()
        record = s.lanes[0].record
        assert record is not None
        assert record.spec.prompt.user == text
        assert s.states == [State.DONE], record.failure
        await s.press("ctrl+a")
        line = "word " * 40_000
        await s.paste(line)
        await s.until(lambda: editor.text == line, "the pasted line")


async def test_idle_writes_nothing_and_it_wakes_up_again(open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle is counted in turns of a timer of the app's own at the screen's own rate, which the screen's would take
    too, were it not paused."""
    monkeypatch.setattr(thrift, "_SELDOM_S", 0.0)
    async with open_app(fast(3)) as s:
        await s.run()
        # Until the last frame is out: the painting timer pauses itself.
        await s.until(lambda: not s.app.main.painter.is_ticking, "a paused timer")
        await s.pilot.pause()
        written: list[object] = []
        turns: list[None] = []
        display = s.app._display

        def count(screen: Screen[object], renderable: RenderableType | None) -> None:
            """Everything that is written passes here; a headless driver gets none of it."""
            if renderable is not None:
                written.append(renderable)
            display(screen, renderable)

        monkeypatch.setattr(s.app, "_display", count)
        metronome = s.app.set_interval(1 / 30, lambda: turns.append(None))
        await s.until(lambda: len(turns) >= 30)
        metronome.stop()
        assert written == []
        await s.press("f6")
        await s.until(lambda: written, "something written: what is counted is what is written")
        await s.press("f5")
        await s.until(lambda: s.live.runs == 2, "a second run: it wakes up again")
        await s.run_over()
        assert "run 2 done" in s.shown
