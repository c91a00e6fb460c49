"""Main loop of the engine: commands in on standard input, events out on standard output."""

import asyncio
import contextlib
import gc
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from tui import __version__
from tui.config.endpoints import CUSTOM_HEADERS_VARIABLE
from tui.core.engine_events import Hello, Ponged
from tui.core.events import Content, EngineReady, Event
from tui.engine import files, protocol
from tui.engine.load import LoadScheduler
from tui.engine.lookups import Lookups
from tui.engine.own_settings import OwnSettings
from tui.engine.pinger import Silence
from tui.engine.redaction import Redactor
from tui.engine.request import RequestSender
from tui.engine.scheduler import Scheduler
from tui.engine.transport.socket_stream import kernel_stamping, usual_stamp_source
from tui.engine.transport.watched_loop import WatchedLoop
from tui.engine.warmup import rehearse
from tui.engine.wires.messages.wire import SDK_VERSION
from tui.errors import ChildError, ConfigError, ExitCode

FLUSH_INTERVAL_S = 0.03
"""Time for which events are gathered, s: below a frame of the screen, above the cost of a write."""

_HIGH_WATER_BYTES = 64 * 1024
_MOST_JOINED, _LONGEST_JOINED = 1024, 64 * 1024
"""Most pieces of content in one event, and most characters of one that others are joined to: a frame has a limit."""
_LAST_EVENTS_S = 1.0
"""Time for the parent to read the ends of the last requests, s."""


class Outbox:
    """Gathers events and writes them to a pipe in batches, without ever blocking the engine.

    When the parent does not read, events stay here, where consecutive content of a request is joined; stamps travel
    inside the events, so that a late write changes no time. Memory is bounded by the content itself.
    """

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self._transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        self._events: list[Event] = []
        self._open_content: dict[int, Content] = {}
        self._timer: asyncio.TimerHandle | None = None

    def put(self, event: Event) -> None:
        """Add one event. Order is kept per request and among events other than content."""
        if isinstance(event, Content):
            content = self._open_content.get(event.request_id)
            if content is not None and content.kind is event.kind and _has_room(content):
                content.t_ns.extend(event.t_ns)
                content.texts.extend(event.texts)
                return
            self._open_content[event.request_id] = event
        elif (request_id := getattr(event, "request_id", None)) is not None:
            self._open_content.pop(request_id, None)
        self._events.append(event)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_INTERVAL_S, self._flush)

    def put_now(self, event: Event) -> None:
        """Write one event before those that are gathered: an answer whose delay counts."""
        if not self._transport.is_closing():
            self._transport.write(protocol.encode_events([event]))

    def _flush(self) -> None:
        self._timer = None
        if not self._events or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > _HIGH_WATER_BYTES:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_INTERVAL_S, self._flush)
            return
        self._transport.write(protocol.encode_events(self._events))
        self._events.clear()
        self._open_content.clear()

    def close(self) -> None:
        """Write what is left and close the pipe."""
        if self._timer is not None:
            self._timer.cancel()
        if self._events and not self._transport.is_closing():
            self._transport.write(protocol.encode_events(self._events))
            self._events.clear()
        self._transport.close()


def _has_room(content: Content) -> bool:
    return len(content.texts) < _MOST_JOINED and len(content.texts[-1]) < _LONGEST_JOINED


class _CommandReader(asyncio.Protocol):
    """Splits standard input into commands; its end, or a frame out of step, ends the engine.

    Pings are answered as they are read. After one from another machine, silence for `ping_within_s` ends it too.
    """

    def __init__(
        self,
        commands: "asyncio.Queue[protocol.Command | None]",
        on_pong: Callable[[Ponged], None],
        ping_within_s: float,
    ) -> None:
        self._commands = commands
        self._on_pong = on_pong
        self._ping_within_s = ping_within_s
        self._splitter = protocol.FrameSplitter()
        self._silence = Silence(lambda: commands.put_nowait(None))

    def data_received(self, data: bytes) -> None:
        try:
            for payload in self._splitter.feed(data):
                command = protocol.decode_command(payload)
                if isinstance(command, protocol.Ping):
                    self._answer(command)
                else:
                    self._commands.put_nowait(command)
        except ChildError as error:
            print(error, file=sys.stderr)  # noqa: T201 - the parent's last words of us
            self._commands.put_nowait(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._commands.put_nowait(None)

    def _answer(self, ping: protocol.Ping) -> None:
        self._on_pong(Ponged(number=ping.number, t_ns=time.monotonic_ns()))
        if ping.is_lifeline:
            self._silence.begin(self._ping_within_s)


class _EventWriter(asyncio.Protocol):
    """Knows when all that was written has been taken by the parent, or never will be."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set()


async def _serve(ping_within_s: float) -> None:
    loop = asyncio.get_running_loop()
    commands: asyncio.Queue[protocol.Command | None] = asyncio.Queue()
    # Events go out on the descriptor that was standard output; whatever else prints goes to standard error instead.
    events_fd = os.dup(1)
    os.dup2(2, 1)
    transport, writer = await loop.connect_write_pipe(_EventWriter, os.fdopen(events_fd, "wb", buffering=0))
    outbox = Outbox(transport)
    outbox.put_now(_hello())
    await loop.connect_read_pipe(lambda: _CommandReader(commands, outbox.put_now, ping_within_s), sys.stdin.buffer)
    sender = RequestSender(environ := dict(os.environ))
    own = OwnSettings(environ, sender.keys)
    # The SDK would send these to every endpoint; the sender adds them to the API's own alone.
    os.environ.pop(CUSTOM_HEADERS_VARIABLE, None)
    redactor = Redactor(sender.keys.known, outbox.put)
    scheduler = Scheduler(sender, redactor.put)
    loads = LoadScheduler(sender, redactor.put)
    lookups = Lookups(sender, redactor.put)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, commands.put_nowait, None)
    calibration = await rehearse(sender)
    outbox.put(EngineReady(pid=os.getpid(), sdk_version=SDK_VERSION, calibration=calibration))
    # What the imports made is never garbage: leave it out of every later collection, and of its pauses.
    gc.freeze()
    gc.enable()
    while (command := await commands.get()) is not None:
        await _obey(own.completed(command), own, scheduler, loads, lookups)
    await lookups.cancel()
    await scheduler.shut_down()
    await loads.shut_down()
    await sender.aclose()
    outbox.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_EVENTS_S):
            await writer.over.wait()


async def _obey(
    command: protocol.Command, own: OwnSettings, scheduler: Scheduler, loads: LoadScheduler, lookups: Lookups
) -> None:
    match command:
        case protocol.KeepFiles(files=kept):
            files.keep(kept)
        case protocol.StartRun():
            # Nothing else is on the wire while it is measured.
            await lookups.cancel()
            scheduler.start(command)
        case protocol.Fire(run_id=run_id, at_ns=at_ns):
            scheduler.fire(run_id, at_ns)
            loads.fire(run_id, at_ns)
        case protocol.StartLoad():
            await lookups.cancel()
            loads.start(command)
        case protocol.Deal(run_id=run_id, ration=ration):
            loads.deal(run_id, ration)
        case protocol.EndLoad(ending=ending):
            loads.end(ending)
        case protocol.CancelRequests(request_ids=request_ids):
            lookups.stop_asking(request_ids)
            scheduler.cancel(request_ids)
            loads.cancel(request_ids)
        case protocol.CountTokens(requests=requests):
            lookups.count(requests)
        case protocol.Ask(request=request):
            lookups.ask(request)
        case protocol.ListModels(endpoints=endpoints):
            lookups.list_models(endpoints)
        case protocol.Examine(endpoints=endpoints):
            lookups.examine(endpoints)
        case protocol.Settle(keys=keys):
            own.settle(keys)


def _hello() -> Hello:
    clock, system = time.get_clock_info("monotonic"), os.uname()
    return Hello(
        app_version=__version__,
        sdk_version=SDK_VERSION,
        python=platform.python_version(),
        platform=f"{system.sysname} {system.release} {system.machine}",
        hostname=system.nodename,
        pid=os.getpid(),
        stamp_source=usual_stamp_source(),
        resolution_ns=max(1, round(clock.resolution * 1e9)),
        unix_ns=time.time_ns(),
        mono_ns=time.monotonic_ns(),
    )


def main(ping_within_s: float) -> NoReturn:
    """Run the engine until its standard input ends, or its parent, which has pinged, is silent for so long."""
    try:
        with kernel_stamping(), asyncio.Runner(loop_factory=WatchedLoop) as runner:
            runner.run(_serve(ping_within_s))
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the parent's last words of us
        os._exit(error.exit_code)
    # Connections are closed and events delivered; taking thousands of modules apart would only keep the parent waiting.
    os._exit(ExitCode.OK)
