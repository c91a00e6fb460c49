"""A slow link between a program's terminal and the person's: so many bytes a second, so late, both ways.

A terminal of its own stands at the near end; whatever one side writes comes out at the other when the link has
carried it. The person's terminal answers what a terminal must (DSR 5).
"""

import os
import pty
import select
import threading
import time
import tty
from collections import deque

QUESTION, ANSWER = b"\x1b[5n", b"\x1b[0n"
_PIECE = 64


class SlowLink:
    """Carries bytes between `far`, the master of the program's pty, and a pty whose master is `near`."""

    def __init__(self, far: int, bytes_per_s: float, delay_s: float) -> None:
        self.near, self._near_slave = pty.openpty()
        tty.setraw(self._near_slave)
        self._far = far
        self._bytes_per_s, self._delay_s = bytes_per_s, delay_s
        self.largest_backlog = 0
        """Most bytes that were on the way to the person at any time, since this was last set to 0."""
        self._tail = b""
        self._on_the_way = 0
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def _carry(self) -> None:
        towards: dict[int, deque[tuple[float, bytes]]] = {self._far: deque(), self._near_slave: deque()}
        free_at = dict.fromkeys(towards, 0.0)
        while True:
            now = time.monotonic()
            for target, queue in towards.items():
                while queue and queue[0][0] <= now:
                    self._deliver(target, queue.popleft()[1], towards)
            due = min((queue[0][0] for queue in towards.values() if queue), default=now + 1)
            ready, _, _ = select.select([self._far, self._near_slave, self._stop_read], [], [], max(0.0, due - now))
            if self._stop_read in ready:
                return
            for source, target in ((self._far, self._near_slave), (self._near_slave, self._far)):
                if source in ready:
                    try:
                        data = os.read(source, 65536)
                    except OSError:
                        return
                    now = time.monotonic()
                    for start in range(0, len(data), _PIECE):
                        piece = data[start : start + _PIECE]
                        free_at[target] = max(free_at[target], now) + len(piece) / self._bytes_per_s
                        towards[target].append((free_at[target] + self._delay_s, piece))
            self._on_the_way = sum(len(piece) for _, piece in towards[self._near_slave])
            self.largest_backlog = max(self.largest_backlog, self._on_the_way)

    def _deliver(self, target: int, piece: bytes, towards: dict[int, deque[tuple[float, bytes]]]) -> None:
        os.write(target, piece)
        if target == self._near_slave:
            at = time.monotonic() + self._delay_s
            seen = self._tail + piece
            towards[self._far].extend((at, ANSWER) for _ in range(seen.count(QUESTION)))
            self._tail = seen[-len(QUESTION) + 1 :]

    def is_carrying(self) -> bool:
        """Whether anything is on the way to the person."""
        return bool(self._on_the_way or select.select([self._far], [], [], 0)[0])

    def close(self) -> None:
        """Cut the link."""
        os.write(self._stop_write, b"\0")
        self._thread.join()
        for fd in (self.near, self._near_slave, self._stop_read, self._stop_write):
            os.close(fd)
