"""Request record: a request's specification and everything that its events have said so far."""

from enum import StrEnum
from functools import lru_cache

import msgspec

from tui.core import metrics
from tui.core.arrivals import Held, held_back
from tui.core.checks import CheckFinding, passed_of
from tui.core.events import (
    AnswerChecked,
    AttemptFailed,
    CacheMiss,
    Content,
    Event,
    Failure,
    Instrument,
    Kind,
    Mark,
    Marked,
    MessageOpened,
    NetworkSeen,
    RequestEnded,
    Responded,
    Response,
    Status,
    Usage,
    UsageReported,
)
from tui.core.metrics import Split, split
from tui.core.model import is_other_model
from tui.core.plan import RequestSpec
from tui.core.prompt import KeptAnswer
from tui.core.timeline import Timeline


class State(StrEnum):
    """Stage of a request; the last six are ends."""

    IDLE = "idle"
    CONNECTING = "connecting"
    WAITING = "waiting"
    RETRYING = "waiting to try again"
    THINKING = "thinking"
    STREAMING = "streaming"
    JUDGED = "being judged"
    DONE = "done"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def in_flight(self) -> bool:
        """True while the request is neither idle nor ended."""
        return self in _IN_FLIGHT


_IN_FLIGHT = frozenset({State.CONNECTING, State.WAITING, State.RETRYING, State.THINKING, State.STREAMING, State.JUDGED})


@lru_cache(maxsize=16_384)
def _piece(kind: Kind, text: str) -> tuple[Kind, str]:
    """A piece of content, shared among all requests: most tokens of a text have come before."""
    return kind, text


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that failed and was followed by another."""

    timeline: Timeline
    failure: Failure
    http_status: int | None
    api_request_id: str | None
    response: Response = Response()


class RequestRecord(msgspec.Struct, kw_only=True):
    """A request and what became of it, folded from its events by `apply`."""

    spec: RequestSpec
    timeline: Timeline = msgspec.field(default_factory=Timeline)
    pieces: list[tuple[Kind, str]] = msgspec.field(default_factory=list)
    """The content in order of arrival: `pieces[i]` arrived at `timeline.content_ns[i]`."""
    usage: Usage = Usage()
    status: Status | None = None
    stop_reason: str | None = None
    stop_details: str | None = None
    """The API's explanation of a refusal."""
    failure: Failure | None = None
    instrument: Instrument | None = None
    network: NetworkSeen | None = None
    earlier: list[Attempt] = msgspec.field(default_factory=list)
    """Attempts before the present one, in order; the fields above are those of the present one alone."""
    waits_s: float | None = None
    """Seconds from the end of the attempt before to the next, while that has not begun."""
    http_status: int | None = None
    api_request_id: str | None = None
    response: Response = Response()
    message_id: str | None = None
    answered_by: str | None = None
    """The model that answered, in the server's word."""
    cache_miss: CacheMiss | None = None
    """The API's reason for a cache miss, where it gave one."""
    kept: KeptAnswer | None = None
    """The answer in its wire's form, where a conversation may go on from it."""
    checks: tuple[CheckFinding, ...] = ()
    """Findings of the prompt's checks; empty without any, and where the request was cancelled."""
    is_judged: bool = False
    """True from the end of the answer to its end as a request, while checks look at it: no time goes on."""
    overruled: bool | None = None
    """A person's word on the answer, which counts in place of these; None without one."""

    def __post_init__(self) -> None:
        self.count_characters()

    def count_characters(self) -> None:
        """Count the characters of the content where its timeline, made by an earlier version, has not."""
        if self.pieces and not self.timeline.characters:
            self.timeline.count([text for _, text in self.pieces])

    def apply(self, event: Event) -> None:
        """Take in one event of this request."""
        self.timeline.apply(event)
        match event:
            case Content(kind=kind, texts=texts):
                self.pieces.extend(_piece(kind, text) for text in texts)
            case UsageReported(usage=usage):
                self.usage = usage
            case Responded():
                self.http_status = event.http_status
                self.api_request_id = event.api_request_id
                self.response = event.response
            case MessageOpened(message_id=message_id, model=model, cache_miss=cache_miss):
                self.message_id = message_id
                self.answered_by = model
                self.cache_miss = cache_miss
            case AttemptFailed(t_ns=t_ns, failure=failure, wait_s=wait_s):
                self._set_aside(t_ns, failure)
                self.waits_s = wait_s
            case Marked(mark=Mark.QUEUED):
                self.waits_s = None
            case Instrument():
                self.instrument = event
            case NetworkSeen():
                self.network = event
            case AnswerChecked(findings=findings, overruled=overruled):
                self.checks, self.overruled, self.is_judged = findings, overruled, False
            case RequestEnded(status=status, stop_reason=stop_reason, stop_details=stop_details, failure=failure):
                self.status = status
                self.kept = event.kept
                self.waits_s = None
                self.stop_reason = stop_reason
                self.stop_details = stop_details
                self.failure = failure
            case _:
                pass

    def ended(self, end: RequestEnded) -> "RequestRecord":
        """This request as `end` leaves it, sharing its content: what is stored before this one says that it ended."""
        copy = msgspec.structs.replace(self, timeline=msgspec.structs.replace(self.timeline))
        copy.apply(end)
        return copy

    def _set_aside(self, t_ns: int, failure: Failure) -> None:
        self.timeline.ended_ns = t_ns
        self.earlier.append(
            Attempt(
                timeline=self.timeline,
                failure=failure,
                http_status=self.http_status,
                api_request_id=self.api_request_id,
                response=self.response,
            )
        )
        self.timeline = Timeline(due_ns=self.timeline.due_ns)
        self.usage = Usage()
        self.instrument = self.network = None
        self.response = Response()
        self.http_status = self.api_request_id = self.message_id = self.answered_by = self.cache_miss = None

    @property
    def attempt(self) -> int:
        """Number of the present attempt, from 1."""
        return len(self.earlier) + 1

    @property
    def retry_ns(self) -> int | None:
        """Time that earlier attempts took: first request sent → present attempt's request sent, ns; not in TTFT."""
        first = self.earlier[0].timeline.sent_ns if self.earlier else None
        return self.timeline.sent_ns - first if first is not None and self.timeline.sent_ns is not None else None

    @property
    def state(self) -> State:
        """The present stage, from the status and the stamps."""
        if self.status is not None:
            return State(self.status.value)
        if self.waits_s is not None:
            return State.RETRYING
        if self.is_judged:
            return State.JUDGED
        timeline = self.timeline
        if timeline.first_answer_ns is not None:
            return State.STREAMING
        if timeline.thinking_started_ns is not None or timeline.content_ns:
            return State.THINKING
        return State.CONNECTING if timeline.sent_ns is None else State.WAITING

    def text(self, kind: Kind = Kind.TEXT) -> str:
        """The content of one kind, joined."""
        return "".join(text for piece_kind, text in self.pieces if piece_kind is kind)

    @property
    def ttft_ns(self) -> int | None:
        """See `metrics.ttft_ns`."""
        return metrics.ttft_ns(self.timeline)

    @property
    def total_ns(self) -> int | None:
        """Total time (TTLT) of an answer that is complete, ns; absent while it streams and when it broke off."""
        return metrics.ttlt_ns(self.timeline) if self._is_whole else None

    @property
    def split(self) -> Split | None:
        """See `metrics.split`."""
        return split(self.timeline, self.network)

    @property
    def complete(self) -> bool:
        """True for an answer that came to its end, be it a cut: only those count in statistics, and no refusal."""
        return self.status in (Status.DONE, Status.TRUNCATED)

    @property
    def _is_whole(self) -> bool:
        return self.complete or self.is_judged

    @property
    def output_tokens(self) -> int | None:
        """Output tokens of an answer that is complete: of one that broke off only the beginning was counted.

        A count of 0 for an answer with content is none.
        """
        count = self.usage.output_tokens if self._is_whole else None
        return None if count == 0 and self.timeline.content_ns else count

    @property
    def passed(self) -> bool | None:
        """The person's word; without one see `checks.passed_of`."""
        return passed_of(self.checks) if self.overruled is None else self.overruled

    @property
    def is_streamed(self) -> bool:
        """True for an answer that came, or is awaited, as a stream."""
        came = self.response.streamed
        return self.spec.parameters.stream is not False if came is None else came

    @property
    def exceeds_max_tokens(self) -> bool:
        """True where the server counts more output than `max_tokens` allows."""
        cap, count = self.spec.parameters.max_tokens, self.output_tokens
        return bool(cap and count and count > cap)

    @property
    def other_model(self) -> str | None:
        """The model that answered, where it is another than the one asked."""
        answered = self.answered_by
        return answered if answered is not None and is_other_model(self.spec.model, answered) else None

    @property
    def reads_unasked_cache(self) -> bool:
        """True where half of the prompt or more came from a cache that was not asked for."""
        read, prompt = self.usage.cache_read_input_tokens, self.usage.prompt_tokens
        return not self.spec.parameters.cache and bool(read and prompt) and 2 * (read or 0) >= (prompt or 0)

    @property
    def held_back(self) -> Held | None:
        """See `held_back.held_back`; None until the answer is complete, too."""
        found = self.timeline.arrivals if self.complete else None
        late_ns = None if self.instrument is None else self.instrument.latest_ns
        lost = self.network is not None and self.network.out_of_order > 0
        return None if found is None else held_back(found, self.ttft_ns, late_ns, lost=lost)

    @property
    def has_no_pace(self) -> bool:
        """True where the arrivals say how the answer was held back, and nothing of its speed."""
        return self.held_back in (Held.AT_ONCE, Held.IN_BURSTS)

    @property
    def timed_tokens(self) -> int | None:
        """See `metrics.timed_tokens`; absent where the count is beyond what was asked for, or the answer held back."""
        if self.exceeds_max_tokens or self.has_no_pace:
            return None
        return metrics.timed_tokens(self.timeline, self.output_tokens, self.usage.thinking_tokens)

    @property
    def characters_per_s(self) -> float | None:
        """Characters of content after its first piece, by the time from that piece to the last, 1/s.

        Absent for an answer that broke off, was held back, or came at one instant: as `otps`.
        """
        span = metrics.content_span_ns(self.timeline)
        if not self.complete or self.has_no_pace or not span:
            return None
        count = self.timeline.characters - self.timeline.first_characters
        # An export of an earlier version without texts has no characters.
        return count * metrics.NS_PER_S / span if count else None

    @property
    def otps(self) -> float | None:
        """See `metrics.otps`; absent for an answer that broke off."""
        return metrics.otps(self.timeline, self.timed_tokens)
