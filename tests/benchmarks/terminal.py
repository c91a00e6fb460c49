"""What the screen asks of a terminal and its link: the figures of a session over SSH, as ratios in one run.

    python tests/benchmarks/terminal.py [--quick] [--beside COMMAND ...] [start] [echo] [link] [bytes] [idle] [end]
                                        [memory] [beside]

Without names, everything. `--beside` names other Textual programs, each as the path of its command, to be started in
turns with ours; best installed in environments of their own, as by `uv tool install posting elia-chat`. Nothing is
asserted: figures on a busy machine are noisy, so compare ratios, run it twice.
"""

import argparse
import os
import pty
import random
import select
import signal
import subprocess
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from dashboard import HELLO, RARE, echo, idle, row, start
from harness import LATENCY_TUI, Terminal, percentile, sealed, steady

SLOW = (8_000.0, 0.1)
"""64 kbit/s, 200 ms there and back."""


def link(*, quick: bool) -> None:
    """From a key to its letter over a slow link, beyond what the link itself takes."""
    times: dict[int, list[float]] = {}
    for lanes in (4, 16):
        with sealed() as (home, environment), Terminal([*steady(home, lanes), "--run"], environment, SLOW) as terminal:
            terminal.wait_for("streaming", timeout_s=60)
            time.sleep(15)
            times[lanes] = []
            for key in RARE[: 20 if quick else 60]:
                time.sleep(random.uniform(0.3, 0.8))
                since, began = terminal.written, time.monotonic()
                terminal.send(key.encode())
                times[lanes].append(terminal.wait_for(key, since, timeout_s=60) - began - 2 * SLOW[1])
        p50, p99 = (1000 * percentile(times[lanes], share) for share in (0.5, 0.99))
        row(
            f"key to echo, slow link, {lanes} lanes, p99",
            f"{p99:.0f} ms",
            f"p50 {p50:.0f}, without its 200 ms",
            "100 ms",
        )


def sizes(*, quick: bool) -> None:
    """Bytes per second to the terminal, and packed piece by piece as `ssh -C` does."""
    seconds = 5 if quick else 15
    for lanes in (4, 16):
        with sealed() as (home, environment), Terminal([*steady(home, lanes), "--run"], environment) as terminal:
            terminal.wait_for("streaming")
            time.sleep(3)
            since, began = terminal.written, time.monotonic()
            time.sleep(seconds)
            elapsed = time.monotonic() - began
            pieces = list(terminal.reads(since))
        packer = zlib.compressobj(6)
        packed = sum(len(packer.compress(piece)) + len(packer.flush(zlib.Z_SYNC_FLUSH)) for piece in pieces)
        plain = sum(map(len, pieces))
        row(
            f"{lanes} lanes, bytes to the terminal",
            f"{plain / elapsed / 1000:.1f} KB/s",
            f"as ssh -C {packed / elapsed / 1000:.1f} KB/s, 1/{plain / packed:.0f}",
            "",
        )


def end(*, quick: bool) -> None:
    """From a signal to the end of the program, in mid-run; the terminal reads on, or takes nothing."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        for stalled in (False, True):
            took = [_end_s(number, stalled=stalled) for _ in range(2 if quick else 7)]
            what = f"{number.name} to the end{', terminal stalled' if stalled else ''}"
            row(what, f"{1000 * median(took):.0f} ms", f"max {1000 * max(took):.0f}", "500 ms")


def _end_s(number: signal.Signals, *, stalled: bool) -> float:
    with sealed() as (home, environment):
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [*steady(home, 4), "--run"],
            **dict.fromkeys(("stdin", "stdout", "stderr"), slave),  # type: ignore[call-overload]
            env=environment,
            start_new_session=True,
        )
        ended = os.pidfd_open(process.pid)
        seen = b""
        while b"streaming" not in seen:
            seen += os.read(master, 65536)
        if stalled:
            filler = os.open(os.ttyname(slave), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            try:
                while True:
                    os.write(filler, b"\0" * 4096)
            except BlockingIOError:
                os.close(filler)
        began = time.monotonic()
        process.send_signal(number)
        while ended not in (ready := select.select([ended] if stalled else [ended, master], [], [])[0]):
            os.read(ready[0], 65536)
        took = time.monotonic() - began
        process.wait()
        for fd in (master, slave, ended):
            os.close(fd)
        return took


def memory(*, quick: bool) -> None:
    """Resident memory of the UI process before and after an hour's worth of one lane's tokens, in a minute."""
    lanes, seconds = 60, 10 if quick else 60
    with sealed() as (home, environment), Terminal([*steady(home, lanes), "--run"], environment) as terminal:
        terminal.wait_for("streaming")
        before = terminal.resident_mb
        time.sleep(seconds)
        after = terminal.resident_mb
    tokens = lanes * seconds * 100
    row(
        f"memory after {tokens:,} tokens", f"{after:.0f} MB", f"{before:.0f} MB at the first, x{after / before:.2f}", ""
    )


def beside(*, quick: bool, others: Sequence[str] = ()) -> None:
    """Ours and other Textual programs, started in turns: until the first screen stands, what they write, what they
    hold. Their first screens show different things; ours alone has children, which do not count.
    """
    commands = {"a bare Textual app": HELLO, "latency-tui": [LATENCY_TUI, "--demo"]} | {
        Path(other).name: [other] for other in others
    }
    starts: dict[str, list[float]] = {name: [] for name in commands}
    idles: dict[str, int] = {}
    held: dict[str, float] = {}
    for _ in range(2 if quick else 7):
        for name, command in commands.items():
            with sealed() as (_, environment), Terminal(command, environment) as terminal:
                time.sleep(6)
                written = terminal.written
                time.sleep(2)
                idles[name], held[name] = (terminal.written - written) // 2, terminal.resident_mb
                starts[name].append(terminal.first_full_frame() - terminal.started)
    bare = median(starts["a bare Textual app"])
    for name in commands:
        took = median(starts[name])
        says = f"{idles[name]} bytes/s idle, {held[name]:.0f} MB"
        row(f"{name}, first screen", f"{took:.2f} s, x{took / bare:.2f}", says, "")


SECTIONS: dict[str, Callable[..., None]] = {
    "start": start,
    "echo": echo,
    "link": link,
    "bytes": sizes,
    "idle": idle,
    "end": end,
    "memory": memory,
    "beside": beside,
}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--beside", action="append", default=[], metavar="COMMAND", help="another program's path")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"some of: {', '.join(SECTIONS)}")
    options = parser.parse_args()
    for name in options.sections:
        if name not in SECTIONS:
            parser.error(f"{name!r} is none of {', '.join(SECTIONS)}")
    row("", "measured", "", "target")
    for name in options.sections or SECTIONS:
        SECTIONS[name](quick=options.quick, **({"others": options.beside} if name == "beside" else {}))


if __name__ == "__main__":
    main()
