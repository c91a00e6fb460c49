"""What the dashboard costs: the real command on a real terminal (120×40), with the real engine and simulator.

    python tests/benchmarks/dashboard.py [--quick] [start] [stream] [length] [echo] [idle] [paste]

Without names, everything. CPU is that of the UI process alone. Nothing is asserted: figures on a busy machine are
noisy, so compare ratios, and run it twice.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from harness import LATENCY_TUI, Terminal, percentile, sealed, steady
from long_lane import cpu_per_token_us

HELLO = [sys.executable, str(Path(__file__).with_name("hello.py"))]
FULL_PAINT = ("latency-tui", "Parameters", "Models", "claude-opus-5-5", "F5 runs the prompt.", "Session", "Quit")
"""One text of every part of the first screen."""
RARE = [chr(code) for code in (*range(0x0430, 0x0482), *range(0x048A, 0x052F), *range(0x0561, 0x0587))]
"""Letters that stand nowhere on the screen until they are typed."""
PASTE_BYTES = 200_000


def start(*, quick: bool) -> None:
    """Exec to the first screen with everything on it, against a bare Textual app, in turns."""
    ours: list[float] = []
    theirs: list[float] = []
    settled: list[float] = []
    paints: list[int] = []
    paints_of_hello: list[int] = []
    with sealed() as (_, environment):
        for _ in range(3 if quick else 9):
            with Terminal(HELLO, environment) as terminal:
                terminal.wait_for("Hello from Textual")
                terminal.settle(0.5)
                theirs.append(terminal.first_frame_with(["Hello from Textual"]) - terminal.started)
                paints_of_hello.append(terminal.count("Hello from Textual"))
            with Terminal([LATENCY_TUI, "--demo"], environment) as terminal:
                terminal.wait_for("ready")
                terminal.settle(0.5)
                ours.append(terminal.first_frame_with(FULL_PAINT) - terminal.started)
                settled.append(terminal.first_full_frame() - terminal.started)
                paints.append(terminal.count("max tokens"))
                written = terminal.written
    ratio = median(ours) / median(theirs)
    row("exec to first full paint", f"{median(ours):.2f} s", f"hello {median(theirs):.2f} s", "")
    row("  times a bare Textual app", f"{ratio:.2f}", f"{min(ours) / min(theirs):.2f} by the fastest", "1.4")
    row("  until all is in its place", f"{median(settled):.2f} s", f"{median(settled) / median(theirs):.2f} times", "")
    row(
        "  first screen painted",
        f"{median(paints):g} times",
        f"hello {median(paints_of_hello):g}; {written / 1000:.0f} KB",
        "1",
    )


def stream(*, quick: bool) -> None:
    """CPU of the UI process and bytes to the terminal in steady streaming."""
    seconds = 8 if quick else 15
    for lanes, cpu_target, bytes_target in ((4, "8 %", "45"), (16, "15 %", "80")):
        with sealed() as (home, environment), Terminal([*steady(home, lanes), "--run"], environment) as terminal:
            terminal.wait_for("streaming")
            time.sleep(5)
            began, cpu, written = time.monotonic(), terminal.cpu_s, terminal.written
            time.sleep(seconds)
            elapsed = time.monotonic() - began
            share = (terminal.cpu_s - cpu) / elapsed
            rate = (terminal.written - written) / elapsed / 1000
        row(f"{lanes} lanes of 100 tokens/s, CPU", f"{share:.1%} of a core", "", cpu_target)
        row("  to the terminal", f"{rate:.1f} KB/s", "", bytes_target)


def length(*, quick: bool) -> None:
    """What a token costs in a long answer against a short one."""
    rounds = 2 if quick else 4
    short, long = (min(cpu_per_token_us(tokens) for _ in range(rounds)) for tokens in (1_000, 100_000))
    row("CPU per token, lane and chart", f"{short:.0f} µs at 1,000", f"{long:.0f} µs at 100,000", "")
    row("  ratio", f"{long / short:.2f}", "", "1.15")


def echo(*, quick: bool) -> None:
    """From a key to its letter on the terminal, with 16 lanes streaming; in turns, in a bare Textual app that does
    nothing else, while those lanes stream: what the machine allows.
    """
    times: dict[str, list[float]] = {"ours": [], "hello": []}
    with (
        sealed() as (home, environment),
        Terminal([*steady(home, 16), "--run"], environment) as terminal,
        Terminal([*HELLO, "input"], environment) as hello,
    ):
        terminal.wait_for("streaming")
        hello.wait_for("Hello")
        time.sleep(4)
        for key in RARE[: 80 if quick else 250]:
            times["ours"].append(_echo_s(terminal, key))
            times["hello"].append(_echo_s(hello, key))
    (p50, p99), (_, bare_p99) = (
        [1000 * percentile(times[of], share) for share in (0.5, 0.99)] for of in ("ours", "hello")
    )
    beside = f"p50 {p50:.1f}, bare app's p99 {bare_p99:.1f}"
    row("key to echo, 16 lanes, p99", f"{p99:.1f} ms", beside, "40 ms")


def _echo_s(terminal: Terminal, key: str) -> float:
    time.sleep(random.uniform(0.03, 0.15))
    since, began = terminal.written, time.monotonic()
    terminal.send(key.encode())
    return terminal.wait_for(key, since) - began


def idle(*, quick: bool) -> None:
    """Bytes in five seconds in which nothing happens."""
    del quick
    with sealed() as (home, environment), Terminal(steady(home, 3, max_tokens=50), environment) as terminal:
        terminal.wait_for("ready")
        terminal.settle(1)
        row("written in 5 s idle, after start", f"{_idle_bytes(terminal)} bytes", "", "0")
        terminal.send(b"\x1b[15~")  # F5
        terminal.wait_for("run 1 done")
        terminal.settle(1)
        row("  after a run", f"{_idle_bytes(terminal)} bytes", "", "0")


def _idle_bytes(terminal: Terminal) -> int:
    written = terminal.written
    time.sleep(5)
    return terminal.written - written


def paste(*, quick: bool) -> None:
    """Until a key shows that is typed right after 200 kB were pasted into the editor."""
    line = "The time to first token is what a reader feels; the rest they read along.\n"
    shapes = [("in lines", line)] if quick else [("in lines", line), ("in one line", line.replace("\n", " "))]
    for shape, text in shapes:
        with sealed() as (_, environment), Terminal([LATENCY_TUI, "--demo"], environment) as terminal:
            terminal.wait_for("ready")
            terminal.settle(1)
            began, since = time.monotonic(), terminal.written
            terminal.send(b"\x1b[200~" + (text * PASTE_BYTES)[:PASTE_BYTES].encode() + b"\x1b[201~" + RARE[0].encode())
            took = terminal.wait_for(RARE[0], since, timeout_s=60) - began
        row(f"paste of 200 kB {shape}, then a key", f"{1000 * took:.0f} ms", "", "")


SECTIONS: dict[str, Callable[..., None]] = {
    "start": start,
    "stream": stream,
    "length": length,
    "echo": echo,
    "idle": idle,
    "paste": paste,
}


def row(what: str, figure: str, beside: str, target: str) -> None:
    """Print a line of the table."""
    print(f"{what:<38} {figure:>18}  {beside:<26} {target:>8}", flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"some of: {', '.join(SECTIONS)}")
    options = parser.parse_args()
    for name in options.sections:
        if name not in SECTIONS:
            parser.error(f"{name!r} is none of {', '.join(SECTIONS)}")
    row("", "measured", "", "target")
    for name in options.sections or SECTIONS:
        SECTIONS[name](quick=options.quick)


if __name__ == "__main__":
    main()
