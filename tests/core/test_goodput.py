"""Goodput."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tui.core.events import Status
from tui.core.goodput import goodput, is_good
from tui.core.metrics import NS_PER_MS, NS_PER_S
from tui.core.objectives import parse
from tui.core.observation import Observation

MS = NS_PER_MS
QUICK = Observation(
    sent_ns=0, ended_ns=NS_PER_S, ttft_ns=100 * MS, tpot_ns=10.0 * MS, gaps_ns=(10 * MS,) * 9 + (90 * MS,)
)
SLOW = Observation(sent_ns=NS_PER_S, ended_ns=4 * NS_PER_S, ttft_ns=900 * MS, tpot_ns=10.0 * MS)
FAILED = Observation(status=Status.FAILED, sent_ns=0, ended_ns=1)
TTFT = parse("ttft.p95 < 800ms")


def test_good_requests_per_second() -> None:
    found = goodput([TTFT, parse("errors < 1%")], [QUICK, SLOW, FAILED])
    assert found is not None
    assert (found.good, found.count) == (1, 3)
    assert found.per_second is None  # one request at a time: that rate is the pace of the series
    assert found.low < 1 / 3 < found.high
    assert found.sentence.startswith("1 of 3 requests within every limit, 1 % to 91 % (95 %)")


def test_under_load_it_is_a_rate() -> None:
    together = [replace(one, run=1) for one in (QUICK, SLOW, FAILED)]
    found = goodput([TTFT], together)
    assert found is not None
    assert found.per_second == 0.25
    assert "0.25 requests/s" in found.sentence
    # A pause before the next run, or a judge of these answers, is in no rate.
    later = [
        replace(one, run=2, sent_ns=(one.sent_ns or 0) + 10**12, ended_ns=(one.ended_ns or 0) + 10**12)
        for one in together
    ]
    twice = goodput([TTFT], [*together, *later])
    assert twice is not None
    assert twice.per_second == 0.25


def test_every_objective_must_be_met() -> None:
    assert is_good([], QUICK)
    assert not is_good([], FAILED)
    assert is_good([TTFT, parse("tpot.mean < 20ms")], QUICK)
    assert not is_good([TTFT, parse("tpot.mean < 9ms")], QUICK)
    assert not is_good([parse("ttfo.p50 < 9s")], QUICK)  # it has none
    assert not is_good([parse("otps.p50 > 10")], QUICK)


def test_gaps_are_judged_within_the_answer() -> None:
    assert is_good([parse("itl.p90 < 50ms")], QUICK)
    assert not is_good([parse("itl.p95 < 50ms")], QUICK)
    assert not is_good([parse("itl.p95 < 50ms")], SLOW)


def test_no_requests_no_goodput_and_no_span_no_rate() -> None:
    assert goodput([TTFT], []) is None
    found = goodput([TTFT], [Observation(run=1, sent_ns=5, ended_ns=5)] * 2)
    assert found is not None
    assert found.per_second is None


@given(st.lists(st.integers(1, 1_000), min_size=1, max_size=20), st.integers(1, 1_000), st.integers(0, 500))
def test_a_looser_limit_never_lowers_it(ttfts: list[int], limit: int, more: int) -> None:
    observations = [Observation(sent_ns=0, ended_ns=10**9, ttft_ns=ttft * MS) for ttft in ttfts]
    tight, loose = (goodput([parse(f"ttft.p50 < {value}ms")], observations) for value in (limit, limit + more))
    assert tight is not None
    assert loose is not None
    assert 0 <= tight.good <= loose.good <= len(ttfts)


@pytest.mark.parametrize(("text", "good"), [("truncated < 5%", 1), ("refused < 5%", 2), ("errors < 5%", 2)])
def test_a_cut_answer_is_not_good_where_cuts_are_limited(text: str, good: int) -> None:
    cut = replace(QUICK, status=Status.TRUNCATED)
    found = goodput([TTFT, parse(text)], [QUICK, cut])
    assert found is not None
    assert found.good == good
