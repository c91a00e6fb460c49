"""Deadlines of an attempt, on a loop whose time passes only while it waits."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import TypeVarTuple

import pytest

from tui.core.events import Event, Kind
from tui.core.target import Timeouts
from tui.engine.deadlines import Deadlines
from tui.engine.reporter import RequestReporter
from tui.engine.wires import AnswerReader

_Ts = TypeVarTuple("_Ts")

TIMEOUTS = Timeouts(first_token=60.0, between_tokens=30.0, request=600.0)


class _SkippingSelector(selectors.DefaultSelector):
    """A selector that is over at once with whatever it would have waited."""

    skipped_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.skipped_s += timeout or 0.0
        return super().select(0)


class _SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop in a time of its own; counts the timers that are armed."""

    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        self.armed = 0
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.skipped_s

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self.armed += 1
        return super().call_at(when, callback, *args, context=context)


class _Reader(AnswerReader):
    """A reader of pieces that come from nowhere."""

    def __init__(self) -> None:
        events: list[Event] = []
        super().__init__(RequestReporter(1, events.append))

    def feed(self, t_ns: int, event: str, data: bytes) -> None:
        if event == "stop":
            self._stop(t_ns)
        elif event == "piece":
            self._content(Kind.TEXT, t_ns, "word")

    def feed_whole(self, t_ns: int, body: bytes) -> None:
        raise NotImplementedError


def struck(
    after: Callable[[Deadlines, _Reader], Awaitable[None]], *, streamed: bool = True
) -> tuple[float, str, _SkippingLoop]:
    """When the timer struck, what for, and the loop."""
    with asyncio.Runner(loop_factory=_SkippingLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, _SkippingLoop)

        async def attempt() -> tuple[float, str]:
            try:
                async with asyncio.timeout(None) as timer:
                    with Deadlines(TIMEOUTS, timer, streamed=streamed) as deadlines:
                        await after(deadlines, _Reader())
                        await loop.create_future()
            except TimeoutError:
                return loop.time(), deadlines.missed().message
            raise AssertionError

        return (*runner.run(attempt()), loop)


async def stream(deadlines: Deadlines, reader: _Reader, *, pieces: int, every_s: float) -> None:
    deadlines.sent()
    for _ in range(pieces):
        await asyncio.sleep(every_s)
        reader.feed(1, "piece", b"")
        deadlines.progressed(reader)


def test_the_deadline_moves_with_every_piece_and_strikes_between_tokens_after_the_last() -> None:
    when, message, _ = struck(lambda deadlines, reader: stream(deadlines, reader, pieces=100, every_s=1.0))
    assert when == pytest.approx(130.0)
    assert "timeouts.between_tokens" in message


def test_pieces_arm_no_timer_each() -> None:
    few = struck(lambda deadlines, reader: stream(deadlines, reader, pieces=10, every_s=0.01))[2].armed
    many = struck(lambda deadlines, reader: stream(deadlines, reader, pieces=1010, every_s=0.01))[2].armed
    assert many - few - 1000 <= 2, "1000 of them are the sleeps of this test"


def test_without_a_token_the_first_is_waited_for_however_many_pings_come() -> None:
    async def ping(deadlines: Deadlines, reader: _Reader) -> None:
        deadlines.sent()
        for _ in range(50):
            await asyncio.sleep(1)
            deadlines.progressed(reader)

    when, message, _ = struck(ping)
    assert when == pytest.approx(60.0)
    assert "timeouts.first_token" in message


def test_the_whole_request_has_an_end_though_pieces_go_on() -> None:
    when, message, _ = struck(lambda deadlines, reader: stream(deadlines, reader, pieces=10_000, every_s=0.5))
    assert when == pytest.approx(600.0)
    assert "timeouts.request" in message


def test_a_deadline_that_moves_nearer_is_armed_at_once() -> None:
    async def stop(deadlines: Deadlines, reader: _Reader) -> None:
        await stream(deadlines, reader, pieces=3, every_s=1.0)
        reader.feed(1, "stop", b"")
        deadlines.progressed(reader)
        await asyncio.sleep(0.2)
        deadlines.progressed(reader)  # a server that goes on sending must not move it

    assert struck(stop)[0] == pytest.approx(3.25)


def test_an_answer_in_one_piece_has_only_the_whole() -> None:
    async def turn_whole(deadlines: Deadlines, reader: _Reader) -> None:
        deadlines.sent()
        deadlines.comes_whole()
        deadlines.progressed(reader)

    assert struck(turn_whole)[0] == pytest.approx(600.0)
    assert struck(turn_whole, streamed=False)[0] == pytest.approx(600.0)


def test_nothing_is_left_armed_behind_an_attempt() -> None:
    with asyncio.Runner(loop_factory=_SkippingLoop) as runner:
        loop = runner.get_loop()
        problems: list[object] = []
        loop.set_exception_handler(lambda _loop, context: problems.append(context))

        async def attempt() -> None:
            async with asyncio.timeout(None) as timer:
                with Deadlines(TIMEOUTS, timer, streamed=True) as deadlines:
                    deadlines.sent()
                    await asyncio.sleep(0)
            await asyncio.sleep(700)  # beyond all of its deadlines: a timer left behind would say so

        runner.run(attempt())
        assert loop.time() == pytest.approx(700.0)
        assert not problems
