"""Parent's side of the engine: spawn it, send it commands, receive its events, and stop it."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Callable

from tui import child
from tui.core.events import EngineFailed, Event
from tui.core.plan import RequestSpec
from tui.core.sanitize import clean
from tui.engine.protocol import (
    CancelRequests,
    Command,
    CountTokens,
    Examine,
    FrameSplitter,
    ListModels,
    StartRun,
    decode_events,
    encode_command,
)
from tui.errors import ChildError

_KEPT_STDERR_BYTES = 4096


def spawn() -> "subprocess.Popen[bytes]":
    """Start an engine process. It ends when its standard input does, and so never outlives its parent.

    Separate from `EngineClient`, so that the engine's imports can run while the parent still does its own. Raises
    ChildError.
    """
    return child.spawn("engine", "engine")


class EngineClient:
    """One engine process, whose events arrive in batches at `on_events`, on the event loop of `connect`."""

    def __init__(self, process: "subprocess.Popen[bytes]", on_events: Callable[[list[Event]], None]) -> None:
        self._process = process
        self._on_events = on_events
        self._stdin: asyncio.WriteTransport | None = None
        self._stdout: asyncio.BaseTransport | None = None
        self._stderr: asyncio.BaseTransport | None = None
        self._splitter = FrameSplitter()
        self._words = b""
        self._stopping = False
        self._end: EngineFailed | None = None
        self._ready = False
        self._output_over = asyncio.Event()
        self._unsent: list[Command] = []

    @property
    def pid(self) -> int:
        """The engine's process id."""
        return self._process.pid

    async def connect(self) -> None:
        """Open the pipes, and send the commands that were given before; nothing if the engine is stopped meanwhile."""
        loop = asyncio.get_running_loop()
        process = self._process
        self._stdout, _ = await loop.connect_read_pipe(lambda: _Reader(self._receive, self._lost), process.stdout)
        self._stderr, _ = await loop.connect_read_pipe(lambda: _Reader(self._hear), process.stderr)
        if not self._stopping:
            self._stdin, _ = await loop.connect_write_pipe(asyncio.Protocol, process.stdin)
        if self._stopping:
            # `stop` saw only the pipes that were open by then: a person may leave before the first frame is out.
            for transport in (self._stdin, self._stdout, self._stderr):
                if transport is not None:
                    transport.close()
            return
        for command in self._unsent:
            self._send(command)
        self._unsent.clear()

    def start_run(self, run_id: int, requests: tuple[RequestSpec, ...], at_once: int | None = None) -> None:
        """Fire `requests` as one run, `at_once` at a time (see `StartRun`).

        If the engine has died, that is reported again: its requests fail with it.
        """
        if self._end is not None:
            self._on_events([self._end])
            return
        self._send(StartRun(run_id=run_id, requests=requests, at_once=at_once))

    def cancel(self, request_ids: tuple[int, ...]) -> None:
        """Cancel these requests; each reports its end."""
        self._send(CancelRequests(request_ids=request_ids))

    def ask_aside(self, command: CountTokens | ListModels | Examine) -> None:
        """Start a look-up. An engine that has died does not answer."""
        if self._end is None:
            self._send(command)

    async def stop(self) -> None:
        """Let the engine close its connections and end, or kill it. Events that it still sends are delivered."""
        self._stopping = True
        if self._stdin is not None:
            self._stdin.close()
        elif self._process.stdin is not None:
            self._process.stdin.close()
        # An engine that is still importing has nothing in flight, and would not notice before it is done.
        if self._ready and self._stdout is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(child.STOP_WITHIN_S):
                    await self._output_over.wait()
            await asyncio.to_thread(child.wait_or_kill, self._process)
        self.kill()
        for transport in (self._stdout, self._stderr):
            if transport is not None:
                transport.close()

    def kill(self) -> None:
        """End the engine at once; safe to call at any time, from outside the event loop too."""
        self._stopping = True
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def _send(self, command: Command) -> None:
        if self._stdin is None:
            self._unsent.append(command)
        elif not self._stdin.is_closing():
            self._stdin.write(encode_command(command))

    def _receive(self, data: bytes) -> None:
        self._ready = True
        try:
            for payload in self._splitter.feed(data):
                self._on_events(decode_events(payload))
        except ChildError as error:
            self._words = str(error).encode()
            self._process.kill()

    def _lost(self) -> None:
        """The engine's output ended: it was stopped, or it died."""
        self._output_over.set()
        if self._stopping:
            return
        self._stopping = True
        for transport in (self._stdin, self._stdout, self._stderr):
            if transport is not None:
                transport.close()
        status = child.wait_or_kill(self._process)
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        lines = clean(self._words.decode("utf-8", "replace")).strip().splitlines()
        last_words = f" ({lines[-1]})" if lines else ""
        self._end = EngineFailed(t_ns=time.monotonic_ns(), message=f"The measuring process {how}{last_words}.")
        self._on_events([self._end])

    def _hear(self, words: bytes) -> None:
        """Keep the last of the engine's standard error: a traceback's end, if it dies."""
        self._words = (self._words + words)[-_KEPT_STDERR_BYTES:]


class _Reader(asyncio.Protocol):
    """One pipe from the engine."""

    def __init__(self, on_data: Callable[[bytes], None], on_end: Callable[[], None] | None = None) -> None:
        self._on_data = on_data
        self._on_end = on_end

    def data_received(self, data: bytes) -> None:
        self._on_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._on_end is not None:
            self._on_end()
