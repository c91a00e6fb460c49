"""Events of an engine on another machine, as far as they may be believed.

Whoever can start a program there can put another in its place. What it says is taken for data: its words are cleaned,
its numbers bounded, its stamps held against the clock, and what it was not asked for is refused.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from tui.core.arrivals import ContentSummed
from tui.core.engine_events import Armed, ClockOffset, ClockRead, EngineFailed, Hello, Ponged
from tui.core.events import (
    AnswerChecked,
    Answered,
    Content,
    EndpointExamined,
    EngineReady,
    Event,
    Failure,
    ModelsListed,
    RequestEnded,
    RunEnded,
    RunStarted,
    TokensCounted,
)
from tui.core.load import LevelEnded, LoadEnded, RequestBegun
from tui.core.plan import RequestSpec
from tui.core.sanitize import clean
from tui.core.target import LONGEST_BACK_OFF_S
from tui.engine import protocol
from tui.engine.api_keys import COMMAND_WITHIN_S
from tui.engine.limits import LIMITS
from tui.engine.pinger import Silence
from tui.engine.redaction import each_text
from tui.errors import ChildError

_LARGEST = 2**62
"""Largest whole number: a CLOCK_MONOTONIC of 146 years, and far within what the history takes."""
_LONGEST_NAME, _LONGEST_MESSAGE = 200, 4_000
"""Most characters of what an engine says of itself, and of the message of a failure: both are shown whole."""
_UNASKED_BYTES = 1024 * 1024
"""Most that it may say between two pings beside what it was asked for."""
_CLOCK_SLACK_NS = 1_000_000_000
"""Distance by which a stamp may lie outside the time in which it can have been taken: clocks drift between readings."""
ARMED_WITHIN_S = 15.0 + COMMAND_WITHIN_S
"""Time to connect the requests of a common start, s, beside the longest that it may take by the plan; keys are had in
it."""
CANCELLED_WITHIN_S = 15.0
"""Time to end requests that were cancelled, s."""
_OVER_AFTER_S = 120.0
"""Time to end a run, s, beside the longest that its requests may take by the plan."""


class RemoteEngine:
    """All that one engine on another machine was told, against which is held what it says.

    It gets no time without end: `give_up` is called with what it has not done.
    """

    def __init__(self, give_up: Callable[[str], None]) -> None:
        self._give_up = give_up
        self._is_known = self._is_ready = False
        self._left = _UNASKED_BYTES
        """Bytes that it may still say."""
        self._pings = 0
        """Pings that were not answered."""
        self._runs: dict[int, set[int]] = {}
        """Requests that have not ended, by the run."""
        self._load: protocol.StartLoad | None = None
        """The load that it sends a share of."""
        self._dealt: set[int] = set()
        """Requests of it that it was dealt and has not begun."""
        self._given: set[int] = set()
        self._unarmed: set[int] = set()
        self._counted: set[int] = set()
        self._asked: set[str] = set()
        self._timers: list[Silence] = []
        self._first_ns = self._there_ns = 0
        self._here_ns = self._since()

    def told(self, command: protocol.Command) -> None:
        """Note what it is told."""
        match command:
            case protocol.StartRun():
                self._told_to_run(command)
            case protocol.StartLoad(run_id=run_id):
                self._load, self._runs[run_id] = command, set()
                self._dealt.clear()
                self._unarmed.add(run_id)
                self._later(ARMED_WITHIN_S, lambda: self._must_be_armed(run_id))
            case protocol.Fire(run_id=run_id) if self._load is not None and self._load.run_id == run_id:
                self._told_to_begin_level(self._load)
            case protocol.Deal(ration=ration) if self._load is not None:
                self._dealt |= {self._load.first_request + number for number in ration.numbers}
            case protocol.EndLoad() if self._load is not None:
                longest_s = _longest_in(self._load)
                self._later(longest_s, lambda: self._must_be_over(set(self._given), "although the load was ended"))
            case protocol.CancelRequests(request_ids=numbers):
                self._later(CANCELLED_WITHIN_S, lambda: self._must_be_over(set(numbers), "although cancelled"))
            case protocol.CountTokens(requests=requests):
                self._counted |= {spec.request_id for spec in requests}
                self._left += LIMITS.lookup
            case protocol.ListModels(endpoints=endpoints) | protocol.Examine(endpoints=endpoints):
                self._asked |= {endpoint.name for endpoint in endpoints}
                self._left += LIMITS.lookup * len(endpoints)
            case protocol.Ping():
                self._pings += 1
                self._left = max(self._left, _UNASKED_BYTES)

    def clock_read(self, clock: ClockOffset) -> None:
        """Hold stamps against its clock, which was compared with ours just now."""
        self._there_ns = clock.there(time.monotonic_ns()) + clock.error_ns
        self._here_ns = self._since()

    def stop(self) -> None:
        """Wait for nothing any more."""
        for timer in self._timers:
            timer.stop()
        self._timers.clear()

    def hear(self, payload: bytes) -> list[Event]:
        """The events of a frame, their words clean; an answer's own text is cleaned where it is shown.

        Raises ChildError for what no engine has to say.
        """
        self._left -= len(payload)
        if self._left < 0:
            raise ChildError("The engine sent more than what it was asked for can take.")
        return [event for event in map(self._believed, protocol.decode_events(payload)) if event is not None]

    def _told_to_run(self, run: protocol.StartRun) -> None:
        numbers = {spec.request_id for spec in run.requests}
        self._runs[run.run_id] = self._runs.get(run.run_id, set()) | numbers
        self._given |= numbers
        self._left += sum(LIMITS.answer * (1 + spec.retries.max) for spec in run.requests)
        if run.is_held:
            self._unarmed.add(run.run_id)
            connect_s = max(map(_longest_to_connect_s, run.requests), default=0.0)
            self._later(ARMED_WITHIN_S + connect_s, lambda: self._must_be_armed(run.run_id))
        waves = math.ceil(len(run.requests) / (run.at_once or len(run.requests) or 1))
        longest_s = waves * max(map(_longest_s, run.requests), default=0.0)
        self._later(_OVER_AFTER_S + longest_s, lambda: self._must_be_over(numbers, "in the time that the plan gives"))

    def _told_to_begin_level(self, load: protocol.StartLoad) -> None:
        """It has to come to the end of a level that has a time, and of what is in flight then."""
        settings = load.settings
        self._unarmed.add(load.run_id)
        if settings.counted_s is not None and settings.arrivals != "trace":
            level_s = settings.ramp + settings.warm_up + settings.counted_s + _longest_in(load)
            self._later(ARMED_WITHIN_S + level_s, lambda: self._must_be_armed(load.run_id))

    def _begins(self, event: RequestBegun) -> bool:
        """True for a request of a load that it may begin, which is noted."""
        load, number = self._load, event.request_id
        if load is None or number in self._given:
            return False
        is_dealt = load.share.of > 1 and not load.settings.is_open
        if is_dealt and number not in self._dealt:
            return False
        if not load.first_request <= number < load.first_request + load.settings.max_requests:
            return False
        self._dealt.discard(number)
        self._given.add(number)
        self._runs[load.run_id].add(number)
        self._left += LIMITS.answer
        return True

    def _later(self, seconds: float, look: Callable[[], None]) -> None:
        silence = Silence(look)
        silence.begin(seconds)
        self._timers.append(silence)

    def _must_be_armed(self, run_id: int) -> None:
        if run_id in self._unarmed and run_id in self._runs:
            self._give_up("has not connected its requests, for which the other hosts wait")

    def _must_be_over(self, numbers: set[int], when: str) -> None:
        if any(numbers & going for going in self._runs.values()):
            self._give_up(f"has not ended its requests {when}")

    def _believed(self, event: Event) -> Event | None:
        """The event with clean words; None for one of a request that is over."""
        if not _is_bounded(event):
            raise ChildError(f"The engine sent a number in {type(event).__name__} that no clock and no counter gives.")
        if self._is_known == isinstance(event, Hello):
            raise ChildError("The engine said who it is twice, or not at first.")
        if not self._is_asked_for(event):
            raise ChildError(f"The engine sent {type(event).__name__}, for which it was not asked.")
        self._check_stamps(event)
        number: int | None = getattr(event, "request_id", None)
        if number is not None and not any(number in going for going in self._runs.values()):
            return None
        self._note(event)
        if isinstance(event, Content):
            if len(event.t_ns) != len(event.texts):
                raise ChildError("The engine sent pieces of content without a stamp each.")
            return event
        if isinstance(event, ContentSummed) and not event.is_sound:
            raise ChildError("The engine summed content up to what no answer has.")
        changed: Event = each_text(event, _clean_name if isinstance(event, Hello | EngineReady) else clean)
        failure: Failure | None = getattr(changed, "failure", None)
        if failure is not None and len(failure.message) > _LONGEST_MESSAGE:
            short = msgspec.structs.replace(failure, message=f"{failure.message[:_LONGEST_MESSAGE]}…")
            changed = msgspec.structs.replace(changed, failure=short)
        return changed

    def _is_asked_for(self, event: Event) -> bool:
        match event:
            case Hello():
                return True
            case EngineReady():
                return not self._is_ready
            case Ponged():
                return self._pings > 0
            case Armed(run_id=run_id):
                return run_id in self._unarmed
            case RunStarted(run_id=run_id):
                return run_id in self._runs
            case RunEnded(run_id=run_id):
                return self._runs.get(run_id) == set()
            case TokensCounted(count_id=number):
                return number in self._counted
            case ModelsListed(endpoint=name) | EndpointExamined(endpoint=name):
                return name in self._asked
            case ClockRead() | EngineFailed() | AnswerChecked():
                return False  # what only this side may say
            case RequestBegun():
                return self._begins(event)
            case LevelEnded() | LoadEnded():
                return self._load is not None
            case Answered():
                return False  # judges are asked from this machine
        return event.request_id in self._given

    def _note(self, event: Event) -> None:
        match event:
            case Hello(mono_ns=now_ns):
                self._is_known, self._first_ns, self._there_ns = True, now_ns, now_ns
            case EngineReady():
                self._is_ready = True
            case Ponged():
                self._pings -= 1
            case Armed(run_id=run_id):
                self._unarmed.discard(run_id)
            case RequestEnded(request_id=number):
                for going in self._runs.values():
                    going.discard(number)
            case RunEnded(run_id=run_id):
                del self._runs[run_id]
                if self._load is not None and self._load.run_id == run_id:
                    self._load = None
                if not self._runs:
                    self.stop()
                    self._left = _UNASKED_BYTES
            case TokensCounted(count_id=number):
                self._counted.discard(number)
            case ModelsListed(endpoint=name) | EndpointExamined(endpoint=name):
                self._asked.discard(name)

    def _check_stamps(self, event: Event) -> None:
        """Raise ChildError for a moment that cannot have been: one before it began, or one to come."""
        # Our own clock stands still while this machine sleeps, and the other's does not.
        latest_ns = self._there_ns + max(now - then for now, then in zip(self._since(), self._here_ns, strict=True))
        for stamp in _stamps(event):
            if not self._first_ns - _CLOCK_SLACK_NS <= stamp <= latest_ns + _CLOCK_SLACK_NS:
                when = "before it began" if stamp < self._first_ns else "that is still to come"
                raise ChildError(f"The engine sent a stamp in {type(event).__name__} of a moment {when}.")

    @staticmethod
    def _since() -> tuple[int, int]:
        return time.monotonic_ns(), time.time_ns()


def _clean_name(text: str) -> str:
    return clean(text)[:_LONGEST_NAME]


def _longest_to_connect_s(spec: RequestSpec) -> float:
    """Longest that a request may take until it is connected, with the attempts at it that fail before."""
    return spec.timeouts.connect + spec.retries.max * (spec.timeouts.connect + LONGEST_BACK_OFF_S)


def _longest_s(spec: RequestSpec) -> float:
    """Longest that a request may take with all attempts; one may be for a stale connection, and one for a thread."""
    attempt_s = spec.timeouts.connect + spec.timeouts.request + max(spec.retries.longest_wait, LONGEST_BACK_OFF_S)
    return attempt_s * (3 + spec.retries.max)


def _longest_in(load: protocol.StartLoad) -> float:
    """Longest that a request of a load may take, s: it is sent once."""
    timeouts = [load.plan.asked_at(target).timeouts.over(load.plan.timeouts) for target in load.plan.lanes]
    return _OVER_AFTER_S + 3 * max(each.connect + each.request for each in timeouts)


def _stamps(event: Event) -> Iterator[int]:
    if isinstance(event, Hello):
        return
    stamp: int | list[int] | None = getattr(event, "t_ns", None)
    if isinstance(stamp, int):
        yield stamp
    elif stamp:
        yield from (min(stamp), max(stamp))
    if isinstance(event, RunEnded):
        yield from event.sent_ns or ()
    if isinstance(event, RequestBegun):
        yield event.due_ns
    if isinstance(event, LevelEnded):
        yield from (event.since_ns, event.until_ns)
    if isinstance(event, ContentSummed):
        yield from (event.first_ns, event.last_ns)


def _is_bounded(value: Any) -> bool:
    if isinstance(value, int):
        return -_LARGEST <= value <= _LARGEST
    if isinstance(value, msgspec.Struct):
        return all(_is_bounded(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, dict):
        return all(map(_is_bounded, value.values()))
    if isinstance(value, tuple | list):
        return all(map(_is_bounded, value))
    return True
