"""The editor under whatever is typed: no edit ends it, and none leaves the cursor outside of the text."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextvars import copy_context
from typing import Any

import pytest
from dressed import DressedApp
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorType
from textual._compositor import Compositor, LayoutUpdate
from textual.app import App, ComposeResult
from textual.events import Paste
from textual.geometry import Region
from textual.pilot import Pilot

from tui.ui.terminal import Colours, Terminal
from tui.ui.themes import dress
from tui.ui.widgets.inputs import Editor, Field

pytestmark = pytest.mark.screen

LINES = st.sampled_from(["", "a", "two words", "x" * 50, "\tindented", "寬 字"])
TEXTS = st.one_of(st.lists(LINES, max_size=3), st.lists(LINES, min_size=6, max_size=12)).map("\n".join)
EDITS = ("undo", "redo", "cut", "delete_to_end_of_line", "delete_to_start_of_line", "delete_left", "delete_word_left")
MOVES = ("cursor_up", "cursor_page_down", "cursor_line_end", "select_all", "select_line", "cursor_word_left")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("paste"), TEXTS),
        st.tuples(st.sampled_from(EDITS), st.just("")),
        st.tuples(st.sampled_from((*EDITS, *MOVES)), st.just("")),
        st.tuples(st.sampled_from(("load", "paste")), TEXTS),
        st.tuples(st.just("to"), st.tuples(st.integers(0, 20), st.integers(0, 60))),
    ),
    min_size=2,
    max_size=20,
)


class Small(App[None]):
    """An editor in which few lines need a scroll bar."""

    CSS = "Editor { height: 8; width: 24; }"

    def compose(self) -> ComposeResult:
        yield Editor("", "user", "")


class Bench:
    """One application on a loop of its own, for all examples."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # Textual keeps the running application in a context variable.
        self._context = copy_context()
        self._run = Small().run_test()
        self.pilot: Pilot[None] = self._wait(self._run.__aenter__())
        self.editor = self.pilot.app.query_one(Editor)

    def close(self) -> None:
        self._wait(self._run.__aexit__(None, None, None))
        self._loop.close()

    def do(self, steps: list[tuple[str, Any]]) -> None:
        self._wait(self._do(steps))

    def _wait(self, doing: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(self._loop.create_task(doing, context=self._context))

    async def _do(self, steps: list[tuple[str, Any]]) -> None:
        editor = self.editor
        editor.load_text("")
        for name, what in steps:
            if name == "paste":
                await editor._on_paste(Paste(what))
            elif name == "load":
                editor.load_text(what)
            elif name == "to":
                editor.move_cursor(what)
            else:
                getattr(editor, f"action_{name}")()
            await self.pilot.pause()
            row, column = editor.cursor_location
            assert row < editor.document.line_count
            assert column <= len(editor.document.get_line(row))
        assert self.pilot.app._exception is None


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    opened = Bench()
    yield opened
    opened.close()


@given(steps=STEPS)
def test_no_edit_ends_the_editor(bench: Bench, steps: list[tuple[str, Any]]) -> None:
    bench.do(steps)


def test_undoing_a_paste_that_brought_the_scroll_bar(bench: Bench) -> None:
    bench.do([("paste", "1\n2\n3\n4\n5\n6\n7\n8\n9\n"), ("undo", ""), ("redo", ""), ("undo", "")])
    assert bench.editor.text == ""


class Labelled(DressedApp):
    """A field with a label in a terminal of few colours."""

    def __init__(self, colours: Colours) -> None:
        super().__init__()
        dress(self, "dark", Terminal(colours=colours))

    def compose(self) -> ComposeResult:
        yield Field("10", label="repeats", label_cells=12)


@pytest.mark.parametrize("colours", ["256", "16", "none"])
async def test_a_label_has_no_other_colours_than_the_terminal(colours: Colours) -> None:
    app = Labelled(colours)
    async with app.run_test(size=(40, 4)):
        strips = app.query_one(Field).render_lines(Region(0, 0, 40, 1))
        styles = [segment.style for segment in strips[0] if segment.style is not None]
        assert "repeats" in strips[0].text
        kinds = {colour.type for style in styles for colour in (style.color, style.bgcolor) if colour is not None}
        assert kinds <= {ColorType.DEFAULT, ColorType.EIGHT_BIT if colours == "256" else ColorType.STANDARD}
        assert colours != "none" or kinds <= {ColorType.DEFAULT}


async def test_the_text_is_wrapped_as_it_is_first_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures: list[list[str]] = []
    original = Compositor.render_full_update

    def noted(self: Compositor, simplify: bool = False) -> LayoutUpdate:
        pictures.append([strip.text.rstrip() for strip in self.render_strips()])
        return original(self, simplify)

    monkeypatch.setattr(Compositor, "render_full_update", noted)

    class Page(App[None]):
        def compose(self) -> ComposeResult:
            yield Editor("some words of which not all fit in a row", "words", "")

    async with Page().run_test(size=(30, 9)) as pilot:
        await pilot.pause()
        settled = [strip.text.rstrip() for strip in pilot.app.screen._compositor.render_strips()]
        assert pictures[0] == settled
        assert sum(bool(line.strip()) for line in settled) == 2
