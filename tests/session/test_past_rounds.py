"""Past rounds of a lane, read from a real history by their thread."""

import asyncio
from pathlib import Path

import pytest
from history.making import info, plan, stored

from tui.core.plan import Plan
from tui.core.rounds import HOUR_NS, Past
from tui.core.target import Target
from tui.history.store import Store
from tui.session.past_rounds import PastRounds

WITHIN_S = 30


async def read(past: PastRounds, target: Target, of: Plan) -> Past:
    """What is known once the first reading is over."""
    news = asyncio.Event()
    past.on_read = news.set
    assert past.of(target, of) is None
    async with asyncio.timeout(WITHIN_S):
        await news.wait()
    found = past.of(target, of)
    assert found is not None
    return found


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Three hours of two targets, a round of two runs among them, another prompt, and another endpoint."""
    path = tmp_path / "history.db"
    with Store(path) as store:
        for hour in range(3):
            store.add(stored(about=info(started=hour * HOUR_NS + 5)))
        for _ in range(2):
            store.add(stored(about=info(started=2 * HOUR_NS + 9, series="s")))
        store.add(stored(plan("Other?"), about=info(started=7 * HOUR_NS)))
        store.add(stored(plan(simulated=False), about=info(started=9 * HOUR_NS)))
    return path


def test_the_rounds_are_those_of_the_same_target_endpoint_and_prompt(history: Path) -> None:
    async def body() -> None:
        of = plan()
        found = await read(PastRounds(history), of.targets[0], of)
        assert [(hour.began_unix_ns // HOUR_NS, hour.rounds) for hour in found.hours] == [(0, 1), (1, 1), (2, 2)]
        assert found.shifts == ()
        other = plan("Other?")
        assert [hour.rounds for hour in (await read(PastRounds(history), other.targets[1], other)).hours] == [1]

    asyncio.run(body())


def test_what_was_read_is_kept_and_not_read_again_at_every_look(history: Path) -> None:
    async def body() -> None:
        of, past = plan(), PastRounds(history)
        first = await read(past, of.targets[0], of)
        with Store(history) as store:
            store.add(stored(about=info(started=5 * HOUR_NS)))
        assert past.of(of.targets[0], of) is first

    asyncio.run(body())


def test_without_a_history_nothing_is_known(tmp_path: Path) -> None:
    async def body() -> None:
        of = plan()
        assert PastRounds(None).of(of.targets[0], of) is None
        assert await read(PastRounds(tmp_path / "none.db"), of.targets[0], of) == Past()
        assert not (tmp_path / "none.db").exists()

    asyncio.run(body())


def test_a_broken_history_is_no_end_of_the_screen(tmp_path: Path) -> None:
    broken = tmp_path / "history.db"
    broken.write_bytes(b"no database" * 1_000)

    async def body() -> None:
        of = plan()
        assert await read(PastRounds(broken), of.targets[0], of) == Past()

    asyncio.run(body())
