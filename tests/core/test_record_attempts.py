"""Retries in the record: each attempt stands alone, and nothing of an earlier one is in the figures of the last."""

from tui.core import metrics
from tui.core.engine_events import StampSource
from tui.core.events import (
    AttemptFailed,
    Content,
    Event,
    Failure,
    FailureKind,
    Instrument,
    Kind,
    Mark,
    Marked,
    RequestEnded,
    Responded,
    Status,
    Usage,
    UsageReported,
)
from tui.core.parameters import Parameters
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord, State
from tui.core.target import Endpoint, Retries, Target, Timeouts

LIMITED = Failure(kind=FailureKind.RATE_LIMITED, message="Rate limited.", http_status=429, retry_after_s=1.0)


def record(*events: Event) -> RequestRecord:
    made = RequestRecord(
        spec=RequestSpec(
            request_id=1,
            target="lane",
            model="model",
            endpoint=Endpoint(name="e", base_url="http://localhost"),
            prompt=Prompt(),
            parameters=Parameters(),
            timeouts=Timeouts(),
            retries=Retries(max=3),
        )
    )
    for event in events:
        made.apply(event)
    return made


def mark(mark: Mark, t_ns: int) -> Marked:
    return Marked(request_id=1, mark=mark, t_ns=t_ns)


def refused(since_ns: int) -> list[Event]:
    """An attempt that was sent, begun and turned away, and the wait after it."""
    return [
        mark(Mark.QUEUED, since_ns),
        mark(Mark.CONNECT_STARTED, since_ns + 1),
        mark(Mark.CONNECTED, since_ns + 2),
        mark(Mark.SENT, since_ns + 3),
        Responded(request_id=1, t_ns=since_ns + 4, http_status=429, api_request_id=f"req_{since_ns}"),
        mark(Mark.MESSAGE_START, since_ns + 5),
        UsageReported(request_id=1, usage=Usage(input_tokens=99, output_tokens=7)),
        Instrument(request_id=1, stamp_source=StampSource.KERNEL, reads=3, delay_max_ns=1_000),
        AttemptFailed(request_id=1, t_ns=since_ns + 6, failure=LIMITED, wait_s=1.0),
    ]


ANSWER: list[Event] = [
    mark(Mark.QUEUED, 5000),
    mark(Mark.REUSED, 5001),
    mark(Mark.SENT, 5002),
    Responded(request_id=1, t_ns=5003, http_status=200, api_request_id="req_last"),
    Content(request_id=1, kind=Kind.TEXT, t_ns=[5202], texts=["Hello"]),
    RequestEnded(request_id=1, t_ns=5300, status=Status.DONE),
]


def test_one_attempt_is_the_first() -> None:
    alone = record(*ANSWER)
    assert alone.attempt == 1
    assert alone.earlier == []
    assert alone.retry_ns is None


def test_nothing_of_an_earlier_attempt_is_in_the_last_ones_figures() -> None:
    retried = record(*refused(100), *ANSWER)
    alone = record(*ANSWER)
    assert retried.attempt == 2
    assert retried.timeline == alone.timeline
    assert metrics.ttft_ns(retried.timeline) == 200
    assert metrics.set_up_ns(retried.timeline) is None
    assert retried.usage == alone.usage == Usage()
    assert retried.instrument is None
    assert (retried.http_status, retried.api_request_id) == (200, "req_last")


def test_an_earlier_attempt_keeps_its_own() -> None:
    (first,) = record(*refused(100), *ANSWER).earlier
    assert first.failure is LIMITED
    assert (first.http_status, first.api_request_id) == (429, "req_100")
    timeline = first.timeline
    assert (timeline.queued_ns, timeline.sent_ns, timeline.headers_ns, timeline.ended_ns) == (100, 103, 104, 106)
    assert timeline.content_ns == []


def test_the_time_that_retries_took_is_from_the_first_send_to_the_last() -> None:
    retried = record(*refused(100), *refused(2000), *ANSWER)
    assert retried.attempt == 3
    assert [attempt.timeline.sent_ns for attempt in retried.earlier] == [103, 2003]
    assert retried.retry_ns == 5002 - 103


def test_an_attempt_that_was_never_sent_has_no_retry_time() -> None:
    failed = AttemptFailed(request_id=1, t_ns=101, failure=LIMITED, wait_s=0.5)
    assert record(mark(Mark.QUEUED, 100), failed, *ANSWER).retry_ns is None


def test_between_attempts_it_waits_to_try_again() -> None:
    waiting = record(*refused(100))
    assert waiting.state is State.RETRYING
    assert waiting.retry_ns is None
    assert waiting.ttft_ns is waiting.total_ns is None
    assert waiting.failure is None


def test_one_that_is_cancelled_while_it_waits_keeps_the_attempts_before() -> None:
    cancelled = record(*refused(100), RequestEnded(request_id=1, t_ns=700, status=Status.CANCELLED))
    assert cancelled.state is State.CANCELLED
    assert len(cancelled.earlier) == 1
    assert cancelled.timeline.ended_ns == 700
    assert cancelled.ttft_ns is None


def test_nothing_is_retried_unless_asked_for() -> None:
    assert Retries().max == 0
    plan = Plan(
        prompt=Prompt(),
        parameters=Parameters(),
        targets=(Target(model="m"),),
        endpoints=(Endpoint(name="e", base_url="http://localhost"),),
        default_endpoint="e",
    )
    assert [spec.retries.max for spec in plan.requests(1)] == [0]
