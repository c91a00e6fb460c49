"""The figures that follow from a timeline: right, or absent, never zero for want of data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core import metrics
from tui.core.timeline import Timeline

MS = metrics.NS_PER_MS


def test_the_times_of_an_answer_with_thinking() -> None:
    timeline = Timeline(sent_ns=100, content_ns=[150, 170, 300], thinking_pieces=2, first_text_ns=300)
    assert metrics.ttft_ns(timeline) == 50
    assert metrics.ttfo_ns(timeline) == 200
    assert metrics.ttlt_ns(timeline) == 200


def test_without_thinking_both_first_tokens_are_one() -> None:
    timeline = Timeline(sent_ns=100, content_ns=[150, 170], first_text_ns=150)
    assert metrics.ttft_ns(timeline) == metrics.ttfo_ns(timeline) == 50


@pytest.mark.parametrize("timeline", [Timeline(), Timeline(sent_ns=5), Timeline(content_ns=[5], first_text_ns=5)])
def test_undefined_is_absent(timeline: Timeline) -> None:
    assert metrics.ttft_ns(timeline) is None
    assert metrics.ttfo_ns(timeline) is None
    assert metrics.ttlt_ns(timeline) is None


def test_content_that_came_before_the_send_gives_no_time() -> None:
    timeline = Timeline(sent_ns=100, content_ns=[90, 400], first_text_ns=90)
    assert metrics.ttft_ns(timeline) is metrics.ttfo_ns(timeline) is metrics.ttlt_ns(timeline) is None


def test_only_thinking_has_no_first_output() -> None:
    assert metrics.ttfo_ns(Timeline(sent_ns=1, content_ns=[2], thinking_pieces=1)) is None


def test_output_tokens_per_second_counts_from_the_first_token() -> None:
    # 11 tokens in one second: the first ends the wait, ten follow.
    assert metrics.otps(Timeline(content_ns=[5, 5 + 1000 * MS]), 11) == 10.0


@pytest.mark.parametrize(
    ("stamps", "tokens"),
    [([5, 10], None), ([5, 10], 0), ([5, 10], 1), ([], 20), ([5], 20), ([5, 5], 20)],
)
def test_a_rate_needs_two_tokens_and_a_span(stamps: list[int], tokens: int | None) -> None:
    assert metrics.otps(Timeline(content_ns=stamps), tokens) is None


@pytest.mark.parametrize(
    ("timeline", "expected"),
    [
        (Timeline(), None),
        (Timeline(connect_started_ns=5), None),
        (Timeline(reused_ns=5), None),
        (Timeline(connect_started_ns=5, connected_ns=8), 3),
        (Timeline(connect_started_ns=5, connected_ns=8, tls_started_ns=8, tls_done_ns=20), 15),
    ],
)
def test_set_up(timeline: Timeline, expected: int | None) -> None:
    assert metrics.set_up_ns(timeline) == expected


@given(st.lists(st.integers(0, 10**18)))
def test_spread(stamps: list[int]) -> None:
    expected = max(stamps) - min(stamps) if len(stamps) > 1 else None
    assert metrics.spread_ns(stamps) == expected
