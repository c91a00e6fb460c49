"""One real engine process for many sessions: starting one costs two seconds of CPU, and a screen test needs none of
its own unless it is about the engine's end."""

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from typing import IO

from tui import __version__
from tui.core.events import EngineReady, Event, RunEnded, RunStarted
from tui.engine.client import spawn
from tui.engine.protocol import (
    CancelRequests,
    Command,
    FrameSplitter,
    StartRun,
    decode_events,
    encode_command,
    greeting,
    greeting_in,
)

DEADLINE_S = 30.0
_BARRIER = 2**40
"""Run id of the empty runs that show that all commands before them were taken."""


class BorrowedEngine(subprocess.Popen[bytes]):
    """What a session takes for its engine process: pipes, and ends that end only the loan."""

    def __init__(self, stdin: int, stdout: int, stderr: int, pid: int) -> None:
        self.args = []
        self.pid = pid
        self.returncode = 0
        self.stdin: IO[bytes] = os.fdopen(stdin, "wb", buffering=0)
        self.stdout: IO[bytes] = os.fdopen(stdout, "rb", buffering=0)
        self.stderr: IO[bytes] = os.fdopen(stderr, "rb", buffering=0)

    def poll(self) -> int:
        return 0

    def wait(self, timeout: float | None = None) -> int:
        return 0

    def kill(self) -> None:
        """The process goes on: it is lent."""

    def close(self) -> None:
        for pipe in (self.stdin, self.stdout, self.stderr):
            pipe.close()


class SharedEngine:
    """A real engine that is lent to one session after another; what a session leaves in flight is cancelled."""

    def __init__(self) -> None:
        self._process = spawn()
        self._changed = threading.Condition()
        self._beginning = b""
        self._ready: bytes | None = None
        """Its frames up to the one that it is ready, with which every session begins."""
        self._borrower: int | None = None
        self._open: dict[int, tuple[int, ...]] = {}
        self._barriers = 0
        self._reader = threading.Thread(target=self._read, name="shared engine", daemon=True)
        self._reader.start()

    @contextlib.contextmanager
    def lend(self) -> Iterator[BorrowedEngine]:
        """The engine as a process for one session."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._ready is not None, DEADLINE_S), "the engine never got ready"
        assert self._ready is not None
        commands, commands_in = os.pipe()
        events, events_in = os.pipe()
        words, words_in = os.pipe()
        os.write(events_in, greeting(__version__) + self._ready)
        engine = BorrowedEngine(commands_in, events, words, self._process.pid)
        with self._changed:
            self._borrower = events_in
        relay = threading.Thread(target=self._relay, args=(commands, events_in), name="relay", daemon=True)
        relay.start()
        try:
            yield engine
        finally:
            engine.close()
            relay.join(DEADLINE_S)
            assert not relay.is_alive()
            os.close(words_in)

    def _relay(self, commands: int, events_in: int) -> None:
        """Pass on a session's commands; when it closes its end, end as an engine does: cancel, report, close."""
        while data := os.read(commands, 65_536):
            self._write(data)
        os.close(commands)
        self._settle()
        with self._changed:
            self._borrower = None
        os.close(events_in)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    def _settle(self) -> None:
        """Wait until nothing is in flight."""
        self._barriers += 1
        barrier = _BARRIER + self._barriers
        self._open[barrier] = ()
        self._send(StartRun(run_id=barrier, requests=()))
        with self._changed:
            assert self._changed.wait_for(lambda: barrier not in self._open, DEADLINE_S)
            left = tuple(request_id for ids in self._open.values() for request_id in ids)
        if left:
            self._send(CancelRequests(request_ids=left))
        with self._changed:
            assert self._changed.wait_for(lambda: not self._open, DEADLINE_S), f"still in flight: {self._open}"

    def _send(self, command: Command) -> None:
        self._write(encode_command(command))

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        while data:
            data = data[os.write(self._process.stdin.fileno(), data) :]

    def _read(self) -> None:
        assert self._process.stdout is not None
        splitter = FrameSplitter()
        begun, came = None, b""
        while data := os.read(self._process.stdout.fileno(), 65_536):
            if begun is None:
                came += data
                begun = greeting_in(came)
                data = begun.after if begun is not None else b""
            for payload in splitter.feed(data):
                self._take(payload)

    def _take(self, payload: bytes) -> None:
        frame = len(payload).to_bytes(4, "big") + payload
        with self._changed:
            events = decode_events(payload)
            if self._ready is None:
                self._beginning += frame
                if any(isinstance(event, EngineReady) for event in events):
                    self._ready = self._beginning
            into = self._borrower if not self._only_barriers(events) else None
            if into is not None:
                # The session may just have gone.
                with contextlib.suppress(BrokenPipeError):
                    os.write(into, frame)
            self._changed.notify_all()

    def _only_barriers(self, events: list[Event]) -> bool:
        """Follow which runs are open; whether these events are nobody's business but ours."""
        for event in events:
            if isinstance(event, RunStarted):
                self._open[event.run_id] = event.request_ids
            elif isinstance(event, RunEnded):
                self._open.pop(event.run_id, None)
        return all(isinstance(event, RunStarted | RunEnded) and event.run_id > _BARRIER for event in events)
