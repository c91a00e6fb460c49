"""The steps of a request, from its stamps: those that happened, in order, without holes or overlaps."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.events import Failure, FailureKind
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import Attempt, RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.core.timeline import Timeline
from tui.ui.charts.steps import Step, waterfall

S = 1_000_000_000


def record(timeline: Timeline, *earlier: Timeline) -> RequestRecord:
    spec = RequestSpec(
        request_id=1,
        target="lane",
        model="model",
        endpoint=Endpoint(name="e", base_url="http://localhost"),
        prompt=Prompt(),
        parameters=Parameters(),
        timeouts=Timeouts(),
    )
    failure = Failure(kind=FailureKind.RATE_LIMITED, message="Rate limited.")
    attempts = [Attempt(timeline=before, failure=failure, http_status=429, api_request_id=None) for before in earlier]
    return RequestRecord(spec=spec, timeline=timeline, earlier=attempts)


def test_a_request_of_all_steps() -> None:
    timeline = Timeline(
        queued_ns=100 * S,
        connect_started_ns=101 * S,
        resolved_ns=103 * S,
        connected_ns=106 * S,
        tls_started_ns=106 * S,
        tls_done_ns=110 * S,
        sent_ns=115 * S,
        headers_ns=121 * S,
        message_start_ns=122 * S,
        thinking_started_ns=122 * S,
        content_ns=[130 * S, 131 * S, 140 * S, 155 * S],
        thinking_pieces=2,
        first_text_ns=140 * S,
        message_stop_ns=156 * S,
        ended_ns=157 * S,
    )
    assert waterfall(record(timeline)) == (
        Step("prepare", 0, 1),
        Step("name look-up", 1, 3),
        Step("TCP", 3, 6),
        Step("TLS", 6, 10),
        Step("wait for others", 10, 15),
        Step("headers", 15, 21),
        Step("message_start", 21, 22),
        Step("first token", 22, 30),
        Step("thinking", 30, 40),
        Step("text", 40, 55),
        Step("end", 55, 56),
    )


def test_a_reused_connection_has_no_set_up() -> None:
    timeline = Timeline(
        queued_ns=0,
        reused_ns=1 * S,
        sent_ns=2 * S,
        headers_ns=3 * S,
        content_ns=[4 * S, 5 * S],
        first_text_ns=4 * S,
        message_stop_ns=6 * S,
    )
    # Zero is a moment too: a clock may begin there.
    assert [step.label for step in waterfall(record(timeline))] == [
        "prepare",
        "wait for others",
        "headers",
        "first token",
        "text",
        "end",
    ]


def test_thinking_alone() -> None:
    timeline = Timeline(queued_ns=1 * S, sent_ns=2 * S, content_ns=[3 * S, 9 * S], thinking_pieces=2, ended_ns=10 * S)
    assert waterfall(record(timeline))[-2:] == (Step("thinking", 2, 8), Step("end", 8, 9))


def test_one_token() -> None:
    timeline = Timeline(queued_ns=1 * S, sent_ns=2 * S, content_ns=[3 * S], first_text_ns=3 * S, message_stop_ns=4 * S)
    assert waterfall(record(timeline)) == (
        Step("wait for others", 0, 1),
        Step("first token", 1, 2),
        Step("text", 2, 2),
        Step("end", 2, 3),
    )


def test_one_that_failed_before_it_was_sent() -> None:
    timeline = Timeline(queued_ns=1 * S, connect_started_ns=2 * S, ended_ns=5 * S)
    assert waterfall(record(timeline)) == (Step("prepare", 0, 1), Step("end", 1, 4))


def test_one_that_failed_before_the_first_token() -> None:
    timeline = Timeline(queued_ns=1 * S, sent_ns=2 * S, headers_ns=3 * S, ended_ns=5 * S)
    assert [step.label for step in waterfall(record(timeline))] == ["wait for others", "headers", "end"]


def test_nothing_yet() -> None:
    assert waterfall(record(Timeline())) == ()


def test_earlier_attempts_come_first_and_time_counts_from_the_first() -> None:
    first = Timeline(queued_ns=10 * S, sent_ns=11 * S, ended_ns=12 * S)
    second = Timeline(queued_ns=13 * S, sent_ns=14 * S, ended_ns=15 * S)
    last = Timeline(queued_ns=20 * S, sent_ns=21 * S)
    assert waterfall(record(last, first, second)) == (
        Step("attempt 1", 0, 2),
        Step("attempt 2", 3, 5),
        Step("wait for others", 10, 11),
    )


def test_between_attempts_only_the_earlier_ones_are_shown() -> None:
    assert waterfall(record(Timeline(), Timeline(queued_ns=10 * S, ended_ns=12 * S))) == (Step("attempt 1", 0, 2),)


FIELDS = (
    "queued_ns",
    "connect_started_ns",
    "resolved_ns",
    "connected_ns",
    "tls_done_ns",
    "sent_ns",
    "headers_ns",
    "message_start_ns",
    "message_stop_ns",
    "ended_ns",
)


@given(
    st.dictionaries(st.sampled_from(FIELDS), st.integers(1, 10**12)),
    st.lists(st.integers(1, 10**12), max_size=5).map(sorted),
    st.integers(0, 5),
)
def test_no_step_overlaps_the_one_before_whatever_the_stamps(
    stamps: dict[str, Any], content: list[int], thinking: int
) -> None:
    first_text = content[thinking] if thinking < len(content) else None
    timeline = Timeline(
        **stamps, content_ns=content, thinking_pieces=min(thinking, len(content)), first_text_ns=first_text
    )
    steps = waterfall(record(timeline))
    assert bool(steps) <= ("queued_ns" in stamps)
    for step in steps:
        assert 0 <= step.start_s <= step.end_s
    for before, after in itertools.pairwise(steps):
        assert before.end_s <= after.start_s


@pytest.mark.parametrize("reused", [None, 1 * S])
def test_labels_are_said_once(reused: int | None) -> None:
    timeline = Timeline(
        queued_ns=1 * S, reused_ns=reused, sent_ns=2 * S, content_ns=[3 * S, 4 * S], first_text_ns=3 * S, ended_ns=5 * S
    )
    labels = [step.label for step in waterfall(record(timeline))]
    assert len(labels) == len(set(labels))
