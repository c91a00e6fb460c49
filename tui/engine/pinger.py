"""Pings of an engine: they tell that it is still there, and read the clock of another machine's."""

import asyncio
import time
from collections.abc import Callable

from tui.core.engine_events import PINGS, ClockOffset, Ponged, best_of, offset_of
from tui.engine.protocol import Ping

PING_EVERY_S = 5.0
_READ_CLOCK_EVERY_S = 60.0
PONG_WITHIN_S = 20.0
"""Silence after which an engine counts as lost, s: above what ssh itself waits (`core.host`)."""
_PARTS = 4


class Silence:
    """Timer of a silence, in time for which this process ran: one that was stopped meanwhile hears first what came."""

    def __init__(self, on_silence: Callable[[], None]) -> None:
        self._on_silence = on_silence
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, within_s: float) -> None:
        """Count from now on, unless `stop` comes."""
        self.stop()
        self._part(within_s / _PARTS, _PARTS)

    def stop(self) -> None:
        """Count no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _part(self, seconds: float, left: int) -> None:
        """Wait for a part: however long the process is stopped, that takes one of them."""
        if left:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._part, seconds, left - 1)
        else:
            self._on_silence()


class Pinger:
    """Hears from pings that an engine is there, and reads the clock of another machine's by them."""

    def __init__(
        self,
        send: Callable[[Ping], None],
        on_clock: Callable[[ClockOffset], None],
        on_silence: Callable[[str], None],
        *,
        is_here: bool,
    ) -> None:
        self._is_here = is_here
        self._send = send
        self._on_clock = on_clock
        self._on_silence = on_silence
        self._sent: dict[int, int] = {}
        self._number = 0
        self._read: list[ClockOffset] = []
        self._next: asyncio.TimerHandle | None = None
        self._silence = Silence(lambda: self._on_silence(f"has not answered for {PONG_WITHIN_S:g} s"))
        self._read_again_ns = 0

    def start(self) -> None:
        """Begin to ping."""
        self._ping()

    def stop(self) -> None:
        """Ping no more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        self._silence.stop()
        self._sent.clear()

    def pong(self, pong: Ponged) -> None:
        """Take an answer."""
        received_ns = time.monotonic_ns()
        sent_ns = self._sent.pop(pong.number, None)
        if sent_ns is None:
            return
        self._silence.stop()
        self._read.append(offset_of(sent_ns, pong.t_ns, received_ns))
        if self._is_here or received_ns < self._read_again_ns:
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
        self._silence.begin(PONG_WITHIN_S)
        self._send(Ping(number=self._number, is_lifeline=not self._is_here))
