"""Parent's side of an engine: launch it, send it commands, receive its events, and stop it."""

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from typing import IO

from tui import child
from tui.config.endpoints import CUSTOM_HEADERS_VARIABLE
from tui.core.engine_events import SAME_CLOCK, ClockOffset, ClockRead, EngineFailed, Hello, Ponged
from tui.core.events import EngineReady, Event
from tui.core.host import NO_SUCH_COMMAND, Host, how_to_install
from tui.core.load import LoadEnding
from tui.core.load_shares import Ration
from tui.core.plan import RequestSpec
from tui.core.sanitize import clean
from tui.core.target import Endpoint
from tui.engine import files, protocol
from tui.engine.logins import needs_person
from tui.engine.pinger import Pinger, Silence
from tui.engine.remote_events import RemoteEngine
from tui.errors import ChildError
from tui.secret_names import is_secret_variable

_KEPT_STDERR_BYTES = 4096
_READY_WITHIN_S = 120.0
"""Time for an engine to start, s: a login, imports on a slow disk, packages that are fetched first."""
HERE = Host(name="")
"""This machine."""


def spawn(
    host: Host = HERE, endpoints: Iterable[Endpoint] = (), socket: str | None = None
) -> "subprocess.Popen[bytes]":
    """Start an engine process. It ends when its standard input does, and so never outlives its parent.

    Separate from `EngineClient`, so that the engine's imports can run while the parent still does its own. What reaches
    another machine does not see the keys of these `endpoints`: a key crosses where it is lent, and nowhere else. For
    `socket` see `Logins`. Raises ChildError.
    """
    if host.is_here:
        return child.spawn("engine", "engine")
    withheld = {CUSTOM_HEADERS_VARIABLE, *(name for endpoint in endpoints for name in endpoint.key_variables)}
    # ssh needs no secret of a variable; another command may, such as a cloud's own.
    withheld |= {
        name for name in os.environ if is_secret_variable(name) and (host.ssh or name.startswith("ANTHROPIC_"))
    }
    environment = {name: value for name, value in os.environ.items() if name not in withheld}
    return child.launch(f"engine on {host.name}", host.launch_over(socket), environment=environment)


class EngineClient:
    """One engine process, whose events arrive in batches at `on_events`, on the event loop of `connect`.

    Commands given before it has said hello wait for that.
    """

    def __init__(
        self, process: "subprocess.Popen[bytes]", on_events: Callable[[list[Event]], None], host: Host = HERE
    ) -> None:
        """`host` is where it was spawned."""
        self.host = host
        self.hello: Hello | None = None
        self.clock: ClockOffset | None = SAME_CLOCK if host.is_here else None
        """Its clock; None until that of another machine was read."""
        self._process = process
        self._on_events = on_events
        self._lent: dict[str, str] = {}
        self._has_rehearsed = False
        self._stdin: asyncio.WriteTransport | None = None
        self._stdout: asyncio.BaseTransport | None = None
        self._stderr: asyncio.BaseTransport | None = None
        self._splitter = protocol.FrameSplitter(
            protocol.MAX_FRAME_BYTES if host.is_here else protocol.MAX_REMOTE_FRAME_BYTES
        )
        self._beginning = protocol.Beginning(self._place)
        self._words = b""
        self._problem = ""
        """Sentence on what the engine did wrong, for which it was killed."""
        self._stopping = False
        self.needs_person = False
        """True if it did not begin because ssh may not ask; see `Logins`."""
        self._end: EngineFailed | None = None
        self._output_over = asyncio.Event()
        self._unsent: list[protocol.Command] = []
        self._files: set[str] = set()
        """Digests of the files that the engine was given."""
        self._latest_ns = 0
        self._until_ready = Silence(self._must_be_ready)
        self._pinger = Pinger(self._send, self._clock_read, self._give_up, is_here=host.is_here)
        self._remote = None if host.is_here else RemoteEngine(self._give_up)
        """All that was asked of another machine's engine, which may say nothing else."""

    @property
    def pid(self) -> int:
        """The engine's process id; of another machine's that of the command that reaches it."""
        return self._process.pid

    @property
    def words_before(self) -> str:
        """Words of a shell before the engine's first line."""
        return self._beginning.words

    @property
    def is_ready(self) -> bool:
        """True while it takes runs, and its clock is known."""
        return self._has_rehearsed and self.clock is not None and not self._stopping

    def lend(self, keys: Mapping[str, str]) -> None:
        """Give another machine's engine keys of this one, by their variables. Before it is connected."""
        self._lent = dict(keys)

    async def connect(self) -> None:
        """Open the pipes, and send the commands that were given before; nothing if the engine is stopped meanwhile."""
        loop = asyncio.get_running_loop()
        process = self._process
        self._stdout, _ = await loop.connect_read_pipe(lambda: PipeReader(self._receive, self._lost), process.stdout)
        self._stderr, _ = await loop.connect_read_pipe(lambda: PipeReader(self._hear), process.stderr)
        if not self._stopping:
            self._stdin, _ = await loop.connect_write_pipe(asyncio.Protocol, process.stdin)
        if self._stopping:
            # `stop` saw only the pipes that were open by then: a person may leave before the first frame is out.
            _close(self._stdin, self._stdout, self._stderr)
            return
        self._until_ready.begin(_READY_WITHIN_S)
        self._send_unsent()

    def start_run(
        self, run_id: int, requests: tuple[RequestSpec, ...], at_once: int | None = None, *, is_held: bool = False
    ) -> None:
        """Fire `requests` as one run, `at_once` at a time (see `StartRun`); `is_held` until `fire`.

        If the engine has died, that is reported again: its requests fail with it.
        """
        if self._end is not None:
            self._on_events([self._end])
            return
        self._send(protocol.StartRun(run_id=run_id, requests=requests, at_once=at_once, is_held=is_held))

    def fire(self, run_id: int, at_ns: int) -> None:
        """Let a run that is held go, at this moment of our clock."""
        if self.clock is not None:
            self._send(protocol.Fire(run_id=run_id, at_ns=self.clock.there(at_ns)))

    def start_load(self, command: protocol.StartLoad) -> None:
        """Begin a load. An engine that has died is reported again, as in `start_run`."""
        if self._end is not None:
            self._on_events([self._end])
        else:
            self._send(command)

    def deal(self, run_id: int, ration: Ration) -> None:
        """Let its share of a load begin further requests."""
        self._send(protocol.Deal(run_id=run_id, ration=ration))

    def end_load(self, ending: LoadEnding) -> None:
        """Begin no further request of the load."""
        self._send(protocol.EndLoad(ending=ending))

    def cancel(self, request_ids: tuple[int, ...]) -> None:
        """Cancel these requests; each reports its end."""
        self._send(protocol.CancelRequests(request_ids=request_ids))

    def ask_aside(self, command: protocol.CountTokens | protocol.Ask | protocol.ListModels | protocol.Examine) -> None:
        """Start a look-up. An engine that has died does not answer."""
        if self._end is None:
            self._send(command)

    async def stop(self) -> None:
        """Let the engine close its connections and end, or kill it. Events that it still sends are delivered."""
        self._stopping = True
        self._wait_no_more()
        if self._stdin is not None:
            self._stdin.close()
        elif self._process.stdin is not None:
            self._process.stdin.close()
        # An engine that is still importing has nothing in flight, and would not notice before it is done.
        if self.hello is not None and self._stdout is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(child.STOP_WITHIN_S):
                    await self._output_over.wait()
            await asyncio.to_thread(child.wait_or_kill, self._process)
        self.kill()
        _close(self._stdout, self._stderr)

    def kill(self) -> None:
        """End the engine at once; safe to call at any time, from outside the event loop too."""
        self._stopping = True
        child.kill(self._process)
        self._process.wait()

    def _send(self, command: protocol.Command) -> None:
        if self._stdin is None or self.hello is None:
            self._unsent.append(command)
        elif not self._stdin.is_closing():
            new = [file for digest, file in files.needed(command).items() if digest not in self._files]
            if new and (found := files.read(new)):
                self._files |= found.keys()
                self._stdin.write(protocol.encode_command(protocol.KeepFiles(files=found)))
            self._stdin.write(protocol.encode_command(command))
            if self._remote is not None:
                self._remote.told(command)

    def _send_unsent(self) -> None:
        unsent, self._unsent = self._unsent, []
        for command in unsent:
            self._send(command)

    def _receive(self, data: bytes) -> None:
        try:
            for payload in self._splitter.feed(self._beginning.feed(data)):
                self._take(protocol.decode_events(payload) if self._remote is None else self._remote.hear(payload))
        except ChildError as error:
            words = clean(str(error))
            self._fail(words if self.host.is_here or words.startswith(self._place) else f"{self._place}: {words}")

    def _take(self, events: list[Event]) -> None:
        """Note what they say of the engine, and give them on."""
        given: list[Event] = []
        for event in events:
            self._latest_ns = max(self._latest_ns, getattr(event, "mono_ns", 0))
            stamp: int | list[int] = getattr(event, "t_ns", 0)
            self._latest_ns = max(self._latest_ns, *([stamp] if isinstance(stamp, int) else stamp or [0]))
            if isinstance(event, Ponged):
                self._pinger.pong(event)
                continue
            given.append(event)
            if isinstance(event, Hello):
                self._said_hello(event)
            elif isinstance(event, EngineReady):
                self._has_rehearsed = True
                self._until_ready.stop()
        if given:
            self._on_events(given)

    def _said_hello(self, hello: Hello) -> None:
        self.hello = hello
        if not self.host.is_here:
            # Before anything that was given meanwhile.
            self._send(protocol.Settle(keys=self._lent))
        self._pinger.start()
        self._send_unsent()

    def _clock_read(self, clock: ClockOffset) -> None:
        self.clock = clock
        if self._remote is not None:
            self._remote.clock_read(clock)
        self._on_events([ClockRead(host=self.host.name, clock=clock)])

    def _must_be_ready(self) -> None:
        said = f"; it printed {protocol.quoted(self._beginning.data)}" if self._beginning.data else ""
        self._fail(f"{self._place} has started no engine within {_READY_WITHIN_S:g} s{said}.")

    def _give_up(self, what: str) -> None:
        if self.host.is_here:
            self._fail(f"The measuring process {what}, so it is given up.")
        else:
            self._fail(f"{self._place} {what}, so the link to it is given up.")

    def _fail(self, problem: str) -> None:
        """End an engine that cannot be gone on with.

        Its output may stay open: what a killed command had started can be frozen, or somebody else's.
        """
        self._problem = self._problem or problem
        child.kill(self._process)
        self._lost()

    def _wait_no_more(self) -> None:
        self._until_ready.stop()
        self._pinger.stop()
        if self._remote is not None:
            self._remote.stop()

    def _lost(self) -> None:
        """The engine's output ended: it was stopped, or it died."""
        self._output_over.set()
        self._wait_no_more()
        if self._stopping:
            return
        self._stopping = True
        _close(self._stdin, self._stdout, self._stderr)
        status = child.wait_or_kill(self._process)
        self._hear(_rest_of(self._process.stderr))  # its last words may be on their way still
        # By its own clock, since its requests end with it.
        now_ns = self._latest_ns if self.clock is None else self.clock.there(time.monotonic_ns())
        lines = clean(self._words.decode("utf-8", "replace") or self._beginning.data.decode("utf-8", "replace"))
        self.needs_person = self.hello is None and not self._problem and needs_person(self.host, status, lines)
        message = self._problem or _how_it_ended(self.host, status, lines, has_begun=self.hello is not None)
        self._end = EngineFailed(t_ns=max(now_ns, self._latest_ns), message=message, host=self.host.name)
        self._on_events([self._end])

    @property
    def _place(self) -> str:
        return "This machine" if self.host.is_here else self.host.name

    def _hear(self, words: bytes) -> None:
        """Keep the last of the engine's standard error: a traceback's end, if it dies."""
        self._words = (self._words + words)[-_KEPT_STDERR_BYTES:]


def _close(*transports: asyncio.BaseTransport | None) -> None:
    for transport in transports:
        if transport is not None:
            transport.close()


def _rest_of(pipe: IO[bytes] | None) -> bytes:
    """The end of what is in a pipe that does not block, as much as is kept."""
    rest = b""
    with contextlib.suppress(OSError, ValueError):
        while pipe is not None and (data := os.read(pipe.fileno(), _KEPT_STDERR_BYTES)) and len(rest) < 2**20:
            rest += data
    return rest[-_KEPT_STDERR_BYTES:]


def _how_it_ended(host: Host, status: int, words: str, *, has_begun: bool) -> str:
    """Sentence on an engine that ended; `words` are the last that it, or what was to reach it, said."""
    lines = words.strip().splitlines()
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    last_words = f" ({lines[-1]})" if lines else ""
    if host.is_here:
        return f"The measuring process {how}{last_words}."
    if has_begun:
        return f"The link to {host.name} {how}{last_words}."
    if status == NO_SUCH_COMMAND:
        return f"{host.name} has no latency-tui that its shell finds{last_words}. To install it: {how_to_install(host)}"
    return f"{host.name} started no engine (status {status}){last_words}."


class PipeReader(asyncio.Protocol):
    """One pipe, read as it comes."""

    def __init__(self, on_data: Callable[[bytes], None], on_end: Callable[[], None] | None = None) -> None:
        self._on_data = on_data
        self._on_end = on_end

    def data_received(self, data: bytes) -> None:
        self._on_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._on_end is not None:
            self._on_end()
