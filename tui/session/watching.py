"""A watch: one plan measured again and again at the moments of its rhythm, until it is stopped."""

import contextlib
import fcntl
import hashlib
import os
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import msgspec

from tui.config.paths import open_private, private_directory, state_dir
from tui.core.wording import counted
from tui.errors import UsageError

_LOOK_EVERY_S = 5.0
"""Longest wait between two looks at the wall clock: the clock of a wait stands still while a laptop sleeps."""
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST_S = 3_660 * 86_400
_SPAN = re.compile(r"(?:[0-9]+[smhd])+")
_PART = re.compile(r"([0-9]+)([smhd])")
_JITTER_SHARE, _MOST_JITTER_S = 0.1, 30.0
_GRACE_SHARE, _MOST_GRACE_S = 0.1, 60.0


def parse_span(text: str) -> int:
    """Seconds of a span such as `90s`, `5m`, `1h30m` or `7d`. Raises ValueError, with a sentence, for anything else."""
    if _SPAN.fullmatch(text):
        seconds = sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(text))
        if 0 < seconds <= _LONGEST_S:
            return seconds
    raise ValueError(f"must be a span of time such as 90s, 5m, 1h30m or 7d, but is {text!r}")


def span_words(seconds: float) -> str:
    """A span in its largest units: `5m`, `1h30m`, `7d`."""
    left, words = round(seconds), ""
    for unit in reversed(_UNITS):
        count, left = divmod(left, _UNITS[unit])
        words += f"{count}{unit}" if count else ""
    return words or "0s"


class Rhythm(msgspec.Struct, frozen=True):
    """The slots of one watch, numbered since 1970. Times are Unix time, s.

    They depend on the clock, the interval and the watch's name alone, so that a program that is started again goes on
    as if it had never stopped, and two watches do not ask at the same second.
    """

    every_s: int
    name: str
    """The watch's: it shifts all slots, and jitters each by up to a tenth of the interval, 30 s at most."""

    @property
    def _shift_s(self) -> float:
        return zlib.crc32(self.name.encode()) % (self.every_s * 1_000) / 1_000

    @property
    def grace_s(self) -> float:
        """Longest that a slot may be late and still count as that slot."""
        return min(_MOST_GRACE_S, _GRACE_SHARE * self.every_s)

    def time_of(self, slot: int) -> float:
        """Moment of a slot."""
        jitter = Random(f"{self.name} {slot}").random() * min(_MOST_JITTER_S, _JITTER_SHARE * self.every_s)
        return slot * self.every_s + self._shift_s + jitter

    def slot_at(self, now: float) -> int:
        """The slot that began last: what is measured until the next one begins belongs to it."""
        return int((now - self._shift_s) // self.every_s)

    def due(self, done: int, now: float) -> tuple[int, int]:
        """The slot to wait for after slot `done`, and how many between were missed and are not made up."""
        current = self.slot_at(now)
        following = current if now <= self.time_of(current) + self.grace_s else current + 1
        following = max(following, done + 1)
        return following, following - done - 1


class WallClock:
    """The machine's clock, and the wish to stop; `stop` may be called by a signal's handler."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def now(self) -> float:
        """Unix time, s."""
        return time.time()

    def wait(self, seconds: float) -> None:
        """Return after so long, or as soon as the watch is to stop."""
        self._stop.wait(seconds)

    def stop(self) -> None:
        """End the watch after what is under way."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """True once the watch is to stop."""
        return self._stop.is_set()


class Tally(msgspec.Struct, kw_only=True):
    """Counts of a watch."""

    measured: int = 0
    skipped: int = 0
    """Rounds that were not measured at their moment, and are not made up."""
    off_target: int = 0
    """Rounds that missed an objective, or in which a target did not answer."""

    @property
    def sentence(self) -> str:
        """The counts in words."""
        return (
            f"{counted(self.measured, 'round')} measured, {self.off_target} of them missed an objective or lack an "
            f"answer; {self.skipped} skipped."
        )


class Watcher:
    """The loop of a watch. It knows neither what a round is nor where its words go."""

    def __init__(
        self, rhythm: Rhythm, clock: WallClock, measure: Callable[[], bool | None], say: Callable[[str], None]
    ) -> None:
        """`measure` measures a round, and says whether it kept to the objectives; None if it could not be measured."""
        self._rhythm = rhythm
        self._clock = clock
        self._measure = measure
        self._say = say
        self.tally = Tally()

    def watch(self, last: float | None, until: float | None = None) -> None:
        """Measure until `until`, Unix time, or until the clock is stopped.

        `last` is when the round before was begun, by whatever process. Without one the first round is begun at once.
        """
        rhythm, clock = self._rhythm, self._clock
        done = rhythm.slot_at(clock.now()) - 1 if last is None else rhythm.slot_at(last)
        if last is None:
            done = self._round(done + 1)
        while not clock.stopped and not self._is_over(until):
            now = clock.now()
            slot, skipped = rhythm.due(done, now)
            if skipped:
                self._skip(skipped)
                done = slot - 1
            wait_s = rhythm.time_of(slot) - now
            if wait_s > 3 * rhythm.every_s:
                self._say("The wall clock was set back; the watch goes on from the time that it has now.")
                done = rhythm.slot_at(now)
            elif wait_s > 0:
                left_s = wait_s if until is None else min(wait_s, until - now)
                clock.wait(min(left_s, _LOOK_EVERY_S))
            else:
                done = self._round(slot)

    def _is_over(self, until: float | None) -> bool:
        return until is not None and self._clock.now() >= until

    def _skip(self, count: int) -> None:
        self.tally.skipped += count
        self._say(
            f"{counted(count, 'round')} skipped: at their time nothing watched, the machine slept or the round before "
            f"was not over (one begins every {span_words(self._rhythm.every_s)}). What was skipped is not made up."
        )

    def _round(self, slot: int) -> int:
        """Measure one round; the slot that is done with it."""
        if self._clock.stopped:
            return slot
        kept = self._measure()
        if kept is None:
            self.tally.skipped += not self._clock.stopped
        else:
            self.tally.measured += 1
            self.tally.off_target += not kept
        return slot


def watch_name(plan: Path | None, asked: bytes) -> str:
    """Name of the watch of a plan: of its file, or where there is none of what is asked. It is a tag of its runs."""
    identity = asked if plan is None else os.fsencode(plan.resolve())
    stem = re.sub(r"[^A-Za-z0-9]+", "-", "plan" if plan is None else plan.stem).strip("-").lower() or "plan"
    return f"watch-{stem[:40]}-{hashlib.sha256(identity).hexdigest()[:8]}"


@contextlib.contextmanager
def watch_lock(name: str) -> Iterator[None]:
    """Hold the lock of a watch, which ends with the process. Raises UsageError if another process has it."""
    directory = state_dir() / "watch"
    try:
        private_directory(directory)
        handle = open_private(directory / f"{name}.lock", os.O_RDWR)
    except OSError as error:
        raise UsageError(f"The lock of the watch cannot be made in {directory}: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(handle, 32).decode("ascii", "replace").strip() or "another"
            raise UsageError(
                f"This plan is watched already, by process {owner}: end that one first, or watch another plan."
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)
