"""Deadlines of one attempt at a request: the whole request's, and the next step's.

A stream moves its deadline with every piece. A timer of the event loop is dear to move, so the one that is armed stays,
and is armed again when it rings too early.
"""

import asyncio
from typing import Self

from tui.core.events import Failure
from tui.core.target import Timeouts
from tui.engine import failures
from tui.engine.wires import AnswerReader

_END_OF_BODY_S = 0.25
"""Time for the end of the body after the answer's, s; then the connection is given up."""


class Deadlines:
    """The timeouts of one attempt, from `with` to its end; `timer` strikes for whichever comes first."""

    def __init__(self, timeouts: Timeouts, timer: asyncio.Timeout, *, streamed: bool) -> None:
        self._timeouts = timeouts
        self._timer = timer
        self._streamed = streamed
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._alarm: asyncio.TimerHandle | None = None
        """The armed timer, never later than `_due`."""
        self._struck = False
        self._whole = self._first_token_by = self._now() + timeouts.request
        self._due = self._whole
        self._is_ending = False
        # Until it is sent, the connect has its own timeout, and the start barrier opens in any case.
        self._wait_for_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def sent(self) -> None:
        """The request is sent: the time for the first token runs."""
        if self._streamed:
            self._first_token_by = self._now() + self._timeouts.first_token
            self._wait_until(self._first_token_by, "the first token", "first_token")

    def progressed(self, reader: AnswerReader) -> None:
        """Data came."""
        if self._is_ending:
            return  # Set once: a server that goes on sending must not move it.
        if reader.stopped:
            # Only the body's end is missing; reading it keeps the connection for the next run.
            self._is_ending = True
            self._move(min(self._now() + _END_OF_BODY_S, self._whole))
            return
        if not self._streamed:
            return  # There are no steps to wait for, only the whole.
        silence_until = self._now() + self._timeouts.between_tokens
        if reader.pieces or silence_until < self._first_token_by:
            self._wait_until(silence_until, "the next event of the stream", "between_tokens")
        else:
            self._wait_until(self._first_token_by, "the first token", "first_token")

    def comes_whole(self) -> None:
        """The answer comes in one piece: there are no steps to wait for."""
        self._streamed = False
        self._wait_for_all()

    def missed(self) -> Failure:
        """The deadline that struck."""
        return failures.timed_out(self._waiting_for, getattr(self._timeouts, self._setting), self._setting)

    def _wait_for_all(self) -> None:
        self._wait_until(self._whole, "the end of the answer", "request")

    def _wait_until(self, when: float, waiting_for: str, setting: str) -> None:
        """Move the deadline to the next step's, or to the whole request's if that comes first."""
        if self._struck:
            return
        if self._whole <= when:
            when, waiting_for, setting = self._whole, "the end of the answer", "request"
        self._waiting_for, self._setting = waiting_for, setting
        self._move(when)

    def _move(self, when: float) -> None:
        self._due = when
        if self._struck or (self._alarm is not None and self._alarm.when() <= when):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(when, self._ring, when)

    def _ring(self, armed_for: float) -> None:
        """The armed timer rang: strike, or arm it again if the deadline has moved since."""
        self._alarm = None
        if self._due > armed_for:
            self._alarm = self._loop.call_at(self._due, self._ring, self._due)
        else:
            self._struck = True
            self._timer.reschedule(self._due)
