"""The sign that a long series has ended, for a person who looks elsewhere."""

import pytest

from tui.config.known_models import load_models
from tui.config.schema import UiSettings
from tui.core.series import Ending, Series, SeriesSettings
from tui.core.target import Target
from tui.session.session import Session
from tui.ui.app import LatencyApp
from tui.ui.terminal import Terminal

from .driving import draft_of, plan_of

S = 1_000_000_000
MESSAGE = "\x1b]9;latency-tui: series: 1 of 1, done"


class Line:
    """A terminal that remembers what was written to it."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, data: str) -> None:
        self.written.append(data)


def series_of(seconds: int, ending: Ending = Ending.COMPLETE, verdict: str | None = None) -> Series:
    series = Series(SeriesSettings(repeats=1, warm_ups=0), "uid", 1, 1)
    repeat = series.next()
    assert repeat is not None
    series.add(repeat, seconds * S, 0.0, all_failed=False)
    series.end(ending)
    series.verdict = verdict
    return series


@pytest.mark.parametrize(
    ("notify", "series", "inside", "sign"),
    [
        ("bell", series_of(10), "", "bell"),
        ("osc9", series_of(10), "", f"{MESSAGE}\x07"),
        ("osc9", series_of(10), "tmux", f"\x1bPtmux;\x1b{MESSAGE}\x07\x1b\\"),
        ("osc9", series_of(10), "screen", f"\x1bP{MESSAGE}\x07\x1b\\"),
        ("osc9", series_of(10, verdict="sure: a is best"), "", "\x1b]9;latency-tui: sure: a is best\x07"),
        ("off", series_of(10), "", None),
        ("bell", series_of(9), "", None),
        ("osc9", series_of(60, Ending.CANCELLED), "", None),
    ],
)
async def test_a_long_series_that_ends_by_itself_is_told(
    notify: str, series: Series, inside: str, sign: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of([Target(model="sim-fast")], "http://127.0.0.1:1", "Why?", 10)
    session = Session()
    settings, terminal = UiSettings(notify=notify), Terminal(inside=inside)  # type: ignore[arg-type]
    app = LatencyApp(session, draft_of(plan), settings, load_models(), terminal=terminal)
    line = Line()
    app._driver = line  # type: ignore[assignment]
    monkeypatch.setattr(app, "bell", lambda: line.write("bell"))
    app._series_over(series)
    assert line.written == ([sign] if sign else [])
