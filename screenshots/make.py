"""Makes the pictures of the screen: `python screenshots/make.py` writes screenshots/*.svg and *.png.

The real app, engine and simulator, driven by keys; texts and planned times come from a fixed seed, measured times vary
a little. Needs `pip install -e .[dev]`, and for the PNGs fonts: on Debian `fonts-dejavu-core`, `fonts-wqy-microhei` for
wide characters and `fonts-noto-color-emoji` for emoji, installed or lying in a directory given with `--fonts`.
"""

import argparse
import asyncio
import html
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import resvg_py
from rich.cells import cell_len
from textual.pilot import Pilot
from tui.config.plan import build_plan

from tui.config.known_models import load_models
from tui.config.load import Flags, load
from tui.engine.client import spawn
from tui.session.draft import Draft
from tui.session.session import Session
from tui.session.target_choice import TargetChoice
from tui.simulator.process import SimulatorProcess
from tui.ui.app import LatencyApp

SEED = 3
RUNS = 8
"""Finished runs in the pictures, so that the sparklines have a shape."""
WIDE, SMALL = (120, 40), (80, 24)
PROMPT = """\
Summarise the ticket for the engineer on call. Name the first thing to check.

Ticket: Since the release at 14:05, answers take five seconds to begin. Before, they began at once. \
Only customers in Europe see it."""
SYSTEM = "You are terse and exact."
FONTS = "'DejaVu Sans Mono', Menlo, Consolas, monospace"
HERE = Path(__file__).parent

_WAIT_S = 60.0
_CELL = 12.2
"""Width of a cell in Textual's SVG."""
_TEXT = re.compile(r'x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+"([^>]*)>([^<]*)</text>')


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", metavar="DIR", help="more fonts for the PNGs")
    fonts = parser.parse_args().fonts
    with tempfile.TemporaryDirectory(prefix="latency-tui-screenshots-") as home:
        _seal(home)
        asyncio.run(_session(_app(Path(home))))
    for path in sorted(HERE.glob("*.svg")):
        png = resvg_py.svg_to_bytes(
            svg_path=str(path), monospace_family="DejaVu Sans Mono", font_dirs=[fonts] if fonts else None, width=1600
        )
        path.with_suffix(".png").write_bytes(bytes(png))


def _seal(home: str) -> None:
    """No key, no settings, nothing remembered, no colours but the theme's."""
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "LATENCY_TUI_", "XDG_")) or name in ("NO_COLOR", "TEXTUAL_THEME"):
            del os.environ[name]
    os.environ["HOME"] = home


def _app(home: Path) -> LatencyApp:
    flags = Flags(prompt=PROMPT, system=SYSTEM, max_tokens=512, demo=True)
    settings = load(flags, os.environ, home).settings
    engine, simulator = spawn(), SimulatorProcess.start(seed=SEED)
    plan = build_plan(settings, os.environ, simulator.base_url)
    draft = Draft(plan, TargetChoice.among(load_models(), plan.targets))
    return LatencyApp(Session(engine, simulator), draft, settings.ui, load_models())


async def _session(app: LatencyApp) -> None:
    """One session, photographed on the way."""
    try:
        async with app.run_test(size=WIDE) as pilot:
            await _until(pilot, lambda: app.session.live.engine_ready, "the engine is ready")
            for _ in range(RUNS):
                await _run(pilot, app)
            await _picture(pilot, app, "main")
            # To the lane that thinks, and alone.
            await pilot.press("f6", "f6", "f6", "f9")
            await _picture(pilot, app, "lane")
            await pilot.press("f9", "f5")
            await _until(pilot, lambda: _under_way(app), "the slowest model thinks")
            await _picture(pilot, app, "streaming")
            await _finished(pilot, app)
            await pilot.resize_terminal(*SMALL)
            await _picture(pilot, app, "small-lanes")
            await pilot.press("f2")
            await _picture(pilot, app, "small-charts")
            await pilot.press("f2")
            await _picture(pilot, app, "small-prompt")
    finally:
        app.session.kill()


async def _run(pilot: Pilot[None], app: LatencyApp) -> None:
    await pilot.press("f5")
    await _finished(pilot, app)


async def _finished(pilot: Pilot[None], app: LatencyApp) -> None:
    await _until(pilot, lambda: not app.session.live.run_in_flight, "the run is over")


def _under_way(app: LatencyApp) -> bool:
    """Whether the slowest lane has begun."""
    slowest = app.session.live.lanes[-1].record
    return slowest is not None and len(slowest.pieces) >= 10


async def _until(pilot: Pilot[None], condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {_WAIT_S:g} s in vain until {what}")
        await pilot.pause(0.02)


async def _picture(pilot: Pilot[None], app: LatencyApp, name: str) -> None:
    """Let the screen settle, and write what it shows as SVG."""
    await pilot.pause(1.2 if not app.session.live.run_in_flight else 0.1)
    svg = _without_network(app.export_screenshot(title="latency-tui"))
    (HERE / f"{name}.svg").write_text(_TEXT.sub(_in_cells, svg), "utf-8")
    sys.stderr.write(f"screenshots/{name}\n")


def _without_network(svg: str) -> str:
    """The picture in fonts of the machine that shows it: Textual's names fonts on a server."""
    svg = re.sub(r"@font-face\s*{[^}]*}\s*", "", svg)
    return re.sub(r"font-family:\s*Fira Code[^;]*;", f"font-family: {FONTS};", svg)


def _in_cells(found: re.Match[str]) -> str:
    """A text as wide as its cells: Textual counts characters, and no font has wide ones exactly two cells wide."""
    left, top, rest, written = found.groups()
    text = html.unescape(written)
    if cell_len(text) == len(text):
        return found[0]
    if "\u200d" in text or not all(map(cell_len, text)):
        # What combines with the character before cannot be taken apart from it.
        return f'x="{left}" y="{top}" textLength="{_CELL * cell_len(text):.1f}"{rest}>{written}</text>'
    places = (f"{float(left) + _CELL * cell_len(text[:index]):.1f}" for index in range(len(text)))
    return f'x="{" ".join(places)}" y="{top}"{rest}>{written}</text>'


if __name__ == "__main__":
    main()
