"""What a screen of streaming panes costs: CPU of one core, bytes to the terminal, and time per token in long texts.

    python tests/benchmarks/stream_view.py [SECONDS]

Runs the panes at 120×40 on a terminal that only counts, 100 tokens a second each, painted 10 times a second. Tokens are
fed in the pace of the clock from inside the process, so the CPU includes making them.
"""

import os
import pty
import re
import sys
import termios
import threading
import time
from collections.abc import Callable
from itertools import cycle
from unittest.mock import patch

from dressed import DressedApp
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Grid

from tui.core.events import Kind
from tui.ui.viewmodel.wrapped_text import WrappedText
from tui.ui.widgets.stream_view import StreamView

TOKENS_PER_S = 100
FRAMES_PER_S = 10
TEXT = """ The time to first token is what a reader feels; the rest they read along, at their own pace.
Latency hides in queues — and in 漢字 too ✅, naturally."""
TOKENS = re.findall(r"\s?[^\s]{1,5}", TEXT)


class Panes(DressedApp):
    """Panes in a grid, fed and painted by one timer."""

    CSS = "Grid { grid-size: 4; } .few { grid-size: 2; } StreamView { border: round gray; }"

    def __init__(self, lanes: int, seconds: float, written: Callable[[], int]) -> None:
        super().__init__()
        self.written = written
        self.lanes = lanes
        self.seconds = seconds
        self.cpu_s = 0.0
        self.bytes = 0

    def compose(self) -> ComposeResult:
        with Grid(classes="few" if self.lanes <= 4 else ""):
            for _ in range(self.lanes):
                yield StreamView()

    def on_mount(self) -> None:
        self.views = list(self.query(StreamView))
        self.tokens = cycle(TOKENS)
        self.fed = 0
        self.set_timer(1, self.begin)

    def begin(self) -> None:
        self.written_before = self.written()
        self.began = time.perf_counter()
        self.cpu_began = time.process_time()
        self.set_interval(1 / FRAMES_PER_S, self.frame)

    def frame(self) -> None:
        elapsed = time.perf_counter() - self.began
        due = int(elapsed * TOKENS_PER_S)
        for view in self.views:
            for _ in range(due - self.fed):
                view.append(Kind.TEXT, next(self.tokens))
            view.tick()
        self.fed = due
        if elapsed >= self.seconds:
            self.cpu_s = time.process_time() - self.cpu_began
            self.bytes = self.written() - self.written_before
            self.exit()


def measure(lanes: int, seconds: float) -> tuple[float, float]:
    """CPU in percent of a core, and KB per second written, while `lanes` panes stream."""
    terminal, ours = pty.openpty()
    termios.tcsetwinsize(terminal, (40, 120))
    written = 0

    def count() -> None:
        nonlocal written
        while chunk := os.read(terminal, 65536):
            written += len(chunk)

    threading.Thread(target=count, daemon=True).start()
    shown, read = os.dup(2), os.dup(0)
    os.dup2(ours, 2)
    os.dup2(ours, 0)
    app = Panes(lanes, seconds, lambda: written)
    try:
        with os.fdopen(2, "w", closefd=False) as screen, patch.object(sys, "__stderr__", screen):
            app.run()
    finally:
        os.dup2(shown, 2)
        os.dup2(read, 0)
    return 100 * app.cpu_s / seconds, app.bytes / 1000 / seconds


def per_token_us(tokens: int) -> float:
    """Microseconds that one token costs a text that holds `tokens`; the best of several."""
    best = float("inf")
    text = WrappedText(60, cell_len)
    stream = cycle(TOKENS)
    for _ in range(tokens):
        text.append(Kind.TEXT, next(stream))
    for _ in range(40):
        began = time.perf_counter()
        for _ in range(500):
            text.append(Kind.TEXT, next(stream))
        best = min(best, (time.perf_counter() - began) / 500)
    return best * 1e6


def resize_ms(tokens: int) -> float:
    """Milliseconds to wrap a text of `tokens` for another width."""
    text = WrappedText(60, cell_len)
    stream = cycle(TOKENS)
    for _ in range(tokens):
        text.append(Kind.TEXT, next(stream))
    began = time.perf_counter()
    text.resize(55)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    print("lanes   CPU % of a core   KB/s to the terminal")
    for lanes in (4, 16):
        cpu, rate = measure(lanes, seconds)
        print(f"{lanes:5}   {cpu:15.1f}   {rate:20.1f}", flush=True)
    short, long = per_token_us(1_000), per_token_us(100_000)
    print(f"per token: {short:.2f} µs at 1,000 tokens, {long:.2f} µs at 100,000: {long / short:.2f} times")
    print(f"resize at 100,000 tokens: {resize_ms(100_000):.0f} ms")


if __name__ == "__main__":
    main()
