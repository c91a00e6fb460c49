"""A request's record: its state at every step, and its figures."""

from collections.abc import Sequence

import pytest

from tui.core.events import (
    Content,
    Failure,
    FailureKind,
    Kind,
    Mark,
    Marked,
    RequestEnded,
    RequestEvent,
    Responded,
    Status,
    Usage,
    UsageReported,
)
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord, State
from tui.core.target import Endpoint, Timeouts

MS = 1_000_000


def record(*events: RequestEvent) -> RequestRecord:
    made = RequestRecord(
        spec=RequestSpec(
            request_id=1,
            target="t",
            model="m",
            endpoint=Endpoint(name="e", base_url="http://localhost"),
            prompt=Prompt(user="u"),
            parameters=Parameters(max_tokens=50),
            timeouts=Timeouts(),
        )
    )
    for event in events:
        made.apply(event)
    return made


def mark(mark: Mark, t_ns: int) -> Marked:
    return Marked(request_id=1, mark=mark, t_ns=t_ns)


def content(kind: Kind, *stamps: int) -> Content:
    return Content(request_id=1, kind=kind, t_ns=list(stamps), texts=[f"{kind.value}{stamp} " for stamp in stamps])


def end(status: Status, failure: Failure | None = None) -> RequestEnded:
    return RequestEnded(request_id=1, t_ns=900 * MS, status=status, stop_reason="end_turn", failure=failure)


SENT: list[RequestEvent] = [mark(Mark.QUEUED, 1), mark(Mark.SENT, 100 * MS)]
THOUGHT: list[RequestEvent] = [*SENT, content(Kind.THINKING, 200 * MS)]
SPOKE: list[RequestEvent] = [*THOUGHT, content(Kind.TEXT, 300 * MS, 700 * MS), content(Kind.TEXT, 800 * MS)]


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], State.CONNECTING),
        (SENT[:1], State.CONNECTING),
        (SENT, State.WAITING),
        ([*SENT, mark(Mark.MESSAGE_START, 2)], State.WAITING),
        ([*SENT, mark(Mark.THINKING_STARTED, 2)], State.THINKING),
        (THOUGHT, State.THINKING),
        (SPOKE, State.STREAMING),
        ([*SPOKE, end(Status.DONE)], State.DONE),
        ([*SPOKE, end(Status.TRUNCATED)], State.TRUNCATED),
        ([*SPOKE, end(Status.CANCELLED)], State.CANCELLED),
        ([end(Status.FAILED)], State.FAILED),
    ],
)
def test_state(events: Sequence[RequestEvent], state: State) -> None:
    assert record(*events).state is state
    assert state.in_flight == (state in (State.CONNECTING, State.WAITING, State.THINKING, State.STREAMING))


def test_every_status_is_a_state_that_is_over() -> None:
    assert not any(State(status.value).in_flight for status in Status)
    assert not State.IDLE.in_flight


def test_figures_of_a_complete_answer() -> None:
    usage = UsageReported(request_id=1, usage=Usage(input_tokens=3, output_tokens=7))
    responded = Responded(request_id=1, t_ns=1, http_status=200, api_request_id="req_1")
    done = record(*SPOKE, usage, responded, end(Status.DONE))
    assert done.ttft_ns == 100 * MS
    assert done.total_ns == 700 * MS
    # The first of 4 chunks has 18 of 60 characters, so 2 of 7 tokens: 5 came within 600 ms.
    assert done.otps == pytest.approx(5 / 0.6)
    assert (done.http_status, done.api_request_id, done.stop_reason) == (200, "req_1", "end_turn")


def test_characters_per_second_count_what_came_after_the_first_piece() -> None:
    done = record(*SPOKE, end(Status.DONE))
    pieces = [text for _, text in done.pieces]
    span_s = (done.timeline.content_ns[-1] - done.timeline.content_ns[0]) / 1e9
    assert done.characters_per_s == pytest.approx(sum(map(len, pieces[1:])) / span_s)
    assert record(*SPOKE, end(Status.FAILED)).characters_per_s is None


def test_text_is_told_from_thinking() -> None:
    spoken = record(*SPOKE)
    assert spoken.text() == f"text{300 * MS} text{700 * MS} text{800 * MS} "
    assert spoken.text(Kind.THINKING) == f"thinking{200 * MS} "


@pytest.mark.parametrize("status", [None, Status.CANCELLED, Status.FAILED])
def test_an_answer_that_is_not_complete_has_no_total(status: Status | None) -> None:
    broken = record(*SPOKE, *([end(status)] if status else []))
    assert broken.total_ns is None
    assert broken.ttft_ns == 100 * MS


def test_a_failure_is_kept_beside_the_text() -> None:
    failure = Failure(kind=FailureKind.RATE_LIMITED, message="m", http_status=429, retry_after_s=1.0)
    failed = record(*SPOKE, end(Status.FAILED, failure))
    assert failed.failure == failure
    assert failed.text()
