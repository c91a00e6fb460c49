"""What a run costs the screen after a thousand of them: the real app and live, told of 8 targets' requests by events.

    python tests/benchmarks/series.py [--quick] [CHART ...]

For every chart (or those named) runs 1 to 100 are held against runs 901 to 1,000: CPU per run, all of it, painting
included, and from a key to its letter in the prompt. Nothing is asserted: compare the ratios, and run it twice.
"""

import argparse
import asyncio
import gc
import os
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from textual.events import Key
from textual.widgets import TextArea

from tui.config.known_models import load_models
from tui.config.schema import UiSettings
from tui.core.events import (
    Content,
    EngineReady,
    Event,
    Kind,
    Mark,
    Marked,
    RequestEnded,
    RunEnded,
    Status,
    Usage,
    UsageReported,
)
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.series import Series, SeriesSettings
from tui.core.target import Endpoint, Target
from tui.session.draft import Draft
from tui.session.session import Session
from tui.session.target_choice import TargetChoice
from tui.ui.app import LatencyApp
from tui.ui.charts import CHARTS, ChartKind

TARGETS = 8
CHUNKS = 40
KEY_EVERY = 2
RUN_S = 0.06
"""Pause after a run, in which the screen paints."""
MS = 1_000_000


class _App(LatencyApp):
    """Without an engine: the benchmark says what one would."""

    CSS_PATH = str(Path(sys.modules[LatencyApp.__module__].__file__ or "").parent / "screens" / "main.tcss")

    async def _connect(self) -> None:
        gc.freeze()


def _plan() -> Plan:
    return Plan(
        prompt=Prompt(user="Why is the sky blue?"),
        parameters=Parameters(max_tokens=100),
        targets=tuple(Target(model=f"model-{number}") for number in range(TARGETS)),
        endpoints=(Endpoint(name="none", base_url="http://127.0.0.1:1", simulated=True),),
        default_endpoint="none",
    )


def _events(request_id: int, run: int) -> list[Event]:
    """A request with times that vary from run to run."""
    now = time.monotonic_ns()
    ttft = (150 + 37 * request_id % 90 + run % 17) * MS
    stamps = [now + ttft + index * (9 + (request_id + index) % 5) * MS for index in range(CHUNKS)]
    return [
        Marked(request_id=request_id, mark=Mark.QUEUED, t_ns=now),
        Marked(request_id=request_id, mark=Mark.SENT, t_ns=now),
        Content(request_id=request_id, kind=Kind.TEXT, t_ns=stamps, texts=["word "] * CHUNKS),
        UsageReported(request_id=request_id, usage=Usage(input_tokens=20, output_tokens=CHUNKS)),
        RequestEnded(request_id=request_id, t_ns=stamps[-1], status=Status.DONE, stop_reason="end_turn"),
    ]


async def _measure(kind: ChartKind, runs: int) -> tuple[list[float], list[float]]:
    """CPU s per run, and s from a key to its paint, for every run."""
    app = _App(
        Session(), Draft(_plan(), TargetChoice.among(load_models(), _plan().targets)), UiSettings(), load_models()
    )
    cpu: list[float] = []
    keys: list[float] = []
    async with app.run_test(size=(120, 40)) as pilot:
        live = app.session.live
        live.apply([EngineReady(pid=os.getpid(), sdk_version="1.0")])
        app.main.charts.show_kind(kind)
        app.main.query_one("#user").focus()
        await pilot.pause()
        series = Series(SeriesSettings(repeats=runs, warm_ups=0), "bench", TARGETS, 1)
        live.begin_series(series)
        while (repeat := series.next()) is not None:
            began = time.process_time()
            specs = live.start(app.draft.plan(), repeat)
            app.main.wake()
            for spec in specs:
                live.apply(_events(spec.request_id, live.runs))
            live.apply([RunEnded(run_id=live.runs, t_ns=time.monotonic_ns(), send_spread_ns=1)])
            series.add(repeat, 1, 0.0, all_failed=False)
            app.main.wake()
            if live.runs % KEY_EVERY == 0:
                keys.append(await _key_s(app))
            await asyncio.sleep(RUN_S)
            cpu.append(time.process_time() - began)
    await app.session.close()
    return cpu, keys


async def _key_s(app: LatencyApp) -> float:
    """From a key, right after a run has ended, to its letter in the prompt."""
    editor = app.main.query_one("#user", TextArea)
    before, began = editor.text, time.perf_counter()
    app.post_message(Key("x", "x"))
    while editor.text == before:  # noqa: ASYNC110  # the loop's next turn is what is measured
        await asyncio.sleep(0)
    return time.perf_counter() - began


def main() -> None:
    """Print a line per chart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="300 runs instead of 1,000")
    parser.add_argument("charts", nargs="*", metavar="CHART", help=", ".join(kind.name for kind in CHARTS))
    options = parser.parse_args()
    runs = 300 if options.quick else 1_000
    print(
        f"{'':<14} {'CPU per run':>15} {'':>25}  {'key, p50':>9} {'':>18} {'key, max':>13}\n"
        f"{'chart shown':<14} {'first 100':>15} {'last 100':>15} {'ratio':>9}"
        f"  {'first 100':>9} {'last 100':>8} {'ratio':>9} {'first':>6} {'last':>6}"
    )
    by_name = {kind.name: kind for kind in CHARTS}
    for name in options.charts or by_name:
        cpu, keys = asyncio.run(_measure(by_name[name], runs))
        early, late = sum(cpu[:100]) / 100, sum(cpu[-100:]) / 100
        first, last = keys[: 100 // KEY_EVERY], keys[-100 // KEY_EVERY :]
        print(
            f"{name:<14} {1000 * early:>15.2f} {1000 * late:>15.2f} ms {late / early:>6.2f}"
            f"  {1000 * median(first):>9.2f} {1000 * median(last):>8.2f} ms {median(last) / median(first):>6.2f}"
            f" {1000 * max(first):>6.1f} {1000 * max(last):>6.1f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main()
