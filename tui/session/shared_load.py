"""A load that one engine sends, or several a share each, on this machine or on others."""

from collections.abc import Iterable, Mapping, Sequence
from time import monotonic, monotonic_ns, time_ns
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tui.core.engine_events import Armed, EngineFailed
from tui.core.events import Event, RequestEnded, RunEnded, RunStarted
from tui.core.failures import FailureWatch
from tui.core.host import Host, endpoint_at
from tui.core.load import LevelEnded, LoadEnded, LoadEnding, RequestBegun, steps_of
from tui.core.load_shares import Dealer, Ration, Share
from tui.engine.protocol import StartLoad
from tui.session.shared_run import FIRE_AFTER_NS, interrupted

if TYPE_CHECKING:
    from tui.session.engines import Engines


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

    def take(self, name: str, event: Event) -> list[Event] | None:
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
        ended: list[Event] = [interrupted(each, gone) for each, place in sorted(self._going.items()) if place == name]
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
        at_ns = monotonic_ns() + max((each.clock.rtt_ns for each in clients if each.clock), default=0) + FIRE_AFTER_NS
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
