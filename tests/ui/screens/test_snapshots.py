"""Pictures of sessions told by events with fixed stamps: the whole screen once per state and size, else one widget.

The session, its engine client, the live state and the screen are the real ones. The test holds only the engine's end of
the pipes, and says what an engine would.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Literal, get_args

import msgspec
import pytest
from pictures import Album
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.widget import Widget

import tui.ui.app
from tui import __version__
from tui.advice.trial import conclude
from tui.config.schema import UiSettings
from tui.core.events import (
    Content,
    EngineReady,
    Event,
    Failure,
    FailureKind,
    Kind,
    Mark,
    Marked,
    RequestEnded,
    RunEnded,
    Status,
    Usage,
    UsageReported,
)
from tui.core.target import Target
from tui.engine.protocol import encode_events, greeting
from tui.session.session import Session
from tui.ui.app import LatencyApp
from tui.ui.terminal import Terminal

from .driving import PICTURED_MODELS, SMALL, WIDE, AppDriver, draft_of, plan_of
from .engine import BorrowedEngine

MS = 1_000_000
S = 1_000 * MS
Tell = Callable[..., AbstractAsyncContextManager["Pictured"]]
SIZES = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])

MODELS = ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5")
ANSWER = (
    "Sunlight is a mix of all colours. ",
    "Air scatters the short, blue waves far more than the long, red ones, ",
    "so blue reaches the eye from every side: that is the sky at noon. ",
    "空が青いのはそのため。 ☀️\n\n",
    "At sunset the light has a long way through the air; most of the blue has been scattered away, ",
    "and what is left is red.",
)
THOUGHT = ("A ten-year-old: no formulas. ", "Start with what one sees, then scattering.")


class _App(LatencyApp):
    """Closes its session while its loop still runs, which is what leaving does."""

    CSS_PATH = str(Path(tui.ui.app.__file__).parent / "screens" / "main.tcss")

    engine_end: int
    """The engine's end of the pipe of events."""

    async def on_unmount(self) -> None:
        os.close(self.engine_end)
        await self.session.close()


class Told(AppDriver):
    """A session whose engine says what the test tells it to."""

    def __init__(self, app: LatencyApp, pilot: Pilot[None], into: int) -> None:
        super().__init__(app, pilot)
        self._into = into

    async def say(self, *events: Event) -> None:
        """Let the engine report this, and wait until it is shown."""
        before = self.live.version
        ended = [
            msgspec.structs.replace(one, run_id=self.live.runs) if isinstance(one, RunEnded) else one for one in events
        ]
        os.write(self._into, encode_events(ended))
        await self.until(lambda: self.live.version > before)
        await self.until_painted()

    async def answers(self, first_id: int = 1, faster_by: float = 1.0) -> None:
        """A run, fired and answered by all three."""
        await self.press("f5")
        await self.until_painted()
        events: list[Event] = []
        for request_id, (ttft, total, tokens) in enumerate(
            ((212, 940, 121), (548, 1_874, 118), (905, 3_130, 204)), first_id
        ):
            events += request(request_id, round(ttft * faster_by), round(total * faster_by), tokens)
        await self.say(*events, RUN_OVER)
        await self.until_at_rest()

    async def until_at_rest(self) -> None:
        """Wait until nothing is left to paint, be it worked out only after the run."""
        await self.until(lambda: not self.live.run_in_flight)
        await self.until(lambda: not self.app.main.painter.is_ticking, "a painter that is done")


class Pictured(Told):
    """A session of which pictures are taken."""

    def __init__(self, app: LatencyApp, pilot: Pilot[None], into: int, album: Album) -> None:
        super().__init__(app, pilot, into)
        self._album = album

    async def picture(self, name: str, widget: Widget | None = None, *, in_flight: bool = False) -> None:
        """Take a picture of the screen, or of one widget, once it has caught up; `in_flight`, while a run goes on."""
        if not in_flight:
            await self.until_at_rest()
        await self.pilot.pause()
        assert self.shown, "painted whole: what is worked out only then comes with the next pause"
        await self.pilot.pause()
        self._album.add(name, self.app, widget)

    @property
    def box(self) -> Widget:
        """The contents of the modal screen."""
        assert not self.on_main
        return next(child for child in self.app.screen.children if not child.has_class("-textual-system"))


RUN_OVER = RunEnded(run_id=1, t_ns=9 * S, send_spread_ns=212_000)


def request(
    request_id: int,
    ttft_ms: int,
    total_ms: int,
    tokens: int,
    status: Status = Status.DONE,
    failure: Failure | None = None,
    thinks: bool | None = None,
) -> list[Event]:
    """Everything an engine says of one request that is sent at 1 s."""
    sent = S
    events: list[Event] = [
        Marked(request_id=request_id, mark=Mark.QUEUED, t_ns=sent - 12 * MS),
        Marked(request_id=request_id, mark=Mark.SENT, t_ns=sent),
    ]
    pieces = [(Kind.TEXT, text) for text in ANSWER]
    if request_id % 3 == 0 if thinks is None else thinks:
        pieces[:0] = [(Kind.THINKING, text) for text in THOUGHT]
    step = (total_ms - ttft_ms) / (len(pieces) - 1)
    for index, (kind, text) in enumerate(pieces):
        at = sent + round((ttft_ms + index * step) * MS)
        events.append(Content(request_id=request_id, kind=kind, t_ns=[at], texts=[text]))
    stop_reason = {Status.DONE: "end_turn", Status.TRUNCATED: "max_tokens"}.get(status)
    if stop_reason:
        events.append(UsageReported(request_id=request_id, usage=Usage(output_tokens=tokens)))
    at = sent + (total_ms + 3) * MS
    return [
        *events,
        RequestEnded(request_id=request_id, t_ns=at, status=status, stop_reason=stop_reason, failure=failure),
    ]


FAST_FRAMES = UiSettings(frame_rate=30.0)
PROMPT = "Explain in three short paragraphs, to a curious ten-year-old, why the sky is blue at noon and red at sunset."


@pytest.fixture
def tell(snapshot: SnapshotAssertion, tmp_path: Path) -> Tell:
    """Opens a session that is told by the test; at its end the pictures that were taken must be the accepted ones."""

    @asynccontextmanager
    async def tell(
        size: tuple[int, int] = WIDE,
        models: tuple[str, ...] = MODELS,
        settings: UiSettings = FAST_FRAMES,
        terminal: Terminal | None = None,
    ) -> AsyncIterator[Pictured]:
        out, into = os.pipe()
        errors, kept = os.pipe()
        commands, command_in = os.pipe()
        os.write(into, greeting(__version__))
        engine = BorrowedEngine(command_in, out, errors, os.getpid())
        plan = plan_of([Target(model=model) for model in models], "http://127.0.0.1:1", PROMPT, 512, "Be brief.")
        app = _App(Session(engine), draft_of(plan), settings, PICTURED_MODELS, terminal=terminal)
        app.engine_end = into
        album = Album(snapshot, tmp_path)
        try:
            async with app.run_test(size=size, notifications=True) as pilot:
                told = Pictured(app, pilot, into, album)
                await told.until(lambda: len(told.views) == len(models))
                await told.say(EngineReady(pid=1, sdk_version="1.0"))
                yield told
        finally:
            engine.close()
            os.close(kept)
            os.close(commands)
        album.check()

    return tell


async def _end_otherwise(told: Told) -> None:
    await told.press("f5")
    failure = Failure(
        kind=FailureKind.OVERLOADED,
        message="The API is overloaded (529 overloaded_error): wait a little and run again.",
        http_status=529,
    )
    await told.say(
        *request(1, 212, 940, 512, Status.TRUNCATED),
        *request(2, 548, 1_874, 0, Status.CANCELLED),
        *request(3, 905, 3_130, 0, Status.FAILED, failure),
        RUN_OVER,
    )


@SIZES
async def test_main_screen(tell: Tell, size: tuple[int, int]) -> None:
    async with tell(size) as told:
        await told.picture("idle")
        await told.answers()
        await told.answers(4, 1.4)
        await told.answers(7, 0.9)
        await told.picture("third_run")
        if size == SMALL:
            await told.press("f2")
            await told.picture("charts")


@SIZES
async def test_ended_otherwise(tell: Tell, size: tuple[int, int]) -> None:
    async with tell(size) as told:
        await _end_otherwise(told)
        await told.picture("screen")


@pytest.mark.parametrize("size", [(40, 12), (200, 60)], ids=["tiny", "huge"])
async def test_size(tell: Tell, size: tuple[int, int]) -> None:
    async with tell(size) as told:
        await told.answers()
        await told.picture("finished")


Theme = Literal["terminal", "light", "high-contrast", "colour-blind"]


async def _pictures_of_colours(told: Pictured) -> None:
    """The lanes, and the matches of a search: all colours of states and text."""
    await _end_otherwise(told)
    await told.picture("lanes", told.app.main.lanes)
    await told.focus("StreamView")
    await told.press("f3", *"blue")
    await told.picture("search", told.views[0])


@pytest.mark.parametrize("theme", get_args(Theme))
async def test_theme(tell: Tell, theme: Theme) -> None:
    async with tell(settings=UiSettings(frame_rate=30.0, theme=theme)) as told:
        await _pictures_of_colours(told)
        if theme == "terminal":
            await told.picture("screen")


async def test_no_colour(tell: Tell) -> None:
    async with tell(terminal=Terminal(colours="none")) as told:
        await _pictures_of_colours(told)
        await told.picture("screen")


async def test_256_colours(tell: Tell) -> None:
    """As over SSH, in tmux and in GNU screen."""
    async with tell(terminal=Terminal(colours="256")) as told:
        await _pictures_of_colours(told)
        await told.picture("screen")
        await told.press("escape", "f1")
        await told.picture("help", told.box)


@SIZES
async def test_text_of_a_lane(tell: Tell, size: tuple[int, int]) -> None:
    async with tell(size) as told:
        await told.answers()
        await told.focus("StreamView")
        await told.press("shift+down", "shift+down", "shift+right")
        await told.picture("selection", told.views[0])
        await told.press("f3", *"blue")
        await told.picture("search_field", told.box)
        await told.picture("search", told.views[0])
        await told.press("escape", "f9")
        await told.picture("maximised", told.app.main.lanes)


async def test_seven_lanes(tell: Tell) -> None:
    async with tell(models=tuple(f"model-{number}" for number in range(1, 8))) as told:
        await told.picture("lanes", told.app.main.lanes)


@SIZES
async def test_help_and_question(tell: Tell, size: tuple[int, int]) -> None:
    async with tell(size) as told:
        await told.press("f1")
        await told.picture("help", told.box)
        await told.press("escape", "f5", "f5")
        # The question goes away with the run that it is about.
        await told.until(lambda: not told.on_main)
        await told.picture("confirm", told.box, in_flight=True)
        await told.say(*(event for number in (1, 2, 3) for event in request(number, 212, 940, 121)), RUN_OVER)
        await told.until(lambda: told.on_main)


@SIZES
async def test_prompt(tell: Tell, size: tuple[int, int]) -> None:
    async with tell(size) as told:
        await told.press("alt+v", "a", *"terse", "enter")
        await told.picture("variants", told.box)
        await told.press("escape")
        await told.until(lambda: told.on_main)
        await told.picture("head_and_text", told.app.main.prompt_pane)
        book = told.app.main.prompt_pane.book
        book.edit(user="{{customer}} asks: {{question}} Answer in {{language}}.")
        book.load_rows(
            [
                {"customer": "Ada", "question": "Is my bicycle ready?"},
                {"customer": "Grace", "question": "What does a new chain cost, with fitting?"},
                {"customer": "明子", "question": "Two lines\nof text"},
            ]
        )
        book.use_row(1)
        told.app.main.prompt_pane.show()
        await told.press("alt+v")
        await told.picture("variables", told.box)


@SIZES
async def test_parameters(tell: Tell, size: tuple[int, int]) -> None:
    async with tell(size) as told:
        form = told.app.main.parameters_form
        await told.picture("form", form)
        await told.type_into("#max-tokens", "many")
        await told.press("f5")
        await told.picture("mistake", form)
        await told.type_into("#max-tokens", "512")
        await told.press("alt+e")
        await told.type_into("#temperature", "0.5")
        await told.picture("all", told.box)
        await told.press("enter")
        await told.until(lambda: told.on_main)
        await told.picture("form_with_one_more", form)
        await told.press("f2")
        await told.picture("refused", told.views[2])


@SIZES
async def test_targets(tell: Tell, size: tuple[int, int]) -> None:
    async with tell(size) as told:
        picker = told.app.main.picker
        await told.picture("list", picker)
        await told.press("alt+u", "down", "right")
        await told.picture("target", told.box)
        await told.press("enter")
        await told.until(lambda: len(told.views) == 4)
        await told.focus("#target-list")
        await told.press("home", "down")
        await told.picture("two_of_one_model", picker)


@SIZES
async def test_difference(tell: Tell, size: tuple[int, int]) -> None:
    async with tell(size) as told:
        await told.answers()
        record = told.app.session.live.lanes[1].record
        assert record is not None
        changed = [(kind, text.replace("far more", "much more").replace("空", "海")) for kind, text in record.pieces]
        record.pieces = changed
        await told.focus("StreamView")
        await told.press("alt+shift+d")
        await told.picture("answers", told.box)


@SIZES
async def test_advice(tell: Tell, size: tuple[int, int]) -> None:
    async with tell(size) as told:
        for number in range(6):
            await told.answers(first_id=1 + 3 * number, faster_by=1 + number / 100)
        await told.focus("StreamView")
        await told.press("alt+a")
        await told.picture("list", told.box)
        state = told.app.context.advice
        assert state is not None
        (suggestion, *_) = state.advice.suggestions if state.advice is not None else ()
        assert suggestion.trial is not None
        pairs = [((964 + number) * MS, (520 + number) * MS) for number in range(8)]
        tried = conclude(
            suggestion.id, suggestion.target, suggestion.headline, suggestion.trial, suggestion.saving, list(pairs)
        )
        state.begin(lambda: tried)
        state.finish(())
        await told.until_shown("verdict ")
        await told.picture("trial", told.box)


@SIZES
async def test_chart_alone(tell: Tell, size: tuple[int, int]) -> None:
    async with tell(size) as told:
        await told.answers()
        await told.answers(4, 1.4)
        await told.answers(7, 0.9)
        await told.press("alt+g", "alt+i")
        await told.until_shown("Numbers")
        await told.until_shown("846 ms")
        await told.picture("screen")
