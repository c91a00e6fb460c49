"""Makes the pictures of the screen: `python screenshots/make.py` writes screenshots/*.svg and *.png.

The real program in a terminal, on the simulator, driven by keys; texts and planned times come from a fixed seed,
measured times vary a little. Needs `pip install -e .[dev]`, and for the PNGs fonts: on Debian `fonts-dejavu-core`,
`fonts-wqy-microhei` for wide characters and `fonts-noto-color-emoji` for emoji, installed or lying in a directory given
with `--fonts`.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import resvg_py

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests"), str(HERE.parent / "tests/pty")]

from pictures import Frame, Screen, moving, still  # noqa: E402
from terminal_under_test import Terminal  # noqa: E402

RUNS = 8
"""Finished runs in the pictures, so that the sparklines have a shape."""
WIDE, SMALL, FILM = (120, 40), (80, 24), (120, 34)
"""Sizes in cells."""
PROMPT = """\
Summarise the ticket briefly for the engineer on call. Name the first thing to check.

Ticket: Since the release at 14:05, answers take five seconds to begin. Before, they began at once. \
Only customers in Europe see it."""
# With this cap, the texts of the first two runs are plain ones.
ARGUMENTS = ["--demo", "--system", "You are terse and exact.", "--max-tokens", "313", PROMPT]
FRAME_S = 0.25
"""Time between two frames of the film, at least."""
LAST_S = 3.0
"""How long the film stands still at its end."""
MENU, ESCAPE = b"\0", b"\x1b"
F2, F5, F6, F9 = b"\x1bOQ", b"\x1b[15~", b"\x1b[17~", b"\x1b[20~"


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", metavar="DIR", help="more fonts for the PNGs")
    parser.add_argument("--frames", metavar="DIR", type=Path, help="write each frame of the film there as a PNG")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="latency-tui-screenshots-") as home:
        environ = _sealed(home)
        with Terminal(ARGUMENTS, environ, size=WIDE) as terminal:
            _stills(terminal, options.fonts)
        # As over SSH, in tmux and in screen, which do not pass on COLORTERM.
        with Terminal(ARGUMENTS, {**environ, "COLORTERM": ""}, size=WIDE) as terminal:
            _in_256_colours(terminal, options.fonts)
        with Terminal(ARGUMENTS, environ, size=FILM) as terminal:
            frames = _film(terminal)
    (HERE / "film.svg").write_text(moving(frames, frames[-1].at_s + LAST_S), "utf-8")
    if options.frames is not None:
        for number, frame in enumerate(frames):
            _png(still(frame.screen), options.frames / f"{number:03}.png", options.fonts)


def _sealed(home: str) -> dict[str, str]:
    """No key, no settings, nothing remembered, no colours but the theme's."""
    ours = ("ANTHROPIC_", "LATENCY_TUI_", "XDG_", "NO_COLOR", "TEXTUAL")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return environ | {"HOME": home, "COLORTERM": "truecolor", "LATENCY_TUI_UI_THEME": "dark"}


def _stills(terminal: Terminal, fonts: str | None) -> None:
    """One session, photographed on the way."""

    def picture(name: str, settle_s: float = 1.5) -> None:
        _picture(terminal, name, fonts, settle_s)

    _ready(terminal)
    for number in range(1, RUNS + 1):
        terminal.press(F5)
        terminal.until_shows(f"run {number} done")
    picture("main")
    terminal.press(MENU)
    picture("menu", 0.5)
    terminal.press(ESCAPE)
    # To the lane that thinks, and alone.
    for key in (F6, F6, F6, F9):
        terminal.press(key)
        _watch(terminal, 0.3)
    picture("lane")
    terminal.press(F9)
    terminal.press(F5)
    terminal.until_shows("▶ streaming")
    picture("streaming", 0.5)
    terminal.until_shows(f"run {RUNS + 1} done")
    terminal.resize(*SMALL)
    picture("small-lanes")
    for name in ("small-charts", "small-prompt"):
        terminal.press(F2)
        picture(name)


def _in_256_colours(terminal: Terminal, fonts: str | None) -> None:
    """The main screen after a run, with the colours that are chosen for that palette."""
    _ready(terminal)
    terminal.press(F5)
    terminal.until_shows("run 1 done")
    _picture(terminal, "main-256", fonts, 1.5)


def _picture(terminal: Terminal, name: str, fonts: str | None, settle_s: float) -> None:
    _watch(terminal, settle_s)
    svg = still(terminal.cells)
    (HERE / f"{name}.svg").write_text(svg, "utf-8")
    _png(svg, HERE / f"{name}.png", fonts)
    sys.stderr.write(f"screenshots/{name}\n")


def _film(terminal: Terminal) -> list[Frame]:
    """Two runs, as a person sees them."""
    _ready(terminal)
    frames: list[Frame] = []
    started = time.monotonic()

    def film(until: Callable[[str], bool], stay_s: float) -> None:
        since = None
        while since is None or time.monotonic() < since + stay_s:
            _watch(terminal, FRAME_S)
            at_s = round(time.monotonic() - started, 2)
            if not frames or not _same(frames[-1].screen, terminal.cells):
                frames.append(Frame(at_s if frames else 0.0, terminal.cells))
            if since is None and until(terminal.shown):
                since = time.monotonic()

    film(lambda _shown: True, 1.0)
    for number in (1, 2):
        terminal.press(F5)
        film(lambda shown, number=number: f"run {number} done" in shown, 1.0)  # type: ignore[misc]
    return frames


def _ready(terminal: Terminal) -> None:
    terminal.until_shows("○ idle", 3)
    terminal.until(lambda shown: "engine starting" not in shown)
    _watch(terminal, 1.0)


def _same(one: Screen, other: Screen) -> bool:
    return all(left == right for left, right in zip(one, other, strict=True))


def _watch(terminal: Terminal, for_s: float) -> None:
    """Read what the program writes for so long."""
    until = time.monotonic() + for_s
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(0.05, left))
        terminal.read_what_is_there()


def _png(svg: str, path: Path, fonts: str | None) -> None:
    directories: Sequence[str] | None = [fonts] if fonts else None
    data = resvg_py.svg_to_bytes(svg_string=svg, monospace_family="DejaVu Sans Mono", font_dirs=directories, width=1600)
    path.write_bytes(bytes(data))


if __name__ == "__main__":
    main()
