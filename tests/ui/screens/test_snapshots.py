"""What the screen looks like: SVG snapshots of sessions told by events with fixed stamps.

The session, its engine client, the live state and the screen are the real ones. The test holds only the engine's end of
the pipes, and says what an engine would. Look at the pictures before accepting new ones (`--snapshot-update`).
"""

import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Literal, get_args

import pytest
from textual.pilot import Pilot

import tui.ui.app
from tui.advice.trial import conclude
from tui.config.known_models import load_models
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
from tui.engine.protocol import encode_events
from tui.session.session import Session
from tui.ui.app import LatencyApp
from tui.ui.terminal import Terminal

from .driving import SMALL, WIDE, AppDriver, draft_of, plan_of
from .engine import BorrowedEngine

MS = 1_000_000
S = 1_000 * MS
SnapCompare = Callable[..., bool]
Steps = Callable[["Told"], Awaitable[None]]

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
        os.write(self._into, encode_events(list(events)))
        await self.until(lambda: self.live.version > before)
        await self.until_painted()

    async def answers(self, first_id: int = 1, faster_by: float = 1.0) -> None:
        """A run, fired and answered by all three."""
        await self.press("f5")
        events: list[Event] = []
        for request_id, (ttft, total, tokens) in enumerate(
            ((212, 940, 121), (548, 1_874, 118), (905, 3_130, 204)), first_id
        ):
            events += request(request_id, round(ttft * faster_by), round(total * faster_by), tokens)
        await self.say(*events, RUN_OVER)


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


@pytest.fixture
def shows(snap_compare: SnapCompare) -> Iterator[Callable[..., bool]]:
    """Compares the screen after some steps with the accepted picture."""
    fds: list[int] = []
    engines: list[BorrowedEngine] = []

    def compare(
        steps: Steps,
        size: tuple[int, int] = WIDE,
        models: tuple[str, ...] = MODELS,
        settings: UiSettings = FAST_FRAMES,
        terminal: Terminal | None = None,
    ) -> bool:
        out, into = os.pipe()
        errors, kept = os.pipe()
        commands, command_in = os.pipe()
        fds.extend((kept, commands))
        engine = BorrowedEngine(command_in, out, errors, os.getpid())
        engines.append(engine)
        plan = plan_of([Target(model=model) for model in models], "http://127.0.0.1:1", PROMPT, 512, "Be brief.")
        app = _App(Session(engine), draft_of(plan), settings, load_models(), terminal=terminal)
        app.engine_end = into

        async def run_before(pilot: Pilot[None]) -> None:
            told = Told(app, pilot, into)
            await told.until(lambda: len(told.views) == len(models))
            await told.say(EngineReady(pid=1, sdk_version="1.0"))
            await steps(told)
            await told.until_painted()
            await told.until(lambda: not told.live.run_in_flight)

        return snap_compare(app, terminal_size=size, run_before=run_before)

    yield compare
    for engine in engines:
        engine.close()
    for fd in fds:
        os.close(fd)


FAST_FRAMES = UiSettings(frame_rate=30.0)
PROMPT = "Explain in three short paragraphs, to a curious ten-year-old, why the sky is blue at noon and red at sunset."


async def _idle(_told: Told) -> None:
    pass


async def _finished(told: Told) -> None:
    await told.answers()


async def _third_run(told: Told) -> None:
    await told.answers()
    await told.answers(4, 1.4)
    await told.answers(7, 0.9)


async def _prompt_pane(told: Told) -> None:
    await told.answers()
    await told.press("f2", "f2")


async def _charts_pane(told: Told) -> None:
    await told.answers()
    await told.press("f2")


async def _ended_otherwise(told: Told) -> None:
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


async def _maximised(told: Told) -> None:
    await told.answers()
    await told.press("f6", "shift+f6", "f9")
    await told.pilot.pause()


async def _help(told: Told) -> None:
    await told.press("f1")


async def _search(told: Told) -> None:
    await told.answers()
    await told.press("f6", "f3", *"blue")


async def _selected(told: Told) -> None:
    await told.answers()
    await told.press("f6", "shift+down", "shift+down", "shift+right")


async def _mistake(told: Told) -> None:
    await told.type_into("#max-tokens", "many")
    await told.press("f5")


async def _variables(told: Told) -> None:
    book = told.app.draft.book
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
    await told.pilot.pause()


async def _variants(told: Told) -> None:
    await told.press("alt+v", "a", *"terse", "enter")
    await told.pilot.pause()


Theme = Literal["terminal", "light", "high-contrast", "colour-blind"]


@pytest.mark.parametrize("steps", [_ended_otherwise, _search])
@pytest.mark.parametrize("theme", get_args(Theme))
def test_theme(shows: Callable[..., bool], steps: Steps, theme: Theme) -> None:
    assert shows(steps, settings=UiSettings(frame_rate=30.0, theme=theme))


@pytest.mark.parametrize("steps", [_ended_otherwise, _search])
def test_no_colour(shows: Callable[..., bool], steps: Steps) -> None:
    assert shows(steps, terminal=Terminal(colours="none"))


@pytest.mark.parametrize("size", [(40, 12), (200, 60)], ids=["tiny", "huge"])
def test_size(shows: Callable[..., bool], size: tuple[int, int]) -> None:
    assert shows(_finished, size)


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
@pytest.mark.parametrize(
    "steps",
    [_idle, _variants, _variables, _finished, _third_run, _help, _search, _mistake],
    ids=lambda steps: steps.__name__.strip("_"),
)
def test_screen(shows: Callable[..., bool], steps: Steps, size: tuple[int, int]) -> None:
    assert shows(steps, size)


async def _advice(told: Told) -> None:
    for number in range(6):
        await told.answers(first_id=1 + 3 * number, faster_by=1 + number / 100)
    await told.press("f6", "alt+a")
    await told.pilot.pause()


async def _trial(told: Told) -> None:
    await _advice(told)
    desk = told.app._desk
    assert desk is not None
    (suggestion, *_) = desk.advice.suggestions if desk.advice is not None else ()
    assert suggestion.trial is not None
    pairs = [((964 + number) * MS, (520 + number) * MS) for number in range(8)]
    tried = conclude(
        suggestion.id, suggestion.target, suggestion.headline, suggestion.trial, suggestion.saving, list(pairs)
    )
    desk.begin(lambda: tried)
    desk.finish(())
    await told.until_shown("verdict ")
    await told.pilot.pause()


async def _difference(told: Told) -> None:
    await told.answers()
    record = told.app.session.live.lanes[1].record
    assert record is not None
    record.pieces = [(kind, text.replace("far more", "much more").replace("空", "海")) for kind, text in record.pieces]
    await told.press("f6", "alt+shift+d")
    await told.pilot.pause()


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
def test_difference(shows: Callable[..., bool], size: tuple[int, int]) -> None:
    assert shows(_difference, size)


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
@pytest.mark.parametrize("steps", [_advice, _trial], ids=["list", "trial"])
def test_advice(shows: Callable[..., bool], steps: Steps, size: tuple[int, int]) -> None:
    assert shows(steps, size)


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
def test_ended_otherwise(shows: Callable[..., bool], size: tuple[int, int]) -> None:
    assert shows(_ended_otherwise, size)


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
def test_maximised(shows: Callable[..., bool], size: tuple[int, int]) -> None:
    assert shows(_maximised, size)


def test_prompt_pane(shows: Callable[..., bool]) -> None:
    assert shows(_prompt_pane, SMALL)


def test_charts_pane(shows: Callable[..., bool]) -> None:
    assert shows(_charts_pane, SMALL)


def test_selection(shows: Callable[..., bool]) -> None:
    assert shows(_selected, WIDE)


def test_seven_lanes(shows: Callable[..., bool]) -> None:
    assert shows(_idle, WIDE, tuple(f"model-{number}" for number in range(1, 8)))


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
def test_confirm(shows: Callable[..., bool], size: tuple[int, int]) -> None:
    async def asked(told: Told) -> None:
        await told.press("f5", "f5")
        # The run ends while it asks, so that no clock shows.
        await told.say(*(event for number in (1, 2, 3) for event in request(number, 212, 940, 121)), RUN_OVER)

    assert shows(asked, size)


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
def test_chart_alone(shows: Callable[..., bool], size: tuple[int, int]) -> None:
    async def alone(told: Told) -> None:
        await _third_run(told)
        await told.press("alt+g", "alt+i")
        await told.until_shown("Numbers")
        await told.until_shown("846 ms")

    assert shows(alone, size)


async def _target(told: Told) -> None:
    await told.press("alt+u", "down", "right")


async def _parameters(told: Told) -> None:
    await told.press("alt+e")
    await told.type_into("#temperature", "0.5")
    await told.pilot.pause()


async def _two_of_one_model(told: Told) -> None:
    await told.press("alt+u", "down", "right", "enter")
    await told.until(lambda: len(told.views) == 4)
    await told.focus("#target-list")
    await told.press("home", "down")


async def _refused(told: Told) -> None:
    await told.press("alt+e")
    await told.type_into("#temperature", "0.5")
    await told.press("enter", "f2")


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
@pytest.mark.parametrize(
    "steps", [_target, _parameters, _two_of_one_model, _refused], ids=lambda steps: steps.__name__.strip("_")
)
def test_targets_and_parameters(shows: Callable[..., bool], steps: Steps, size: tuple[int, int]) -> None:
    assert shows(steps, size)
