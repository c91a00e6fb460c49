"""The engine's main loop: commands in on standard input, events out on standard output."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from typing import NoReturn

from tui.core.events import EngineReady
from tui.engine.lookups import Lookups
from tui.engine.messages_api import SDK_VERSION, MessagesApi
from tui.engine.outbox import Outbox
from tui.engine.protocol import (
    CancelRequests,
    Command,
    CountTokens,
    FrameSplitter,
    ListModels,
    StartRun,
    decode_command,
)
from tui.engine.scheduler import Scheduler
from tui.engine.warmup import rehearse
from tui.errors import ChildError, ExitCode

_LAST_EVENTS_S = 1.0
"""How long the parent may take to read how the last requests ended."""


class _CommandReader(asyncio.Protocol):
    """Splits standard input into commands; its end, or a frame out of step, ends the engine."""

    def __init__(self, commands: "asyncio.Queue[Command | None]") -> None:
        self._commands = commands
        self._splitter = FrameSplitter()

    def data_received(self, data: bytes) -> None:
        try:
            for payload in self._splitter.feed(data):
                self._commands.put_nowait(decode_command(payload))
        except ChildError as error:
            print(error, file=sys.stderr)  # noqa: T201 - the parent's last words of us
            self._commands.put_nowait(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._commands.put_nowait(None)


class _EventWriter(asyncio.Protocol):
    """Knows when all that was written has been taken by the parent, or never will be."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    commands: asyncio.Queue[Command | None] = asyncio.Queue()
    # Events go out on the descriptor that was standard output; whatever else prints goes to standard error instead.
    events_fd = os.dup(1)
    os.dup2(2, 1)
    await loop.connect_read_pipe(lambda: _CommandReader(commands), sys.stdin.buffer)
    transport, writer = await loop.connect_write_pipe(_EventWriter, os.fdopen(events_fd, "wb", buffering=0))
    outbox = Outbox(transport)
    api = MessagesApi()
    scheduler = Scheduler(api.ask, outbox.put)
    lookups = Lookups(api.keys, api.clients, outbox.put)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, commands.put_nowait, None)
    calibration = await rehearse(api.ask)
    outbox.put(EngineReady(pid=os.getpid(), sdk_version=SDK_VERSION, calibration=calibration))
    # What the imports made is never garbage: leave it out of every later collection, and of its pauses.
    gc.collect()
    gc.freeze()
    while (command := await commands.get()) is not None:
        match command:
            case StartRun():
                # Nothing else is on the wire while it is measured.
                await lookups.cancel()
                scheduler.start(command)
            case CancelRequests(request_ids=request_ids):
                scheduler.cancel(request_ids)
            case CountTokens(requests=requests):
                lookups.count(requests)
            case ListModels(endpoints=endpoints):
                lookups.list_models(endpoints)
    await lookups.cancel()
    await scheduler.shut_down()
    await api.aclose()
    outbox.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_EVENTS_S):
            await writer.over.wait()


def main() -> NoReturn:
    """Run the engine until its standard input ends."""
    asyncio.run(_serve())
    # Connections are closed and events delivered; taking thousands of modules apart would only keep the parent waiting.
    os._exit(ExitCode.OK)
