"""The first row: the endpoint, the state of the run, and the costs."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from tui.core.prompt import turn_name
from tui.core.record import State
from tui.core.sanitize import clean
from tui.core.wording import bar, format_cost, format_duration
from tui.session.live import LiveState
from tui.ui.bindings import KeyNames

_BETWEEN = " · "
_BAR_CELLS = 12

Part = tuple[str, str]
"""A text, and the style it is shown in."""


class StatusBar(Static):
    """Program, endpoint, SIMULATED or not, and what the engine is doing; one row."""

    DEFAULT_CSS = """
    StatusBar {
        height: 1;
        background: $panel;
        padding: 0 1;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        & > .status-bar--simulated { color: $text-warning; text-style: bold; }
        & > .status-bar--hint { color: $foreground-muted; }
        &:ansi {
            & > .status-bar--simulated { color: $warning; }
            & > .status-bar--hint { color: ansi_default; text-style: dim; }
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"status-bar--simulated", "status-bar--hint"}

    def __init__(self, keys: KeyNames) -> None:
        super().__init__(id="status", markup=False)
        self._keys = keys
        self._choice: Sequence[list[Part]] = ([],)
        """Versions of the row, the longest first."""
        self._parts: list[Part] = []
        """The version that is shown."""
        self.endpoints: tuple[str, ...] = ()
        self.simulated = False
        self.hint = ""
        self.replaying = ""
        """Name and speed of what is replayed; empty on the real thing."""
        self._plan_file = ("", False)
        self._again: Callable[[], None] = lambda: None
        """Shows once more what was shown last."""

    def show_plan_file(self, name: str, *, differs: bool) -> None:
        """Say which plan file is open, and whether it says something else than the screen."""
        if (name, differs) != self._plan_file:
            self._plan_file = (name, differs)
            self._again()

    def show(self, live: LiveState) -> None:
        """Show the present state, or what is replayed; paints only if it differs from what is shown."""
        where = [("SIMULATED", ".status-bar--simulated") if self.simulated else (clean(", ".join(self.endpoints)), "")]
        hints = [(self.hint, ".status-bar--hint")] if self.hint else []
        self._again = partial(self.show, live)
        file, differs = self._plan_file
        if differs:
            where = [*where, (f"{file} changed", ".status-bar--hint")]
        long, short = ([*where, (doing, ""), *hints] for doing in _doing(live, self._keys))
        more = [(text, "") for text in (_cost(live), _next_input(live)) if text]
        # In a narrow terminal the endpoint and the way to the real API stay in view; the rest gives way.
        name = [("latency-tui" if differs or not file else file, "")]
        costly = ([*name, *long, *more], [*long, *more], [*short, *more], [*short, *more[:1]])
        choice: Sequence[list[Part]] = (*costly, [*name, *long], long, short)
        if self.replaying:
            played = [("REPLAY", ".status-bar--simulated"), *where, (self.replaying, "")]
            choice = ([*name, *played], played)
        self._choice = choice
        if self._fitting() != self._parts:
            self.refresh()

    def _fitting(self) -> list[Part]:
        """The longest choice that there is room for, or the last."""
        for parts in self._choice:
            if cell_len(_BETWEEN.join(text for text, _ in parts)) <= self.size.width:
                break
        return parts

    def render(self) -> Content:
        """The longest version that fits."""
        self._parts = self._fitting()
        return Content(_BETWEEN).join(Content.styled(*part) for part in self._parts)


def _doing(live: LiveState, keys: KeyNames) -> tuple[str, str]:
    """The state of engine, run or series, at length and in short."""
    if live.engine_problem is not None:
        doing = "engine restarting"
    elif not live.engine_ready:
        doing = "engine starting"
    elif live.load is not None and (live.load.ending is None or live.load.is_latest):
        doing = live.load.progress
        if live.load.ending is None:
            return f"{bar(live.load.at, len(live.load.steps), _BAR_CELLS)} {doing}", doing
    elif live.series is not None and (not live.series_over or not live.run_in_flight):
        paused = f"{keys('pause')} goes on" if live.series_paused else ""
        doing = live.series.progress(over=live.series_over, paused=paused)
        if not live.series_over:
            return f"{bar(live.series.done, live.series.total, _BAR_CELLS)} {doing}", doing
        if live.series.verdict and live.series_over:
            # The answer that it was asked for; the runs are in the table below.
            return f"{live.series.verdict} · {doing}", live.series.verdict
    elif live.run_in_flight:
        turn = f", {turn_name(live.turn, live.call)}" if live.turn is not None else ""
        judged = sum(record.is_judged for record in live.records)
        left = len(live.in_flight()) - judged
        parts = [f"{left} in flight"] * bool(left or not judged) + [f"{judged} being judged"] * bool(judged)
        doing = f"run {live.runs}{turn}: {' · '.join(parts)}"
    elif live.runs:
        failed = sum(record.state is State.FAILED for record in live.records)
        doing = f"run {live.runs} done{f', {failed} of {len(live.records)} failed' if failed else ''}"
        if live.send_spread_ns is not None and len(live.lanes) > 1:
            doubt_ns = live.run_end.spread_error_ns if live.run_end is not None else None
            doubt = f" ± {format_duration(doubt_ns)}" if doubt_ns is not None else ""
            return f"{doing}, all sent within {format_duration(live.send_spread_ns)}{doubt}", doing
    else:
        doing = "ready"
    return doing, doing


def _cost(live: LiveState) -> str:
    """Cost of the latest run and of the session at list prices; on the simulator what it would cost."""
    run, session = live.spending.run, live.spending.session
    if session is None:
        return ""
    of_judges = live.spending.judges_of_run
    judges = f" (judges {format_cost(of_judges)})" if of_judges is not None else ""
    return f"run {format_cost(run)}{judges} · session {format_cost(session)}"


def _next_input(live: LiveState) -> str:
    """Input tokens of the next request, over all targets."""
    counts = sorted((lane.next_input for lane in live.lanes if lane.next_input), key=lambda count: count.tokens)
    if not counts or live.busy:
        return ""
    least, most = counts[0].text, counts[-1].text
    return f"prompt {least} tok" if least == most else f"prompt {least} to {most} tok"
