"""Offsets of clocks, as pings tell them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.clocks import SAME_CLOCK, ClockOffset, best_of, offset_of

FAR = st.integers(-(10**18), 10**18)
WAY = st.integers(0, 10**9)


@given(offset=FAR, sent=FAR, out=WAY, back=WAY)
def test_the_true_offset_is_within_the_error_whatever_the_ways_took(
    offset: int, sent: int, out: int, back: int
) -> None:
    read = offset_of(sent, sent + out + offset, sent + out + back)
    assert abs(read.offset_ns - offset) <= read.error_ns
    assert read.error_ns <= read.rtt_ns // 2 + 1


@given(offset=FAR, moment=FAR)
def test_there_and_back_again(offset: int, moment: int) -> None:
    clock = ClockOffset(offset_ns=offset)
    assert clock.here(clock.there(moment)) == moment
    assert SAME_CLOCK.there(moment) == moment


def test_the_quickest_ping_counts() -> None:
    pings = [offset_of(0, 100 + way // 3, way) for way in (900, 30, 400)]
    assert best_of(pings).rtt_ns == 30
    with pytest.raises(ValueError, match="empty"):
        best_of([])
