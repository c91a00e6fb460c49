"""Processes killed for real, at random moments: no finished request is lost, and unfinished ones keep what they had.

`tests/benchmarks/faults.py` does the same a thousand times.
"""

import contextlib
import random
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.core.events import Status
from tui.history.store import Store
from tui.simulator.process import SimulatorProcess

from .killing import VICTIMS, Session, check, crash


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess.start(seed=1) as process:
        yield process


@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_at_a_random_moment(simulator: SimulatorProcess, tmp_path: Path, victim: str) -> None:
    rng = random.Random(victim)
    history = tmp_path / "history.db"
    sessions = [crash(simulator.base_url, history, f"{victim} {turn}", victim, 5, rng) for turn in range(3)]
    statuses = check(history, sessions)
    assert statuses[Status.DONE] + statuses[Status.TRUNCATED]
    assert not statuses[Status.FAILED]


def test_what_was_in_flight_keeps_the_text_and_the_stamps_of_the_journal(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    history = tmp_path / "history.db"
    session = Session(simulator.base_url, history, "journal", 1_000)
    session.until("fired")
    with contextlib.closing(sqlite3.connect(history)) as connection:
        in_flight = "SELECT count(*) FROM journal JOIN requests USING (writer) WHERE model = 'sim-steady'"
        while connection.execute(in_flight).fetchone()[0] < 2:
            session.read(0.01)
    session.kill("both")
    session.finish()
    check(history, [session])
    with Store(history) as store:
        last = store.run(store.numbers()[0]).requests[-1]
    assert last.status is Status.INTERRUPTED
    assert last.timeline.queued_ns is not None
    assert last.timeline.ended_ns is None
    assert last.failure is not None


def test_a_live_programs_requests_are_left_to_it(simulator: SimulatorProcess, tmp_path: Path) -> None:
    history = tmp_path / "history.db"
    session = Session(simulator.base_url, history, "alive", 3)
    session.until("fired")
    # Others open the history all the while.
    while not session.said("ended"):
        with Store(history) as store:
            for number in store.numbers():
                assert Status.INTERRUPTED not in {
                    target.status for row in store.rows([number]) for target in row.targets
                }
        session.read(0.01)
    assert session.finish() == 0
    assert not check(history, [session])[Status.INTERRUPTED]


def test_terminated_in_order_while_it_streams(simulator: SimulatorProcess, tmp_path: Path) -> None:
    history = tmp_path / "history.db"
    session = Session(simulator.base_url, history, "terminated", 1_000)
    session.until("ended", 2)
    session.process.send_signal(signal.SIGTERM)
    assert session.finish() == 0
    statuses = check(history, [session])
    assert not statuses[Status.INTERRUPTED]


def test_a_full_disk_stops_nothing(simulator: SimulatorProcess, tmp_path: Path) -> None:
    history = tmp_path / "history.db"
    # No file may grow beyond this: enough for the empty database, too little for what follows.
    session = Session(simulator.base_url, history, "full", 8, largest_file=300_000)
    assert session.finish() == 0
    assert any("cannot be written" in sentence for sentence in session.said("said"))
    assert len(session.said("ended")) == 24
    statuses = check(history, [session])
    assert statuses[Status.DONE] + statuses[Status.TRUNCATED] == 24
    assert not list(tmp_path.glob("*spill*")), "the next start has taken it in"


def test_two_programs_write_at_once(simulator: SimulatorProcess, tmp_path: Path) -> None:
    history = tmp_path / "history.db"
    sessions = [Session(simulator.base_url, history, name, 6) for name in ("first", "second")]
    assert [session.finish() for session in sessions] == [0, 0]
    assert not [sentence for session in sessions for sentence in session.said("said")]
    statuses = check(history, sessions)
    assert statuses[Status.DONE] + statuses[Status.TRUNCATED] == 36
    with Store(history) as store:
        assert store.count() == 12
