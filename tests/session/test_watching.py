"""The loop of a watch on a clock of the test's own: what is measured when, what is skipped, and when it ends."""

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tui.errors import UsageError
from tui.session.watching import Rhythm, WallClock, Watcher, watch_lock, watch_name

RHYTHM = Rhythm(300, "watch-test")
START = RHYTHM.slot_at(1_800_000_000) * 300 + 300.0
MINUTE = 60.0


class Clock(WallClock):
    """A wall clock that passes while it is waited for; `events` happen when it reaches their time."""

    def __init__(self, now: float) -> None:
        super().__init__()
        self.at = now
        self.events: list[tuple[float, Callable[[], None]]] = []
        self.waits: list[float] = []

    def now(self) -> float:
        return self.at

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds
        for event in [one for one in self.events if one[0] <= self.at]:
            self.events.remove(event)
            event[1]()


class Watched:
    """A watch whose rounds take no time unless `takes` says so."""

    def __init__(self, now: float, outcomes: list[bool | None] | None = None, takes: float = 0.0) -> None:
        self.clock = Clock(now)
        self.rounds: list[float] = []
        self.said: list[str] = []
        self._outcomes = outcomes or []
        self.takes = takes
        self.watcher = Watcher(RHYTHM, self.clock, self._measure, self.said.append)

    def _measure(self) -> bool | None:
        self.rounds.append(self.clock.at)
        self.clock.at += self.takes
        return self._outcomes.pop(0) if self._outcomes else True

    @property
    def slots(self) -> list[int]:
        return [RHYTHM.slot_at(at) for at in self.rounds]


def consecutive(slots: list[int]) -> bool:
    return all(after == before + 1 for before, after in pairwise(slots))


def test_the_first_round_begins_at_once_and_each_slot_has_one() -> None:
    watched = Watched(START)
    watched.watcher.watch(None, START + 60 * MINUTE)
    assert watched.rounds[0] == START
    assert len(watched.rounds) in (12, 13)
    assert consecutive(watched.slots)
    assert watched.said == []
    assert watched.watcher.tally.skipped == 0


def test_rounds_are_jittered_and_the_clock_is_looked_at_often() -> None:
    watched = Watched(START)
    watched.watcher.watch(None, START + 600 * MINUTE)
    offsets = {round(at - RHYTHM.slot_at(at) * 300, 3) for at in watched.rounds[1:]}
    assert len(offsets) > 50
    assert max(offsets) - min(offsets) <= 30
    assert max(watched.clock.waits) <= 5


def test_a_restart_keeps_the_rhythm_and_measures_no_slot_twice() -> None:
    whole, first, second = Watched(START), Watched(START), Watched(START)
    whole.watcher.watch(None, START + 60 * MINUTE)
    first.watcher.watch(None, START + 22 * MINUTE)
    second.clock.at = START + 22 * MINUTE + 7
    second.watcher.watch(first.rounds[-1], START + 60 * MINUTE)
    assert first.slots + second.slots == whole.slots
    # Each look at the clock is 5 s from the next.
    assert all(abs(a - b) <= 5 for a, b in zip(first.rounds + second.rounds, whole.rounds, strict=True))
    assert second.said == []


def test_what_nobody_watched_is_skipped_and_said() -> None:
    watched = Watched(START + 60 * MINUTE)
    watched.watcher.watch(START, START + 90 * MINUTE)
    assert watched.watcher.tally.skipped in (11, 12)
    assert len(watched.said) == 1
    assert "not made up" in watched.said[0]
    assert consecutive(watched.slots)


def test_a_sleep_of_hours_ends_without_a_burst() -> None:
    watched = Watched(START)

    def sleep() -> None:
        watched.clock.at += 5 * 60 * MINUTE

    watched.clock.events.append((START + 17 * MINUTE, sleep))
    watched.watcher.watch(None, START + 6 * 60 * MINUTE)
    assert len(set(watched.slots)) == len(watched.slots)
    before = [at for at in watched.rounds if at < START + 17 * MINUTE]
    after = [at for at in watched.rounds if at > START + 17 * MINUTE]
    assert after[0] - RHYTHM.time_of(RHYTHM.slot_at(after[0])) <= RHYTHM.grace_s
    assert watched.watcher.tally.skipped == RHYTHM.slot_at(after[0]) - RHYTHM.slot_at(before[-1]) - 1 >= 58
    assert len(watched.said) == 1


def test_a_round_longer_than_the_interval_skips_and_does_not_pile_up() -> None:
    watched = Watched(START, takes=400.0)
    watched.watcher.watch(None, START + 60 * MINUTE)
    assert all(after - before >= 400 for before, after in pairwise(watched.rounds))
    assert watched.watcher.tally.skipped >= 4


def test_a_clock_that_was_set_back_does_not_stop_the_watch() -> None:
    watched = Watched(START)

    def set_back() -> None:
        watched.clock.at -= 24 * 60 * MINUTE
        stop = (watched.clock.at + 60 * MINUTE, watched.clock.stop)
        watched.clock.events.append(stop)

    watched.clock.events.append((START + 12 * MINUTE, set_back))
    watched.watcher.watch(None)
    assert sum(at < START for at in watched.rounds) >= 8
    assert any("set back" in said for said in watched.said)


def test_stopping_ends_it_within_the_wait() -> None:
    watched = Watched(START)
    watched.clock.events.append((START + 12 * MINUTE, watched.clock.stop))
    watched.watcher.watch(None)
    assert watched.clock.at <= START + 13 * MINUTE


def test_the_tally_tells_rounds_that_missed_from_those_that_could_not_be_measured() -> None:
    watched = Watched(START, outcomes=[True, False, None])
    watched.watcher.watch(None, START + 14 * MINUTE)
    tally = watched.watcher.tally
    assert (tally.off_target, tally.skipped) == (1, 1)
    assert tally.measured == len(watched.rounds) - 1


def test_the_name_is_the_files_or_what_is_asked(tmp_path: Path) -> None:
    plan = tmp_path / "My plan.toml"
    assert watch_name(plan, b"a") == watch_name(plan, b"b")
    assert watch_name(plan, b"").startswith("watch-my-plan-")
    assert watch_name(None, b"a") != watch_name(None, b"b")


def test_one_process_at_a_time_watches_a_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with watch_lock("one"):
        assert (tmp_path / "latency-tui" / "watch" / "one.lock").read_text() == f"{os.getpid()}\n"
        with pytest.raises(UsageError, match=f"by process {os.getpid()}"), watch_lock("one"):
            pass
        with watch_lock("two"):
            pass
    with watch_lock("one"):
        pass
