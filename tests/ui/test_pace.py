"""The frame rate follows the link; tried on links that exist only as arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.ui.pace import FASTEST, PROBE, Pacer

TICK_S = 0.1
STEPS = 20
KEY_STEPS = 97
"""A key about twice a second, at any time of a tick."""
LETTER_BYTES = 60


class Link:
    """A link of `bytes_per_s` and `delay_s` each way, a screen that sends `frame` bytes for each of `lanes` lanes
    whenever it may, and a person who `types`."""

    def __init__(
        self,
        bytes_per_s: float,
        delay_s: float,
        frame: int,
        *,
        lanes: int = 1,
        types: bool = False,
        answers: bool = True,
    ) -> None:
        self.now = 0.0
        self.pacer = Pacer(clock=lambda: self.now)
        self._bytes_per_s, self._delay_s, self._frame, self._answers = bytes_per_s, delay_s, frame, answers
        self._count, self._types = lanes, types
        self._free_at = 0.0
        self._answers_at: list[float] = []
        self.painted: list[float] = []
        self.lags: list[float] = []
        self.key_lags: list[float] = []

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            for at in [at for at in self._answers_at if at <= self.now]:
                self._answers_at.remove(at)
                self.pacer.answered()
            if round(self.now / TICK_S * STEPS) % STEPS == 0 and self.pacer.may_paint():
                self.painted.append(self.now)
                # Some lanes have less to say than others.
                self._send(self._frame * self.pacer.lanes(self._count) * (3 + len(self.painted) % 5) // 5)
                self.lags.append(self._free_at - self.now)
            if self._types and round(self.now / TICK_S * STEPS) % KEY_STEPS == 0:
                self._send(LETTER_BYTES)
                self.key_lags.append(self._free_at - self.now)
            self.now += TICK_S / STEPS

    def _send(self, count: int) -> None:
        question = self.pacer.question(count)
        self._free_at = max(self._free_at, self.now) + (count + len(question)) / self._bytes_per_s
        if question == PROBE and self._answers:
            self._answers_at.append(self._free_at + 2 * self._delay_s)


@given(st.floats(200_000, 10_000_000), st.floats(0, 0.4), st.integers(200, 4_000))
def test_a_link_that_carries_all_frames_gets_them(bytes_per_s: float, delay_s: float, frame: int) -> None:
    link = Link(bytes_per_s, delay_s, frame)
    link.run(20)
    assert abs(link.pacer.rate - FASTEST) < 0.01
    assert len(link.painted) >= 0.9 * 20 * FASTEST * 0.8


@given(st.floats(4_000, 16_000), st.floats(0, 0.4), st.integers(1_000, 4_000))
def test_on_a_slow_link_hardly_anything_waits(bytes_per_s: float, delay_s: float, frame: int) -> None:
    link = Link(bytes_per_s, delay_s, frame)
    link.run(60)
    # In front of a frame is what may be late, and what was sent in the time that news of that takes.
    bound = 0.25 + 0.15 + 2 * delay_s + 5 * (frame + 4) / bytes_per_s + TICK_S
    assert max(link.lags[len(link.lags) // 2 :]) <= bound


@pytest.mark.parametrize("lanes", [4, 16])
@pytest.mark.parametrize("delay_s", [0.0, 0.1, 0.4])
def test_on_a_slow_link_a_frame_has_no_more_lanes_than_a_key_can_wait_for(delay_s: float, lanes: int) -> None:
    link = Link(8_000, delay_s, 320, lanes=lanes, types=True)
    link.run(60)
    assert not link.pacer.may_draw_charts
    lags = link.key_lags[len(link.key_lags) // 2 :]
    assert max(lags) <= 0.1 < lanes * 320 / 8_000
    assert len(link.painted) >= 60 * 2.5


def test_on_a_fast_link_a_frame_has_all_lanes() -> None:
    link = Link(200_000, 0.2, 300, lanes=16)
    link.run(20)
    assert link.pacer.lanes(16) == 16
    assert link.pacer.may_draw_charts


def test_the_rate_rises_again_when_the_link_is_free() -> None:
    link = Link(4_000, 0.1, 2_000)
    link.run(30)
    assert link.pacer.rate < FASTEST / 2
    link._bytes_per_s = 1_000_000
    link.run(30)
    assert abs(link.pacer.rate - FASTEST) < 0.01


def test_a_terminal_that_never_answers_is_left_in_peace_and_painted_on() -> None:
    link = Link(1_000_000, 0.0, 1_000, answers=False)
    link.run(30)
    assert len(link.painted) > 0.8 * 20 * FASTEST * 0.8
    assert link.pacer.question(1_000) == b""


def test_a_fixed_rate_asks_nothing() -> None:
    pacer = Pacer(4.0)
    assert pacer.frame_s == 0.25
    assert pacer.question(1_000) == b""
    assert all(pacer.may_paint() for _ in range(100))


def test_nothing_is_painted_while_the_terminal_takes_nothing() -> None:
    pacer = Pacer(clock=lambda: 1.0)
    pacer.queued = lambda: 1
    assert not pacer.may_paint()
    pacer.queued = lambda: 0
    assert pacer.may_paint()
