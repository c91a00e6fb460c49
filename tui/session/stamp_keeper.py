"""`latency-tui engine --keep-stamps`: an engine whose loads stay, with all stamps and texts, in a history beside it.

It stands between an ordinary engine and whoever sends the load, who hears of each answer what its figures follow from
(`ContentSummed`) and of no piece of it. So what many engines measure fits through the one process that gathers it.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tui import child
from tui.config import paths
from tui.config.load import Flags, load
from tui.core.events import Content, Event, RequestEnded
from tui.engine.client import PipeReader
from tui.engine.protocol import (
    FrameSplitter,
    StartLoad,
    decode_command,
    decode_events,
    encode_events,
    greeting_in,
)
from tui.history.recorder import Recorder
from tui.session.live import LiveState
from tui.session.load import LoadRun

_LAST_WRITES_S = 5.0
"""Time for the history to take what was measured last, s."""


class StampKeeper:
    """Keeper of one engine's loads: stores what it hears of them, and says of it what is to be told on."""

    def __init__(self, recorder: Recorder | None) -> None:
        self._recorder = recorder
        self._live = LiveState()
        self._load: LoadRun | None = None

    def told(self, command: StartLoad) -> None:
        """Take in that the engine is told to send a share of a load."""
        self._live.set_targets(command.plan.lanes)
        self._live.next_request = command.first_request
        self._load = LoadRun(self._live, self._recorder, command.plan, command.settings, command.seed)
        self._load.uid = command.series or self._load.uid
        self._live.start_load(self._load)

    def heard(self, events: list[Event]) -> list[Event]:
        """Take in what the engine says; returns that without the content of the load's answers."""
        going = self._load
        if going is None:
            return events
        self._live.fold(events)
        given: list[Event] = []
        for event in events:
            record = going.record(getattr(event, "request_id", -1))
            if record is not None and isinstance(event, RequestEnded):
                summary = record.timeline.summary(event.request_id)
                given += [] if summary is None else [summary]
            if record is None or not isinstance(event, Content):
                given.append(event)
        if self._recorder is not None:
            self._recorder.add(events)
        self._live.settle(events)
        return given


class _Relay:
    """Pipes to the engine and from it, with the keeper between them."""

    def __init__(self, keeper: StampKeeper, engine: "subprocess.Popen[bytes]") -> None:
        self._keeper = keeper
        self._engine = engine
        self._commands = FrameSplitter()
        self._events = FrameSplitter()
        self._beginning: bytes | None = b""
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Carry everything until the engine has ended, which it does with our standard input. Raises ChildError."""
        loop, engine = asyncio.get_running_loop(), self._engine
        descriptor = os.dup(1)
        os.dup2(2, 1)  # whatever else prints is no event
        self._in, _ = await loop.connect_write_pipe(asyncio.Protocol, engine.stdin)
        self._out, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(descriptor, "wb", buffering=0))
        await loop.connect_read_pipe(lambda: PipeReader(self._told, self._in.close), sys.stdin.buffer)
        await loop.connect_read_pipe(lambda: PipeReader(self._heard, self._over.set), engine.stdout)
        await self._over.wait()
        self._out.close()
        await asyncio.sleep(0)

    def _told(self, data: bytes) -> None:
        if self._in.is_closing():
            return
        self._in.write(data)
        for payload in self._commands.feed(data):
            command = decode_command(payload)
            if isinstance(command, StartLoad):
                self._keeper.told(command)

    def _heard(self, data: bytes) -> None:
        if self._beginning is not None:
            self._beginning += data
            if (found := greeting_in(self._beginning)) is None:
                return
            self._out.write(self._beginning[: len(self._beginning) - len(found.after)])
            self._beginning, data = None, found.after
        for payload in self._events.feed(data):
            if given := self._keeper.heard(decode_events(payload)):
                self._out.write(encode_events(given))


def main(arguments: Sequence[str]) -> int:
    """Run an engine, with these arguments, and a keeper until its standard input ends; returns the exit status."""
    settings = load(Flags(), os.environ, Path("/dev/null")).settings.history
    recorder = Recorder(paths.history_file(), settings) if settings.enabled else None
    if recorder is not None:
        recorder.on_problem = lambda sentence: print(sentence, file=sys.stderr)  # noqa: T201 - said by the parent
        recorder.start()
    # Its errors are ours: what it says last is why it ended.
    command = child.own_command("engine", *arguments)
    engine = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    try:
        asyncio.run(_Relay(StampKeeper(recorder), engine).run())
    finally:
        status = child.wait_or_kill(engine)
        if recorder is not None:
            recorder.close(_LAST_WRITES_S)
    return status
