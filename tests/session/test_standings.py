"""Standings: one run makes nobody the fastest, and repeats only where it is shown."""

from random import Random

from tui.core.events import Status
from tui.core.figures import Figure
from tui.core.observation import Observation
from tui.core.target import Target
from tui.session.lane import Lane
from tui.session.standings import Standings

MS = 1_000_000


def lanes_of(*names: str) -> list[Lane]:
    return [Lane(Target(model=name)) for name in names]


def ran(standings: Standings, lanes: list[Lane], run: int, *ttfts: float | None, counted: bool = True) -> None:
    """A run of all lanes is over; None is a failure."""
    for lane, ttft in zip(lanes, ttfts, strict=True):
        status = Status.FAILED if ttft is None else Status.DONE
        value = None if ttft is None else round(ttft * MS)
        lane.outcomes.append(
            Observation(status=status, run=run, fingerprint=lane.label, ttft_ns=value, total_ns=value, counted=counted)
        )
    standings.run_over(lanes, lanes, run)


def test_one_run_makes_nobody_the_fastest_and_enough_of_them_do() -> None:
    standings, lanes = Standings(), lanes_of("a", "b")
    random = Random(1)
    for run in range(1, 41):
        ran(standings, lanes, run, 200 * random.lognormvariate(0, 0.1), 300 * random.lognormvariate(0, 0.1))
        if run < 6:
            assert not any(lane.fastest for lane in lanes)
    assert [set(lane.fastest) for lane in lanes] == [{Figure.TTFT, Figure.TOTAL}, set()]


def test_equal_lanes_are_seldom_told_apart_in_a_session() -> None:
    rounds, wrong = 60, 0
    for seed in range(rounds):
        random, standings, lanes = Random(seed), Standings(), lanes_of("a", "b", "c")
        shown = False
        for run in range(1, 61):
            ran(standings, lanes, run, *(300 * random.lognormvariate(0, 0.2) for _ in lanes))
            shown |= any(lane.fastest for lane in lanes)
        wrong += shown
    assert wrong / rounds <= 0.05 + 3 * (0.05 * 0.95 / rounds) ** 0.5


def test_other_questions_begin_anew() -> None:
    standings, lanes = Standings(), lanes_of("a", "b")
    for run in range(1, 31):
        ran(standings, lanes, run, 200 + run % 7, 300 + run % 5)
    assert lanes[0].fastest
    lanes[1].outcomes.append(Observation(run=31, fingerprint="something else", ttft_ns=MS, total_ns=MS))
    standings.run_over(lanes, lanes, 31)
    assert not lanes[0].fastest


def test_warm_up_and_failures_tell_nothing() -> None:
    standings, lanes = Standings(), lanes_of("a", "b")
    for run in range(1, 31):
        ran(standings, lanes, run, 200, 300, counted=False)
    for run in range(31, 61):
        ran(standings, lanes, run, 200, None)
    assert not any(lane.fastest for lane in lanes)


def test_what_was_held_back_is_never_the_fastest_in_ttft() -> None:
    """When its model began is not known; its end is."""
    standings, lanes = Standings(), lanes_of("a", "b")
    for run in range(1, 31):
        for lane, ms in zip(lanes, (100, 200), strict=True):
            label, held = lane.label, lane is lanes[0]
            lane.outcomes.append(
                Observation(run=run, fingerprint=label, ttft_ns=ms * MS, total_ns=ms * MS, held_back=held)
            )
        standings.run_over(lanes, lanes, run)
    assert [lane.fastest for lane in lanes] == [(Figure.TOTAL,), ()]
