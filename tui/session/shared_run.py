"""Runs and loads whose requests lie with several engines, on this machine or on others, which start at one moment.

When all engines have connected their requests, each is told to fire at that moment of its own clock. An engine that is
lost takes its own requests with it, and nothing else.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic, monotonic_ns, time_ns
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tui.core.engine_events import SAME_CLOCK, Armed, ClockOffset, EngineFailed
from tui.core.events import Event, Failure, FailureKind, RequestEnded, RunEnded, RunStarted, Status
from tui.core.failures import FailureWatch
from tui.core.host import Host, endpoint_at
from tui.core.load import LevelEnded, LoadEnded, LoadEnding, RequestBegun, steps_of
from tui.core.load_shares import Dealer, Ration, Share
from tui.core.plan import RequestSpec
from tui.engine.protocol import StartLoad

if TYPE_CHECKING:
    from tui.session.engines import Engines

_FIRE_AFTER_NS = 25_000_000
"""Time for the word to fire to reach an engine, beside the round trip to it, ns."""


class SharedRun:
    """A run under way: which engines have which of its requests, and how far they are.

    Its methods return what the session is to hear.
    """

    def __init__(
        self,
        engines: "Engines",
        run_id: int,
        requests: Sequence[RequestSpec],
        places: Mapping[int, str],
        at_once: int | None,
    ) -> None:
        """`places` are the engines of the requests, by their ids; for `at_once` see `StartRun`."""
        self._engines = engines
        self._run_id = run_id
        self._request_ids = tuple(spec.request_id for spec in requests)
        self.hosts = tuple(dict.fromkeys(spec.host for spec in requests if spec.host is not None))
        """Names of the hosts that it is asked from."""
        self._all_places = places
        self._places = dict(places)
        """Engines of the requests that have not ended."""
        self._is_shared = len(set(places.values())) > 1
        size = at_once if at_once is not None and self._is_shared else max(1, len(requests))
        self._waves = deque(requests[at : at + size] for at in range(0, len(requests), size))
        """Requests that were not sent to any engine yet; each wave goes when the one before is over."""
        self._at_once = None if self._is_shared else at_once
        """Waves that the one engine makes by itself."""
        self._is_one_start = len(self._waves) <= 1
        self._asked: set[int] = set()
        """Requests that were sent to their engine."""
        self._parts: set[str] = set()
        """Engines whose part of the present wave is not over."""
        self._unarmed: set[str] = set()
        self._is_started = self.is_over = False
        self._sent: list[tuple[int, int, int]] = []
        """First and last send of each part by our clock, and most that they are off, ns."""

    def has(self, request_id: int, name: str) -> bool:
        """True while an engine has this request."""
        return self._places.get(request_id) == name

    def go_on(self) -> list[Event]:
        """Send the next wave if none is under way and all its engines are ready or gone."""
        if self._parts or self.is_over:
            return []
        engines = self._engines
        names = {self._all_places[spec.request_id] for spec in self._waves[0]} if self._waves else set()
        if self._is_shared and not all(name in engines.ends or engines.is_ready(name) for name in names):
            return []
        events: list[Event] = []
        while self._waves and not self._parts:
            events += self._send(self._waves.popleft())
        return events if self._parts else [*events, self._ended(RunEnded(run_id=self._run_id, t_ns=monotonic_ns()))]

    def _send(self, wave: Sequence[RequestSpec]) -> list[Event]:
        """Send a wave to its engines; returns the ends of requests whose engine is gone."""
        by_engine: dict[str, list[RequestSpec]] = {}
        for spec in wave:
            by_engine.setdefault(self._all_places[spec.request_id], []).append(spec)
        gone = by_engine.keys() & self._engines.ends.keys()
        lost = [(spec.request_id, self._engines.ends[name]) for name in sorted(gone) for spec in by_engine[name]]
        ended: list[Event] = [self._interrupted(number, end) for number, end in lost]
        self._parts = by_engine.keys() - gone
        is_held = len(self._parts) > 1
        self._unarmed = set(self._parts) if is_held else set()
        for name in sorted(self._parts):
            own = tuple(by_engine[name])
            self._asked |= {spec.request_id for spec in own}
            self._engines.client(name).start_run(self._run_id, own, self._at_once, is_held=is_held)
        return ended

    def cancel(self, request_ids: Sequence[int]) -> list[Event]:
        """Cancel these requests: those that were sent by their engines, which report it, the others here."""
        for name in {self._places[number] for number in request_ids if number in self._places}:
            sent = [number for number in request_ids if self.has(number, name) and number in self._asked]
            if sent:
                self._engines.client(name).cancel(tuple(sent))
        unsent = [number for number in request_ids if number in self._places.keys() - self._asked]
        if not unsent:
            return []
        self._waves = deque([spec for spec in wave if spec.request_id not in unsent] for wave in self._waves)
        events: list[Event] = []
        for number in unsent:
            t_ns = self._clock(self._places.pop(number)).there(monotonic_ns())
            events.append(RequestEnded(request_id=number, t_ns=t_ns, status=Status.CANCELLED))
        return [*events, *self.go_on()]

    def hear(self, name: str, event: RequestEnded | RunStarted | RunEnded | Armed) -> list[Event]:
        """Take in what one engine says of its part."""
        if isinstance(event, RequestEnded):
            del self._places[event.request_id]
            return [event]
        if event.run_id != self._run_id or name not in self._parts:
            return []
        if isinstance(event, Armed):
            self._armed(name)
            return []
        if isinstance(event, RunEnded):
            if event.sent_ns is not None:
                clock, (first, last) = self._clock(name), event.sent_ns
                self._sent.append((clock.here(first), clock.here(last), clock.error_ns))
            return self._part_over(name, event)
        if self._is_started:
            return []
        self._is_started = True
        if not (self._is_shared or name):
            return [event]
        # By our clocks: another machine's may be anything.
        return [RunStarted(run_id=self._run_id, t_ns=monotonic_ns(), unix_ns=time_ns(), request_ids=self._request_ids)]

    def lose(self, name: str, end: EngineFailed) -> list[Event]:
        """An engine is gone: its requests are interrupted."""
        if name in self._parts:
            self._is_one_start = False  # of what it sent nothing more is known
        lost = [number for number, place in self._places.items() if place == name and number in self._asked]
        events: list[Event] = [self._interrupted(number, end) for number in lost]
        if name in self._parts:
            return [*events, *self._part_over(name, RunEnded(run_id=self._run_id, t_ns=end.t_ns))]
        return [*events, *self.go_on()]

    def _armed(self, name: str) -> None:
        """Fire when all engines of the wave have connected, or are gone."""
        if name not in self._unarmed:
            return
        self._unarmed.discard(name)
        if self._unarmed:
            return
        way_ns = max((self._clock(part).rtt_ns for part in self._parts), default=0)
        at_ns = monotonic_ns() + way_ns + _FIRE_AFTER_NS
        for part in self._parts:
            self._engines.client(part).fire(self._run_id, at_ns)

    def _part_over(self, name: str, event: RunEnded) -> list[Event]:
        self._parts.discard(name)
        self._armed(name)
        if self._parts:
            return []
        return self.go_on() if self._waves else [self._ended(event)]

    def _ended(self, last: RunEnded) -> RunEnded:
        """The end of the whole run, of whose parts `last` came last."""
        self.is_over = True
        if not self._is_shared:
            return last
        spread_ns = error_ns = None
        if self._is_one_start and len(self._request_ids) > 1 and self._sent:
            first, latest = min(self._sent), max(self._sent, key=lambda part: part[1])
            spread_ns = max(0, latest[1] - first[0])
            error_ns = first[2] + latest[2] if first is not latest else 0
        return RunEnded(run_id=self._run_id, t_ns=monotonic_ns(), send_spread_ns=spread_ns, spread_error_ns=error_ns)

    def _interrupted(self, number: int, gone: EngineFailed) -> RequestEnded:
        self._places.pop(number, None)
        return _interrupted(number, gone)

    def _clock(self, name: str) -> ClockOffset:
        gone = name in self._engines.ends
        return SAME_CLOCK if gone else self._engines.client(name).clock or SAME_CLOCK


class SharedLoad:
    """A load under way: one engine sends it alone, or several send a share each (see `core.load_shares`).

    They begin every level at one moment. What any of them hears that ends a load ends it for all; one that is lost
    takes its share with it. Its methods return what the session is to hear.
    """

    def __init__(self, engines: "Engines", command: StartLoad, places: Mapping[str, Host | None]) -> None:
        """`places` are those of the engines, each with the host that it stands for (see `places_of`)."""
        self._engines = engines
        self._command = command
        self._hosts = places
        self._parts: dict[str, int] = {}
        """Numbers of the shares, by the places of their engines, once it is begun."""
        self._alive = dict.fromkeys(self._hosts)
        """Places of the engines whose share is not over."""
        self._has_ended = False
        """True once any of them came to the end of its share."""
        self._unarmed: set[str] = set()
        self._going: dict[int, str] = {}
        """The requests in flight, and the engines that have them."""
        self._begun = 0
        self._at = -1
        self._dealer: Dealer | None = None
        self._watch = FailureWatch(command.settings.stop_at_refusals)
        self._ending: LoadEnding | None = None
        self.is_started = self.is_over = False

    @property
    def places(self) -> Iterable[str]:
        """The places of all its engines, those that are gone too."""
        return self._hosts

    def go_on(self) -> list[Event]:
        """Send every engine its share, when all are ready or gone."""
        engines = self._engines
        if self.is_started or not all(name in engines.ends or engines.is_ready(name) for name in self._alive):
            return []
        self.is_started = True
        self._alive = {place: None for place in self._alive if place not in engines.ends}
        self._parts = {place: number for number, place in enumerate(self._alive)}
        if not self._alive:
            return self._ended(LoadEnding.ENGINE)
        command, of = self._command, len(self._parts)
        if of > 1 and not command.settings.is_open:
            self._dealer = Dealer(command.settings, steps_of(command.settings, len(command.plan.lanes)), of)
        self._unarmed = set(self._alive)
        for place, number in self._parts.items():
            plan, host = command.plan, self._hosts[place]
            if host is not None:
                plan = replace(plan, endpoints=tuple(endpoint_at(host, each) for each in plan.endpoints))
            engines.client(place).start_load(replace(command, plan=plan, share=Share(part=number, of=of)))
        return [RunStarted(run_id=command.run_id, t_ns=monotonic_ns(), unix_ns=time_ns(), request_ids=())]

    def end(self, ending: LoadEnding) -> list[Event]:
        """Begin no further request, at any engine."""
        if not self.is_started:
            self.is_started = True
            return self._ended(ending)
        self._ending = self._ending or ending
        for place in self._alive:
            self._engines.client(place).end_load(ending)
        return []

    def cancel(self, request_ids: Sequence[int]) -> None:
        """Cancel these requests; each reports its end."""
        for place in {self._going[number] for number in request_ids if number in self._going}:
            own = tuple(number for number in request_ids if self._going.get(number) == place)
            self._engines.client(place).cancel(own)

    def hear(self, name: str, event: Event) -> list[Event] | None:
        """Take in what an engine says of its share; None for what is of no load."""
        if name not in self._alive or not self.is_started:
            return None
        number, host = self._parts[name], self._hosts[name]
        match event:
            case RunStarted() | RunEnded() | Armed() if event.run_id != self._command.run_id:
                return None
            case RunEnded():
                self._has_ended = True
                return self._part_over(name)
            case Armed():
                self._armed(name)
            case RunStarted():
                pass
            case RequestBegun():
                self._has_begun(name, event)
                return [replace(event, part=number, host=None if host is None else host.name)]
            case RequestEnded(request_id=request_id):
                if self._going.get(request_id) != name:
                    return []
                del self._going[request_id]
                self._look(event)
                return [event]
            case LevelEnded():
                return [replace(event, part=number)]
            case LoadEnded(ending=ending):
                if ending is not LoadEnding.COMPLETE and self._ending is None:
                    self.end(ending)
            case _:
                whose: int | None = getattr(event, "request_id", None)
                if whose is None:
                    return None
                return [event] if self._going.get(whose) == name else []
        return []

    def lose(self, name: str, gone: EngineFailed) -> list[Event]:
        """An engine is gone: what it had in flight is interrupted, and its share with it."""
        if name not in self._alive or not self.is_started:
            return self.go_on()
        ended: list[Event] = [_interrupted(each, gone) for each, place in sorted(self._going.items()) if place == name]
        self._going = {each: place for each, place in self._going.items() if place != name}
        if len(self._alive) == 1 and not self._has_ended and self._ending is None:
            self._ending = LoadEnding.ENGINE
        ended += self._part_over(name)
        if self._dealer is not None and not self.is_over:
            self._deal(self._dealer.lose(self._parts[name], monotonic()))
        return ended

    def _has_begun(self, name: str, event: RequestBegun) -> None:
        self._going[event.request_id] = name
        self._begun += 1
        if self._dealer is None or self._ending is not None:
            return
        part, number = self._parts[name], event.request_id - self._command.first_request
        counted = event.since_ns is not None
        self._deal(self._dealer.begun(part, number, event.step, monotonic(), counted=counted))
        if self._dealer.is_dry:
            self.end(LoadEnding.REQUESTS)

    def _look(self, ended: RequestEnded) -> None:
        """Note how a request ended, of whichever engine: what refuses one refuses all."""
        ending = self._watch.look(ended, len(self._going), monotonic())
        if self._ending is None and ending is not None:
            self.end(ending)

    def _armed(self, name: str) -> None:
        """Begin the next level when all engines have come to it, or are gone."""
        self._unarmed.discard(name)
        if self._unarmed or self._ending is not None:
            return
        self._unarmed = set(self._alive)
        self._at += 1
        if self._dealer is not None:
            self._deal(self._dealer.begin(self._at, monotonic()))
        clients = [self._engines.client(place) for place in self._alive]
        at_ns = monotonic_ns() + max((each.clock.rtt_ns for each in clients if each.clock), default=0) + _FIRE_AFTER_NS
        for client in clients:
            client.fire(self._command.run_id, at_ns)

    def _deal(self, rations: Mapping[int, Ration]) -> None:
        for place in self._alive:
            if (ration := rations.get(self._parts[place])) is not None:
                self._engines.client(place).deal(self._command.run_id, ration)

    def _part_over(self, name: str) -> list[Event]:
        self._alive.pop(name)
        if not self._alive:
            return self._ended(self._ending or LoadEnding.COMPLETE)
        if name in self._unarmed:
            self._armed(name)
        return []

    def _ended(self, ending: LoadEnding) -> list[Event]:
        self.is_over = True
        return [LoadEnded(ending=ending), RunEnded(run_id=self._command.run_id, t_ns=monotonic_ns())]


def places_of(hosts: Sequence[Host], here: Sequence[str]) -> dict[str, Host | None]:
    """Places of a load's engines, each with its host; without hosts those of this machine, which are `here`."""
    own = iter(here)
    return {next(own) if host.is_here else host.name: host for host in hosts} or dict.fromkeys(here)


def _interrupted(number: int, gone: EngineFailed) -> RequestEnded:
    remedy = "The next run tries it again." if gone.host else "It is being started again; run once it is ready."
    failure = Failure(kind=FailureKind.ENGINE, message=f"{gone.message} {remedy}")
    return RequestEnded(request_id=number, t_ns=gone.t_ns, status=Status.INTERRUPTED, failure=failure)
