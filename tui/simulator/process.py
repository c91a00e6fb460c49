"""The simulator as a child process, as its parent sees it."""

import contextlib
import socket
import subprocess
from pathlib import Path
from typing import Self

from tui import child
from tui.errors import ChildError
from tui.secret_names import without_secrets


class SimulatorProcess:
    """A simulator on a free port. It ends when its standard input does, so it never outlives its parent."""

    def __init__(self, *, seed: int = 0, fault: str | None = None, log: Path | None = None) -> None:
        """Prepare one to be started with `launch`. Raises ChildError.

        Its address is valid at once: the listening socket is made here, and connections wait in it.
        """
        self._arguments = ["--seed", str(seed)]
        if fault is not None:
            self._arguments += ["--fault", fault]
        if log is not None:
            self._arguments += ["--log", str(log)]
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        except OSError as error:
            raise _cannot_start(error) from None
        self._address: tuple[str, int] = self._listener.getsockname()
        self.base_url = f"http://127.0.0.1:{self._address[1]}"
        """Its address, without a slash at the end."""

    @classmethod
    def start(cls, *, seed: int = 0, fault: str | None = None, log: Path | None = None) -> Self:
        """Start one. Raises ChildError."""
        simulator = cls(seed=seed, fault=fault, log=log)
        simulator.launch()
        return simulator

    def launch(self) -> None:
        """Start it, or start it again at the same address if it has ended. Raises ChildError."""
        if self.is_running():
            return
        try:
            if self._process is not None:
                self.stop()
                self._listener = socket.create_server(self._address, backlog=1024)
            # Close our socket: once the child has gone, connections are refused instead of waiting for ever.
            with self._listener as listener:
                fd = listener.fileno()
                self._process = child.spawn(
                    "simulator",
                    *("simulate", "--listen-fd", str(fd), *self._arguments),
                    output=subprocess.DEVNULL,
                    pass_fds=(fd,),
                    environment=without_secrets(),
                )
        except OSError as error:
            raise _cannot_start(error) from None

    @property
    def pid(self) -> int:
        """Its process id, once it is launched."""
        assert self._process is not None
        return self._process.pid

    def is_running(self) -> bool:
        """Report whether it was launched and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Let it write its log and end, or kill it after `child.STOP_WITHIN_S`."""
        if self._process is None:
            self._listener.close()
            return
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        child.wait_or_kill(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _cannot_start(error: OSError) -> ChildError:
    return ChildError(f"The simulator cannot be started: {error.strerror or error}.")
