"""Processes of the program: its own subcommands, started and ended in one way, and closed to others' eyes."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from tui.errors import ChildError

_PR_SET_DUMPABLE = 4
"""<linux/prctl.h>; undone by every exec, while the limit of core dumps is inherited."""
STOP_WITHIN_S = 1.0
"""Time for a child to stop before it is killed, s."""


def own_command(*arguments: str) -> list[str]:
    """Command line that runs this program with `arguments`."""
    # -P: a directory named `tui` in the working directory must not be taken for ours.
    return [sys.executable, "-P", "-m", "tui", *arguments]


def spawn(
    name: str,
    *arguments: str,
    output: int = subprocess.PIPE,
    pass_fds: tuple[int, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start this program with `arguments`, its input a pipe, its output and errors pipes or `subprocess.DEVNULL`.

    A pipe that nobody reads would block the child once it is full. Raises ChildError, which calls the child `name`.
    """
    return launch(name, own_command(*arguments), output=output, pass_fds=pass_fds, environment=environment)


def launch(
    name: str,
    command: Sequence[str],
    *,
    output: int = subprocess.PIPE,
    pass_fds: tuple[int, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start any program as `spawn` starts this one. Raises ChildError."""
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            bufsize=0,
            pass_fds=pass_fds,
            env=environment,
            # A terminal's Ctrl+C and hang-up are for the parent, which then ends its children in order.
            start_new_session=True,
        )
    except OSError as error:
        raise ChildError(f"The {name} cannot be started: {error.strerror or error}.") from None


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End a child at once, and what it has started: a shell around a program must not leave that behind."""
    if process.poll() is None:
        if process.pid:  # one on a worker of a cluster has no id here, and 0 is our own group
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # it began a session, and so a group, of its own
        process.kill()


def wait_or_kill(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a child that was asked to stop, and kill it after `STOP_WITHIN_S`. Gives its exit status."""
    try:
        return process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        kill(process)
        return process.wait()


def seal() -> None:
    """Keep this process's memory, which may hold keys, from core dumps and from other processes of the same user."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
