"""Pings of another machine's engine: they read its clock, and tell that it is still there."""

import asyncio
import time
from collections.abc import Callable

from tui.core.clocks import PINGS, ClockOffset, best_of, offset_of
from tui.core.engine_events import Ponged
from tui.engine.protocol import Ping

PING_EVERY_S = 5.0
_READ_CLOCK_EVERY_S = 60.0
PONG_WITHIN_S = 20.0
"""Silence after which another machine's engine counts as lost, s: above what ssh itself waits (`core.host`)."""


class Pinger:
    """Reads the clock of another machine's engine by pings, and hears from them that it is there."""

    def __init__(
        self,
        send: Callable[[Ping], None],
        on_clock: Callable[[ClockOffset], None],
        on_silence: Callable[[str], None],
    ) -> None:
        self._send = send
        self._on_clock = on_clock
        self._on_silence = on_silence
        self._sent: dict[int, int] = {}
        self._number = 0
        self._read: list[ClockOffset] = []
        self._next: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._read_again_ns = 0

    def start(self) -> None:
        """Begin to ping."""
        self._ping()

    def stop(self) -> None:
        """Ping no more."""
        for timer in (self._next, self._silence):
            if timer is not None:
                timer.cancel()
        self._next = self._silence = None
        self._sent.clear()

    def pong(self, pong: Ponged) -> None:
        """Take an answer."""
        received_ns = time.monotonic_ns()
        sent_ns = self._sent.pop(pong.number, None)
        if sent_ns is None:
            return
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        self._read.append(offset_of(sent_ns, pong.t_ns, received_ns))
        if received_ns < self._read_again_ns:
            self._read.clear()
        elif len(self._read) < PINGS:
            self._ping()
            return
        else:
            self._on_clock(best_of(self._read))
            self._read.clear()
            self._read_again_ns = received_ns + round(_READ_CLOCK_EVERY_S * 1e9)
        self._next = asyncio.get_running_loop().call_later(PING_EVERY_S, self._ping)

    def _ping(self) -> None:
        self._number += 1
        self._sent[self._number] = time.monotonic_ns()
        self._silence = asyncio.get_running_loop().call_later(PONG_WITHIN_S, self._silent)
        self._send(Ping(number=self._number))

    def _silent(self) -> None:
        self._on_silence(f"has not answered for {PONG_WITHIN_S:g} s")
