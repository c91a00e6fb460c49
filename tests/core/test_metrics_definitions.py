"""The formulas of the field's words, held against the stamps they are made of; undefined is absent, never zero."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core import metrics
from tui.core.events import Content, Kind
from tui.core.timeline import Timeline

MS = metrics.NS_PER_MS

STAMPS = st.lists(st.integers(1, 10**12), max_size=60).map(sorted)


@given(STAMPS, st.integers(0, 60), st.one_of(st.none(), st.integers(0, 10**12)))
def test_every_formula(stamps: list[int], thinking: int, sent_ns: int | None) -> None:
    thinking = min(thinking, len(stamps))
    first_text = stamps[thinking] if thinking < len(stamps) else None
    timeline = Timeline(sent_ns=sent_ns, content_ns=stamps, thinking_pieces=thinking, first_text_ns=first_text)
    ttft, ttfo, ttlt = metrics.ttft_ns(timeline), metrics.ttfo_ns(timeline), metrics.ttlt_ns(timeline)
    if sent_ns is None or not stamps or stamps[0] < sent_ns:
        assert ttft is ttfo is ttlt is None
        return
    assert ttft == stamps[0] - sent_ns
    assert ttlt == stamps[-1] - sent_ns
    assert ttfo == (None if first_text is None else first_text - sent_ns)
    if ttfo is not None:
        assert ttft <= ttfo <= ttlt
    if not thinking:
        assert ttfo == ttft


@given(STAMPS.filter(lambda stamps: len(stamps) > 1), st.integers(2, 10**6))
def test_pace_is_counted_in_tokens_from_the_first_on(stamps: list[int], tokens: int) -> None:
    timeline = Timeline(sent_ns=0, content_ns=stamps)
    ttft, ttlt = metrics.ttft_ns(timeline), metrics.ttlt_ns(timeline)
    assert ttft is not None
    assert ttlt is not None
    tpot, otps = metrics.tpot_ns(timeline, tokens), metrics.otps(timeline, tokens)
    if ttlt == ttft:
        assert (tpot, otps) == (None, None)  # of what came at once no pace is known
        assert metrics.gap_samples_ns(timeline) == []
    else:
        assert tpot == (ttlt - ttft) / (tokens - 1)
        assert otps == pytest.approx((tokens - 1) / ((ttlt - ttft) / metrics.NS_PER_S))


@pytest.mark.parametrize("tokens", [None, 0, 1])
def test_one_token_or_none_has_no_pace(tokens: int | None) -> None:
    timeline = Timeline(sent_ns=0, content_ns=[5, 9])
    assert metrics.tpot_ns(timeline, tokens) is None
    assert metrics.otps(timeline, tokens) is None


@pytest.mark.parametrize("stamps", [[], [7]])
def test_one_chunk_or_none_has_no_gaps_and_no_pace(stamps: list[int]) -> None:
    timeline = Timeline(sent_ns=0, content_ns=stamps)
    assert metrics.gaps_ns(timeline) == []
    assert metrics.gaps(timeline) is None
    assert metrics.tpot_ns(timeline, 50) is None


def test_five_tokens_per_chunk() -> None:
    # One token, then five every 50 ms: 50 ms between chunks, 10 ms per token.
    timeline = Timeline(sent_ns=0, content_ns=[200 * MS + 50 * MS * number for number in range(21)])
    gaps = metrics.gaps(timeline)
    assert gaps is not None
    assert gaps.p50_ns == gaps.p95_ns == gaps.p99_ns == gaps.max_ns == 50 * MS
    assert gaps.count == 20
    assert metrics.tpot_ns(timeline, 101) == 10 * MS
    assert metrics.otps(timeline, 101) == 100


def told(*pieces: tuple[int, str]) -> Timeline:
    """A timeline folded from pieces of text and the milliseconds at which they came."""
    timeline = Timeline(sent_ns=0)
    for at, text in pieces:
        timeline.apply(Content(request_id=1, kind=Kind.TEXT, t_ns=[at * MS], texts=[text]))
    return timeline


def test_a_first_chunk_of_several_tokens_came_before_the_time_that_is_counted() -> None:
    # Twice five tokens, 50 ms apart: five tokens took 50 ms, not nine.
    assert metrics.otps(told((240, "a b c d e "), (290, "f g h i j ")), 10) == 100
    # A first chunk of one token of the ten: nine tokens took 50 ms.
    assert metrics.otps(told((240, "a "), (290, "b c d e f g h i j ")), 10) == pytest.approx(180)
    # Words differ in length: about one token is one.
    assert metrics.otps(told((240, "the"), (290, " a b c")), 4) == 60
    # As many chunks as tokens: each is one, however long their words are.
    assert metrics.otps(told((240, "incomprehensibilities"), (290, " a"), (340, " b")), 3) == pytest.approx(20)


@given(st.lists(st.integers(1, 12), min_size=2, max_size=30), st.integers(1, 80))
def test_chunks_of_any_sizes_show_the_pace_at_which_their_tokens_came(sizes: list[int], per_token: int) -> None:
    """Each chunk comes when its last token is done: whatever the sizes are, a token takes the time it takes."""
    done, pieces = 0, []
    for size in sizes:
        done += size
        pieces.append((done * per_token, "wort" * size))
    assert metrics.tpot_ns(told(*pieces), done) == pytest.approx(per_token * MS)


@given(STAMPS.filter(lambda stamps: len(set(stamps)) > 1), st.integers(2, 10**6))
def test_stamps_out_of_order_say_nothing_of_the_pace(stamps: list[int], tokens: int) -> None:
    timeline = Timeline(sent_ns=0, content_ns=stamps[::-1])
    assert metrics.is_out_of_order(timeline)
    assert metrics.tpot_ns(timeline, tokens) is None
    assert metrics.otps(timeline, tokens) is None
    assert metrics.gaps(timeline) is None
    assert metrics.gap_samples_ns(timeline) == []


@given(STAMPS.filter(lambda stamps: len(stamps) > 1))
def test_gaps(stamps: list[int]) -> None:
    gaps = metrics.gaps(Timeline(content_ns=stamps))
    in_order = [later - earlier for earlier, later in itertools.pairwise(stamps)]
    if not any(in_order):
        # All at one instant, as in an answer that is not streamed: there is no pace to speak of.
        assert gaps is None
        return
    assert gaps is not None
    assert gaps.count == len(in_order)
    assert gaps.max_ns == max(in_order)
    assert 0 <= gaps.p50_ns <= gaps.p95_ns <= gaps.p99_ns <= gaps.max_ns
    # The piece that ended the longest: the first of them if several were as long.
    assert in_order[gaps.longest_at - 1] == gaps.max_ns
    assert max(in_order[: gaps.longest_at - 1], default=-1) < gaps.max_ns


@given(st.lists(st.integers(0, 100), min_size=1).map(sorted), st.integers(1, 100))
def test_a_percentile_is_a_sample_that_so_many_do_not_exceed(samples: list[int], percent: int) -> None:
    found = metrics.percentile(samples, percent)
    assert found in samples
    assert sum(sample <= found for sample in samples) * 100 >= percent * len(samples)
    below = sum(sample < found for sample in samples)
    assert below * 100 < percent * len(samples)


@pytest.mark.parametrize(
    ("timeline", "cold"),
    [
        (Timeline(), None),
        (Timeline(connect_started_ns=10, connected_ns=40), None),
        (Timeline(reused_ns=10, sent_ns=50, content_ns=[250]), None),
        (Timeline(connect_started_ns=10, connected_ns=40, sent_ns=50), None),
        # Set-up 30 and TTFT 200; the 10 in between, waiting for other lanes, are of neither.
        (Timeline(connect_started_ns=10, connected_ns=40, sent_ns=50, content_ns=[250]), 230),
        (
            Timeline(
                connect_started_ns=10,
                resolved_ns=20,
                connected_ns=40,
                tls_started_ns=41,
                tls_done_ns=90,
                sent_ns=100,
                content_ns=[300],
            ),
            280,
        ),
    ],
)
def test_cold_ttft(timeline: Timeline, cold: int | None) -> None:
    assert metrics.cold_ttft_ns(timeline) == cold


@pytest.mark.parametrize(
    ("timeline", "thinking_tokens", "timed"),
    [
        (Timeline(content_ns=[3, 9]), None, 100),
        (Timeline(content_ns=[3, 9], thinking_started_ns=1, thinking_pieces=1), 40, 100),
        (Timeline(content_ns=[3, 9], thinking_started_ns=1, thinking_withheld_ns=2), 40, 60),
        (Timeline(content_ns=[3, 9], thinking_started_ns=1, thinking_withheld_ns=2), None, None),
        (Timeline(content_ns=[3, 9], thinking_started_ns=1, thinking_withheld_ns=2), 101, None),
        (Timeline(content_ns=[3, 9], thinking_started_ns=1, thinking_withheld_ns=5), 40, None),  # in the midst
        (Timeline(content_ns=[3, 9], thinking_pieces=1, thinking_withheld_ns=2), 40, None),  # of two blocks one
        (Timeline(content_ns=[3, 9], thinking_started_ns=1), 40, 60),  # of an earlier version
        (Timeline(content_ns=[3, 9]), 40, 60),  # never announced
        (Timeline(content_ns=[3, 9]), 0, 100),
    ],
)
def test_tokens_that_never_arrived_enter_no_rate(
    timeline: Timeline, thinking_tokens: int | None, timed: int | None
) -> None:
    assert metrics.timed_tokens(timeline, 100, thinking_tokens) == timed


def test_thinking_ends_with_the_first_content_of_another_kind() -> None:
    tool = Timeline(sent_ns=0, content_ns=[2, 5, 9], thinking_pieces=1, first_other_ns=5)
    assert metrics.thinking_ns(tool) == 3
    assert metrics.thinking_ns(Timeline(sent_ns=0, content_ns=[5, 9], first_other_ns=5)) == 0
    assert metrics.ttfo_ns(tool) is None
