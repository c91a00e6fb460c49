"""From the kernel's stamps to the one clock: a wall clock that is stepped moves no arrival."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.engine.transport.socket_stream import StampClock

US, MS, S = 1_000, 1_000_000, 1_000_000_000
START = 50 * S
EPOCH = 1_790_000_000 * S
SLEW_NS = MS
"""A step smaller than this is not told from a slewed clock: as far as any arrival may move."""
STEPS = [sign * step for step in (3600 * S, S, 10 * MS) for sign in (1, -1)]


class Clocks:
    """A monotonic and a wall clock that move only as the test says, and by a reading's own time."""

    def __init__(self, costs_ns: Iterator[int] | None = None) -> None:
        self.now_ns = START
        self.ahead_ns = EPOCH
        self._costs_ns = costs_ns
        self.clock = StampClock(self.realtime_ns, self.monotonic_ns)

    def monotonic_ns(self) -> int:
        self.now_ns += next(self._costs_ns, 0) if self._costs_ns else 0
        return self.now_ns

    def realtime_ns(self) -> int:
        self.now_ns += next(self._costs_ns, 0) if self._costs_ns else 0
        return self.now_ns + self.ahead_ns

    def arrive(self) -> tuple[int, int]:
        """Data arrive now: their stamp and the true time."""
        return self.now_ns + self.ahead_ns, self.now_ns

    def read(self, stamp_ns: int) -> int | None:
        """They are read now."""
        return self.clock.arrival_ns(stamp_ns, self.now_ns)


def test_a_stamp_becomes_the_time_of_arrival() -> None:
    clocks = Clocks()
    stamp, arrived = clocks.arrive()
    clocks.now_ns += 3 * MS
    assert clocks.read(stamp) == arrived


@given(st.lists(st.integers(0, 60 * US), min_size=60, max_size=60), st.integers(0, 50 * MS))
def test_readings_that_take_their_time_move_it_by_no_more_than_that(costs: list[int], waited: int) -> None:
    clocks = Clocks(iter(costs))
    stamp, arrived = clocks.arrive()
    clocks.now_ns += waited
    read_ns = clocks.now_ns
    found = clocks.read(stamp)
    assert found is not None
    assert found <= read_ns
    # Half of the first measurement's gap, and one look: each at most two costs.
    assert abs(found - arrived) <= 120 * US


def test_an_interrupted_measurement_is_taken_again() -> None:
    # The first reading of both clocks is torn apart by 5 ms; a tight one follows.
    clocks = Clocks(iter([0, 5 * MS, 0]))
    stamp, arrived = clocks.arrive()
    assert clocks.read(stamp) == arrived


def test_an_interrupted_look_is_no_step() -> None:
    clocks = Clocks()
    stamp, arrived = clocks.arrive()
    clocks._costs_ns = iter([0, 7 * MS])
    assert clocks.read(stamp) == arrived
    later, arrived = clocks.arrive()
    assert clocks.read(later) == arrived


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("waited", [0, 40 * US, 2 * MS])
def test_a_step_between_arrival_and_read(step: int, waited: int) -> None:
    clocks = Clocks()
    stamp, arrived = clocks.arrive()
    clocks.ahead_ns += step
    clocks.now_ns += waited
    assert clocks.read(stamp) == arrived


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("waited", [0, 40 * US, 2 * MS])
def test_a_step_between_two_reads(step: int, waited: int) -> None:
    clocks = Clocks()
    first, _ = clocks.arrive()
    clocks.read(first)
    clocks.now_ns += 20 * MS
    clocks.ahead_ns += step
    clocks.now_ns += 20 * MS
    stamp, arrived = clocks.arrive()
    clocks.now_ns += waited
    assert clocks.read(stamp) == arrived


@pytest.mark.parametrize("step", STEPS)
def test_what_other_connections_still_hold_from_before_the_step(step: int) -> None:
    clocks = Clocks()
    held, held_at = clocks.arrive()
    clocks.ahead_ns += step
    clocks.now_ns += MS
    seen, seen_at = clocks.arrive()
    assert clocks.read(seen) == seen_at
    clocks.now_ns += MS
    assert clocks.read(held) == held_at


@pytest.mark.parametrize("step", STEPS)
def test_a_step_long_ago_moves_nothing_however_late_the_read(step: int) -> None:
    clocks = Clocks()
    clocks.ahead_ns += step
    clocks.read(clocks.arrive()[0])
    clocks.now_ns += 60 * S
    clocks.read(clocks.arrive()[0])
    stamp, arrived = clocks.arrive()
    clocks.now_ns += 500 * MS  # longer than the shortest step
    assert clocks.read(stamp) == arrived


@pytest.mark.parametrize("away", [20 * S, -20 * S, 2 * 3600 * S])
def test_a_stamp_that_fits_nothing(away: int) -> None:
    clocks = Clocks()
    stamp, _ = clocks.arrive()
    assert clocks.read(stamp + away) is None


def test_a_stamp_from_the_future_is_nothing_but_a_reading_error() -> None:
    clocks = Clocks()
    stamp, arrived = clocks.arrive()
    assert clocks.read(stamp + 30 * US) == arrived
    assert clocks.read(stamp + 5 * MS) is None


def test_a_slewed_clock_is_followed() -> None:
    clocks = Clocks()
    for _ in range(1000):
        clocks.now_ns += S
        clocks.ahead_ns += S // 2000  # 500 ppm, the most that adjtime does
        stamp, arrived = clocks.arrive()
        clocks.now_ns += 100 * US
        assert clocks.read(stamp) == arrived


MOMENTS = st.tuples(
    st.integers(0, 300 * MS),  # pause before
    st.one_of(st.just(0), st.sampled_from(STEPS)),  # step before it arrives
    st.integers(0, 30 * MS),  # wait, first part
    st.one_of(st.just(0), st.just(0), st.sampled_from(STEPS)),  # step while it waits
    st.integers(0, 9 * MS),  # wait, second part
)


@given(st.lists(MOMENTS, max_size=12))
def test_no_arrival_moves_by_more_than_it_waited(moments: list[tuple[int, int, int, int, int]]) -> None:
    clocks = Clocks()
    for pause, before, waited, step, waited_on in moments:
        clocks.now_ns += pause
        clocks.ahead_ns += before
        stamp, arrived = clocks.arrive()
        clocks.now_ns += waited
        clocks.ahead_ns += step
        clocks.now_ns += waited_on
        read_ns = clocks.now_ns
        found = clocks.read(stamp)
        if before and step:
            # Two steps between two looks: the time may be lost, but is not made up.
            assert found is None or found <= read_ns
            continue
        assert found is not None
        assert found <= read_ns
        if waited + waited_on < 10 * MS - SLEW_NS:
            # It waited for less than the clock was stepped by: nothing else fits.
            assert found == arrived
        else:
            # A wall clock that shows one time twice cannot tell; the data waited for as long as this at least.
            assert abs(found - arrived) <= waited + waited_on


PREEMPTED = st.sampled_from([0, 0, 200, US, 15 * US, 3 * MS, 75 * MS])


@given(
    st.lists(PREEMPTED, max_size=700),
    st.lists(st.tuples(st.integers(0, 300 * MS), st.integers(0, 200 * MS)), min_size=1, max_size=6),
)
def test_a_clock_read_by_a_process_that_is_preempted_all_the_time_moves_no_arrival(
    costs: list[int], moments: list[tuple[int, int]]
) -> None:
    clocks = Clocks(iter(costs))
    for pause, waited in moments:
        clocks.now_ns += pause
        stamp, arrived = clocks.arrive()
        clocks.now_ns += waited
        read_ns = clocks.now_ns
        found = clocks.read(stamp)
        # Refused, and counted, or right to the error of one tight reading.
        assert found is None or abs(found - arrived) <= 50 * US
        assert found is None or found <= read_ns


@pytest.mark.parametrize("torn", [[0, 0, 75 * MS], [0, 75 * MS, 0], [0, 40 * MS, 75 * MS]])
def test_an_offset_of_which_every_reading_was_interrupted_is_no_step_once_it_is_told(torn: list[int]) -> None:
    """So data that waited were taken for 37 to 75 ms later than they came, on every connection of that clock."""
    clocks = Clocks(itertools.cycle(torn))
    clocks._costs_ns = None
    for _ in range(3):
        stamp, arrived = clocks.arrive()
        clocks.now_ns += 100 * MS
        assert clocks.read(stamp) == arrived


def test_while_every_reading_is_interrupted_a_stamp_is_refused() -> None:
    clocks = Clocks()
    stamp, _ = clocks.arrive()
    clocks._costs_ns = itertools.cycle([0, 75 * MS])
    assert clocks.read(stamp) is None
