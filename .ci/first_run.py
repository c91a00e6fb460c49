"""Runs the README's first command in a pty as a person would: waits for the screen, presses F5, waits, presses F10."""

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from collections.abc import Callable

import pyte

COLUMNS, ROWS = 120, 40
INSTALL_S, STEP_S = 600, 60


def main(command: str) -> int:
    """Run `command`; 0 if three lanes finished and it left with 0."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execvp("bash", ["bash", "-c", command])  # noqa: S606, S607
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)

    def wait(what: str, seen: Callable[[str], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not seen("\n".join(screen.display)):
            readable, _, _ = select.select([terminal], [], [], 1.0)
            try:
                data = os.read(terminal, 65536) if readable else b""
            except OSError:
                data = b""
            stream.feed(data)
            if time.monotonic() > deadline or (readable and not data):
                raise SystemExit(f"{what} did not appear:\n" + "\n".join(screen.display))

    wait("The screen", lambda text: "SIMULATED" in text and "ready" in text, INSTALL_S)
    os.write(terminal, b"\x1b[15~")
    wait("The end of a run of three lanes", lambda text: "run 1 done" in text and text.count("✔ done") == 3, STEP_S)
    print("\n".join(screen.display))  # noqa: T201
    os.write(terminal, b"\x1b[21~")
    deadline = time.monotonic() + STEP_S
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        readable, _, _ = select.select([terminal], [], [], 0.2)
        if readable:
            try:
                os.read(terminal, 65536)
            except OSError:
                continue
    raise SystemExit("F10 did not end the program.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
