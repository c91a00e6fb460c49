"""How long the history screen takes to open on a long history, from the key to the first rows and the detail.

python tests/benchmarks/history_screen.py [--runs 50000] [--repeats 7]
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parent.parent))

from history.making import DAY_NS, info, plan, stored
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tui.config.schema import HistorySettings
from tui.core.events import Status
from tui.core.snapshot import Snapshot
from tui.core.target import Endpoint
from tui.history.database import connect, transaction
from tui.history.rows import put_request, put_run
from tui.session.archive import Archive
from tui.session.plan_files import PlanFiles
from tui.session.takeaway import Takeaway
from tui.ui.keymap import Keymap
from tui.ui.screens.history import HistoryScreen
from tui.ui.widgets.runs_list import RunsList

WORDS = Path(__file__).read_text().split()
LIMIT_S = 0.5


def fill(path: Path, runs: int) -> None:
    """A history of so many runs of three requests."""
    rng = random.Random(1)
    plans = [plan(" ".join(rng.choices(WORDS, k=60)), ["haiku", "sonnet", "opus"]) for _ in range(500)]
    template = stored(plans[0], statuses=[Status.DONE] * 3)
    connection = connect(path)
    with transaction(connection):
        for run in range(runs):
            asked = rng.choice(plans)
            number = put_run(connection, info(started=run * DAY_NS // 200), asked)
            for lane, spec in enumerate(asked.requests(1)):
                put_request(connection, number, lane, msgspec.structs.replace(template.requests[lane], spec=spec))
    connection.close()


async def until(pilot: Pilot[None], ready: Callable[[], object]) -> None:
    while not ready():
        await pilot.pause(0.001)


async def measure(path: Path, repeats: int) -> list[float]:
    """Seconds from pushing the screen to the first rows on it, of every opening."""
    app: App[None] = App()
    async with app.run_test(size=(120, 40)) as pilot:
        return [await open_once(app, pilot, path) for _ in range(repeats)]


async def open_once(app: App[None], pilot: Pilot[None], path: Path) -> float:
    """Opens it, prints what else takes time, and closes it."""
    began = time.perf_counter()

    def take_along(before: Snapshot, now: Snapshot, endpoints: Sequence[Endpoint] = ()) -> Takeaway:
        return Takeaway(before, now, PlanFiles(), endpoints)

    screen = HistoryScreen(Archive(path, HistorySettings()), lambda _run: None, take_along, Keymap().names)
    app.push_screen(screen)
    await until(pilot, lambda: screen.is_mounted and screen.query_one(RunsList).current_row is not None)
    opened = time.perf_counter() - began
    await until(pilot, lambda: str(screen.query_one("#run", Static).content))
    detail = time.perf_counter() - began
    runs = screen.query_one(RunsList)
    began = time.perf_counter()
    await pilot.press("end")
    await until(pilot, lambda: runs.current_row is not None)
    end = time.perf_counter() - began
    began, before = time.perf_counter(), runs._numbers
    screen.query_one("#query", Input).value = "model:opus lanes"
    await until(pilot, lambda: runs._numbers is not before)
    found = time.perf_counter() - began
    print(
        f"open {opened * 1e3:.0f} ms, with detail {detail * 1e3:.0f} ms, to the last run {end * 1e3:.0f} ms,"
        f" filter {found * 1e3:.0f} ms (of which 200 ms wait for more keys)"
    )
    screen.dismiss()
    await until(pilot, lambda: app.screen is not screen)
    return opened


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "history.db"
        fill(path, options.runs)
        opened = asyncio.run(measure(path, options.repeats))
    median = statistics.median(opened)
    print(f"{options.runs:,} runs open in {median * 1e3:.0f} ms (median; limit {LIMIT_S * 1e3:.0f} ms)")
    return int(median > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
