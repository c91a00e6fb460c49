"""The pane of streaming text, in a real app."""

from collections.abc import AsyncIterator, Iterable

import pytest
from dressed import DressedApp
from textual.app import ComposeResult
from textual.events import MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.pilot import Pilot

from tui.core.events import Kind
from tui.ui.widgets.stream_view import GUTTERS, FollowChanged, StreamView

WIDTH, HEIGHT = 30, 10


class Pane(DressedApp):
    def __init__(self) -> None:
        super().__init__()
        self.following: list[bool] = []

    def compose(self) -> ComposeResult:
        yield StreamView()

    def on_follow_changed(self, event: FollowChanged) -> None:
        self.following.append(event.following)

    @property
    def view(self) -> StreamView:
        return self.query_one(StreamView)

    def shown(self) -> list[str]:
        """The rows on screen, without the blanks at their ends."""
        return [self.view.render_line(y).text.rstrip() for y in range(self.view.size.height)]

    def add(self, *lines: str, kind: Kind = Kind.TEXT) -> None:
        self.view.append(kind, "".join(lines))
        self.view.tick()


def numbered(lines: Iterable[int]) -> list[str]:
    return [f"line {number}\n" for number in lines]


@pytest.fixture
async def pilot() -> AsyncIterator[Pilot[None]]:
    async with Pane().run_test(size=(WIDTH, HEIGHT)) as pilot:
        pilot.app.query_one(StreamView).focus()
        await pilot.pause()
        yield pilot


def app_of(pilot: Pilot[None]) -> Pane:
    assert isinstance(pilot.app, Pane)
    return pilot.app


async def test_text_appears_on_the_tick(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.view.placeholder = "nothing yet"
    assert app.shown()[0] == "nothing yet"
    app.view.append(Kind.TEXT, "Hel")
    app.view.append(Kind.TEXT, "lo")
    assert app.shown()[0] == "nothing yet"
    app.view.tick()
    assert app.shown()[0] == "Hello"
    app.view.clear()
    assert app.shown()[0] == "nothing yet"
    assert app.view.text == ""


async def test_only_changed_rows_are_painted(pilot: Pilot[None], monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of(pilot)
    app.add("first\nsecond")
    painted: list[tuple[Region, ...]] = []
    monkeypatch.setattr(app.view, "refresh", lambda *regions, **_: painted.append(regions))
    app.view.tick()
    assert painted == []
    app.add(" grows\nthird")
    assert painted == [(Region(0, 1, WIDTH, 2),)]


async def test_a_full_pane_moves_up_half_a_page(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.add(*numbered(range(HEIGHT - 1)))
    assert app.shown()[0] == "line 0"
    app.add("one more\nand another")
    assert app.shown() == ["line 6", "line 7", "line 8", "one more", "and another", "", "", "", "", ""]


async def test_thinking_is_told_apart_without_colour(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.add("let me see", kind=Kind.THINKING)
    app.add("It is 4.")
    assert app.shown()[:2] == [f"{GUTTERS[Kind.THINKING]}let me see", "It is 4."]
    style = next(iter(app.view.render_line(0))).style
    assert style is not None
    assert style.italic
    assert app.view.text == "It is 4."


@pytest.mark.parametrize("key", ["up", "pageup", "home"])
async def test_scrolling_back_stops_following_until_end(pilot: Pilot[None], key: str) -> None:
    app = app_of(pilot)
    app.add(*numbered(range(40)))
    await pilot.press(key)
    first = app.shown()[0]
    app.add(*numbered(range(40, 60)))
    assert app.shown()[0] == first
    await pilot.press("end")
    assert app.view.following is True
    assert "line 59" in app.shown()
    assert app.following == [False, True]


async def test_the_wheel_scrolls(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.add(*numbered(range(40)))
    first = int(app.shown()[0].split()[1])
    for _ in range(5):
        await pilot._post_mouse_events([MouseScrollUp], StreamView, button=0)
    assert app.shown()[0] == f"line {first - 10}"
    assert not app.view.following
    await pilot._post_mouse_events([MouseScrollDown], StreamView, button=0)
    assert app.shown()[0] == f"line {first - 8}"
    assert app.following == [False]
    # Down at the end it follows again, as with the key.
    for _ in range(5):
        await pilot._post_mouse_events([MouseScrollDown], StreamView, button=0)
    assert app.following == [False, True]
    app.add(*numbered(range(40, 60)))
    assert "line 59" in app.shown()


async def test_a_short_text_does_not_scroll(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.add("short")
    await pilot.press("up", "pageup", "home", "down")
    assert app.view.following


async def test_escape_sequences_never_reach_the_strips(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.add("\x1b[2J\x1b", "]0;title\x07[bold]markup[/bold]\r\x9b31m\u202etxt")
    painted = "".join(segment.text for y in range(HEIGHT) for segment in app.view.render_line(y))
    assert painted.isprintable()
    assert "[bold]markup[/bold]" in painted
    assert "␛[2J␛]0;title␇" in app.view.text


async def test_wide_characters_fill_rows_exactly(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.add("漢字🇬🇧👩\u200d💻e\u0301" * 40)
    assert {app.view.render_line(y).cell_length for y in range(HEIGHT)} == {WIDTH}


async def test_the_mouse_selects_text_without_gutter_and_wraps(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.add("some thinking that is long enough to wrap", kind=Kind.THINKING)
    app.add("and\ta 漢字 answer")
    await pilot.mouse_down(StreamView, offset=(0, 0))
    await pilot.hover(StreamView, offset=(1, 1))
    await pilot.mouse_up(StreamView, offset=(1, 1))
    assert app.screen.get_selected_text() == "some thinking that is long "
    await pilot.mouse_down(StreamView, offset=(4, 2))
    await pilot.hover(StreamView, offset=(25, 2))
    await pilot.mouse_up(StreamView, offset=(25, 2))
    assert app.screen.get_selected_text() == "a 漢字 answer"


async def test_selecting_all_gives_all_of_the_text(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.add("hm", kind=Kind.THINKING)
    app.add(*numbered(range(30)))
    await pilot.press("ctrl+a")
    assert app.screen.get_selected_text() == "hm\n" + "".join(numbered(range(30))).rstrip()
    selected = next(iter(app.view.render_line(0))).style
    app.view.clear()
    app.add("new")
    assert next(iter(app.view.render_line(0))).style != selected


async def test_keys_select_from_the_first_row_in_view(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.add("one e\u0301two\nthree\nfour")
    await pilot.press(*["shift+right"] * 5)
    assert app.screen.get_selected_text() == "one e\u0301"
    await pilot.press("shift+down", "shift+left")
    assert app.screen.get_selected_text() == "one e\u0301two\nthre"
    await pilot.press("escape", "shift+down", "shift+down", "shift+down")
    assert app.screen.get_selected_text() == "one e\u0301two\nthree\nfour"


async def test_a_selection_holds_while_text_arrives_and_the_pane_is_resized(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.add(*numbered(range(9)))
    await pilot.press("shift+down")
    app.add(*numbered(range(9, 40)))
    await pilot.resize_terminal(20, 8)
    await pilot.pause()
    assert app.screen.get_selected_text() == "line 0"


async def test_search_counts_shows_and_walks_around(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.add(*numbered(range(40)))
    await pilot.press("home")
    assert app.view.search("LINE 3") == 11
    assert "line 3" in app.shown()
    app.view.step_match(1)
    assert "line 30" in app.shown()
    app.view.step_match(-1)
    app.view.step_match(-1)
    assert "line 39" in app.shown()
    app.view.step_match(1)
    assert "line 3" in app.shown()
    assert app.view.search("nowhere") == 0
    app.view.step_match(1)


async def test_matches_are_highlighted_as_they_arrive(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.add("a need")
    app.view.search("needle")
    app.add("le in the hay")
    segments = [segment for segment in app.view.render_line(0) if segment.text == "needle"]
    assert len(segments) == 1
    assert app.view.search("needle") == 1
    current = [segment for segment in app.view.render_line(0) if segment.text == "needle"]
    assert current[0].style != segments[0].style


async def test_resizing_wraps_again_and_keeps_the_place(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.add(*(f"paragraph {number} has quite a few words in it\n" for number in range(30)))
    await pilot.press("home", *["pagedown"] * 3)
    first = app.shown()[0]
    await pilot.resize_terminal(20, HEIGHT)
    await pilot.pause()
    assert first.split()[0] in app.shown()[0]
    assert all(app.view.render_line(y).cell_length == 20 for y in range(HEIGHT))


async def test_a_follower_keeps_the_end_in_view_when_resized(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    app.add(*numbered(range(9)), "the end")
    await pilot.resize_terminal(WIDTH, 4)
    await pilot.pause()
    assert app.shown()[-1] == "the end"


async def test_a_view_that_is_to_be_painted_as_it_is_first_shown_wraps_for_its_width(pilot: Pilot[None]) -> None:
    app = app_of(pilot)
    view = StreamView(id="second")
    view.display = False
    await app.mount(view)
    await pilot.pause()
    app.view.display, view.display = False, True
    app.screen._compositor.update_widgets({view})  # as Textual does between two layouts
    assert view.size.width == WIDTH  # which has Textual lay out, without telling the view
    await pilot.pause()
    view.append(Kind.TEXT, "word " * 12)
    view.tick()
    assert len(view.window.text.row(0).text) <= WIDTH
