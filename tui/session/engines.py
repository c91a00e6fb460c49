"""Engines of a session, one for each host. To the session they are one: it starts runs, and one stream of events comes.

Where requests lie is decided in one place (`Engines._place`), whatever machines the engines run on; `SharedRun` does
the rest of a run that lies with several.
"""

import asyncio
import math
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from tui import __version__
from tui.core.engine_events import Armed, EngineFailed, Hello
from tui.core.events import EngineReady, Event, RequestEnded, RunEnded, RunStarted
from tui.core.host import Host, HostFacts
from tui.core.load import LoadEnding
from tui.core.load_shares import STREAMS_PER_ENGINE as STREAMS_PER_ENGINE
from tui.core.load_shares import engines_for
from tui.core.plan import RequestSpec
from tui.core.target import Endpoint
from tui.engine.api_keys import lent_to
from tui.engine.client import EngineClient, spawn
from tui.engine.logins import Logins
from tui.engine.protocol import Ask, CountTokens, Examine, ListModels, StartLoad
from tui.errors import ChildError
from tui.session.shared_run import SharedLoad, SharedRun, places_of

_RESTART_AFTER_S = (0.0, 1.0, 5.0)
"""Pauses before the engine of this machine is started again, by how often it failed in a row; the last one repeats."""


def most_here() -> int:
    """Most engines of this machine: the screen has a core of its own."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1)


class Engines:
    """The engines by the name of their place: empty for this machine, else that of a host.

    The engine of this machine is there at all times, and started again when it ends. Another is launched when its host
    is expected, and again when a run needs it; further ones here, when a run has too many streams for one.
    """

    def __init__(
        self,
        engine: "subprocess.Popen[bytes] | None",
        on_events: Callable[[list[Event]], None],
        on_problem: Callable[[str], None],
    ) -> None:
        """Without `engine` one is spawned by `connect`, so that its imports do not hold up the first frame."""
        self._on_events = on_events
        self._on_problem = on_problem
        self.spawn: Callable[[Host, Iterable[Endpoint], str | None], subprocess.Popen[bytes]] = spawn
        self._clients: dict[str, EngineClient] = {}
        if engine is not None:
            self._clients[""] = EngineClient(engine, partial(self._hear, ""))
        self.ends: dict[str, EngineFailed] = {}
        """Ends of engines that are gone, until they are launched again."""
        self._hosts: dict[str, Host] = {}
        self._beside: dict[str, Host] = {}
        """Further engines of this machine, whatever the plan says of hosts."""
        self._facts: dict[str, HostFacts] = {}
        self._endpoints: tuple[Endpoint, ...] = ()
        self._launching: dict[str, asyncio.Task[None]] = {}
        self.logins = Logins()
        self._run: SharedRun | None = None
        self._load: SharedLoad | None = None
        self._failures = 0
        self._restarting: asyncio.Task[None] | None = None
        self._is_connected = False

    @property
    def here(self) -> EngineClient:
        """The engine of this machine. Raises ChildError if there was none and it cannot be started."""
        if "" not in self._clients:
            self._clients[""] = EngineClient(spawn(), partial(self._hear, ""))
        return self._clients[""]

    def client(self, name: str) -> EngineClient:
        """The engine of a place. Raises KeyError where none was launched."""
        return self._clients[name] if name else self.here

    def is_ready(self, name: str) -> bool:
        """True while the engine of a place takes runs."""
        return name in self._clients and self._clients[name].is_ready

    async def connect(self) -> None:
        """Take up the pipes of this machine's engine, and launch those of the hosts expected. Raises ChildError."""
        await self.here.connect()
        self._is_connected = True
        self.expect((), self._endpoints)

    def expect(self, hosts: Sequence[Host], endpoints: Sequence[Endpoint]) -> None:
        """Have engines on these hosts, which will ask these endpoints. Those of other hosts stay until the end."""
        self._hosts |= {host.name: host for host in hosts}
        self._endpoints = tuple(endpoints)
        for name in [name for name, host in self._hosts.items() if self._is_connected and not host.is_here]:
            if name not in self.ends:
                self._launch(name)

    def start_run(self, run_id: int, requests: tuple[RequestSpec, ...], at_once: int | None = None) -> None:
        """Fire `requests` as one run, `at_once` at a time (see `StartRun`), each by the engine of its host."""
        places = {spec.request_id: self._place(spec) for spec in requests}
        places |= self._shared_out([spec for spec in requests if not places[spec.request_id]], at_once)
        self._launch_again(places.values())
        self._run = SharedRun(self, run_id, requests, places, at_once)
        self._deliver(self._run.go_on())

    def start_load(self, command: StartLoad, hosts: Sequence[Host] = ()) -> None:
        """Begin a load, shared by these hosts, or by as many engines of this machine as it needs and has cores for."""
        needed = min(engines_for(command.settings, command.plan), most_here())
        here = self._here(sum(host.is_here for host in hosts) if hosts else needed)
        self._load = SharedLoad(self, command, places_of(hosts, here))
        self._launch_again(self._load.places)
        self._deliver(self._load.go_on())

    def end_load(self, ending: LoadEnding) -> None:
        """Begin no further request of the load."""
        if self._load is not None and (ended := self._load.end(ending)):
            asyncio.get_running_loop().call_soon(self._deliver, ended)

    def cancel(self, request_ids: tuple[int, ...]) -> None:
        """Cancel these requests; each reports its end."""
        if self._load is not None:
            self._load.cancel(request_ids)
        if self._run is not None and (ended := self._run.cancel(request_ids)):
            asyncio.get_running_loop().call_soon(self._deliver, ended)

    def stop_asking(self, ask_ids: tuple[int, ...]) -> None:
        """End these questions beside runs."""
        self.here.cancel(ask_ids)

    def ask_aside(self, command: CountTokens | Ask | ListModels | Examine) -> None:
        """Start a look-up, by the engine of this machine; prompts are counted where they are sent from."""
        if not isinstance(command, CountTokens):
            self.here.ask_aside(command)
            return
        for name in {self._place(spec) for spec in command.requests} - self.ends.keys():
            if not name or name in self._clients:
                own = tuple(spec for spec in command.requests if self._place(spec) == name)
                self.client(name).ask_aside(CountTokens(requests=own))

    async def stop(self) -> None:
        """End all engines in order."""
        for task in (self._restarting, *self._launching.values()):
            if task is not None:
                task.cancel()
        await asyncio.gather(*(client.stop() for client in self._clients.values()))
        await self.logins.close()

    def kill(self) -> None:
        """End all engines at once, without an event loop."""
        for client in self._clients.values():
            client.kill()
        self.logins.drop()

    def _place(self, spec: RequestSpec) -> str:
        """The engine that a request lies with."""
        host = self._hosts.get(spec.host) if spec.host is not None else None
        return "" if host is None or host.is_here else host.name

    def _shared_out(self, requests: Sequence[RequestSpec], at_once: int | None) -> dict[int, str]:
        """Places of this machine's requests: an engine for each `STREAMS_PER_ENGINE` at once, while there are cores.

        A lane stays with one engine, and with the same one in every run, so that its connection is kept.
        """
        streams = min(len(requests), at_once or len(requests))
        count = min(math.ceil(streams / STREAMS_PER_ENGINE), most_here())
        names = self._here(count)
        lanes = {target: at for at, target in enumerate(dict.fromkeys(spec.target for spec in requests))}
        return {spec.request_id: names[lanes[spec.target] % len(names)] for spec in requests}

    def _here(self, count: int) -> list[str]:
        """Places of so many engines of this machine."""
        names = ["", *(f"this machine, engine {number}" for number in range(2, count + 1))][:count]
        self._beside |= {name: Host(name=name) for name in names[1:]}
        return names

    def _launch_again(self, names: Iterable[str]) -> None:
        for name in set(names) - {""}:
            self.ends.pop(name, None)
            self._launch(name)

    def _launch(self, name: str, instead: EngineClient | None = None) -> None:
        """Launch the engine of a host, unless there is one that it does not stand `instead` of."""
        if self._clients.get(name) is not instead:
            return
        host = self._beside.get(name) or self._hosts[name]
        try:
            process = self.spawn(host, self._endpoints, self.logins.socket(host))
            client = self._clients[name] = EngineClient(process, partial(self._hear, name), host)
        except ChildError as error:
            end = self.ends[name] = EngineFailed(t_ns=0, message=str(error), host=name)
            asyncio.get_running_loop().call_soon(lambda: self._hear(name, [end]))
            return
        self._launching[name] = asyncio.create_task(self._connect(client), name=f"engine on {name}")

    async def _connect(self, client: EngineClient) -> None:
        client.lend(await lent_to(client.host, self._endpoints, os.environ))
        await client.connect()

    def _hear(self, name: str, events: list[Event]) -> None:
        """Give the events of one engine on, those of a shared run put together."""
        given: list[Event] = []
        for event in events:
            run = self._run
            number: int | None = getattr(event, "request_id", None)
            if self._load is not None and (heard := self._load.hear(name, event)) is not None:
                given += heard
                continue
            if number is not None and (run is None or not run.has(number, name)):
                continue  # over, or another engine's: no host ends what it does not have
            if isinstance(event, RequestEnded | RunStarted | RunEnded | Armed):
                given += run.hear(name, event) if run is not None else ()
                continue
            if isinstance(event, EngineFailed):
                if (end := self._asks_person(name, event)) is None:
                    continue
                event = end
                self.facts_of(())
                self.ends[name] = event
                if name:
                    self._clients.pop(name, None)
                given += run.lose(name, event) if run is not None else ()
                given += self._load.lose(name, event) if self._load is not None else ()
            if isinstance(event, Hello | EngineReady):
                event = replace(event, host=name)
                if isinstance(event, Hello):
                    _greet(self._clients[name], event, self.logins, self._on_problem)
            if name not in self._beside or isinstance(event, EngineFailed) or number is not None:
                given.append(event)  # what another one of this machine says of itself is known already
            for shared in (run, self._load) if number is None else ():
                given += shared.go_on() if shared is not None else ()
        self._deliver(given)

    def _asks_person(self, name: str, end: EngineFailed) -> EngineFailed | None:
        """Have a person log in to a host that needs one, and launch its engine again; the end if none is asked."""
        client = self._clients.get(name)
        if client is None or not client.needs_person:
            return end
        if not self.logins.can_help(client.host):
            return self.logins.explained(client.host, end)
        ways = partial(self._launch, name, client), lambda: self._hear(name, [self.logins.explained(client.host, end)])
        self._launching[name] = asyncio.create_task(_log_in(self.logins, client, *ways), name=f"login to {name}")
        return None

    def _deliver(self, events: list[Event]) -> None:
        if self._run is not None and self._run.is_over:
            hosts = self.facts_of(self._run.hosts)
            events = [replace(event, hosts=hosts) if isinstance(event, RunEnded) else event for event in events]
            self._run = None
        if self._load is not None and self._load.is_over:
            self._load = None
        if events:
            self._on_events(events)
        for event in events:
            if isinstance(event, RunEnded):
                self._failures = 0  # a restart after this begins with the shortest pause
            elif isinstance(event, EngineFailed) and event.host:
                self._on_problem(event.message)
            elif isinstance(event, EngineFailed) and self._restarting is None:
                self._on_problem(f"{event.message} It is being started again.")
                self._restarting = asyncio.create_task(self._restart())

    def facts_of(self, hosts: Sequence[str]) -> tuple[HostFacts, ...]:
        """The hosts as they are now, and those that are gone as they were."""
        self._facts |= _facts(self._clients)
        places = [(name, "" if host.is_here else name) for name, host in self._hosts.items() if name in hosts]
        return tuple(replace(self._facts.get(place, HostFacts(name=name)), name=name) for name, place in places)

    async def _restart(self) -> None:
        """Start another engine of this machine, after a longer pause each time if it keeps failing."""
        process = None
        while process is None:
            await asyncio.sleep(_RESTART_AFTER_S[min(self._failures, len(_RESTART_AFTER_S) - 1)])
            self._failures += 1
            try:
                process = spawn()
            except ChildError as error:
                self._on_problem(f"{error} It is tried again.")
        client = self._clients[""] = EngineClient(process, partial(self._hear, ""))
        self.ends.pop("", None)
        self._restarting = None
        await client.connect()


async def _log_in(logins: Logins, client: EngineClient, again: Callable[[], None], in_vain: Callable[[], None]) -> None:
    client.needs_person = False
    if await logins.open(client.host):
        again()
    else:
        in_vain()


def _facts(clients: Mapping[str, EngineClient]) -> dict[str, HostFacts]:
    known = ((name, one.hello, one.clock) for name, one in clients.items())
    return {name: HostFacts.of(name, hello, clock) for name, hello, clock in known if hello and clock}


def _greet(client: EngineClient, hello: Hello, logins: Logins, say: Callable[[str], None]) -> None:
    """Note that an engine has begun, and say what a person should know of that of another machine."""
    logins.said_hello(client.host)
    name = client.host.name
    if name and client.words_before:
        say(f"{name} printed text before the engine started: {client.words_before}; is its shell clean?")
    if hello.app_version != __version__:
        say(f"{name} has latency-tui {hello.app_version}, and this is {__version__}: it may differ.")
