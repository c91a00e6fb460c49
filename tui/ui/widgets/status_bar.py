"""The first row: what is measured, and where."""

from rich.cells import cell_len
from textual.widgets import Static

from tui.core.sanitize import clean
from tui.ui.viewmodel.board import Board
from tui.ui.viewmodel.figures import format_ms


class StatusBar(Static):
    """Program, endpoint, SIMULATED or not, and what the engine is doing; one row."""

    DEFAULT_CSS = """
    StatusBar {
        height: 1;
        background: $panel;
        padding: 0 1;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        &.-simulated { color: $text-warning; }
    }
    """

    def __init__(self) -> None:
        super().__init__("", id="status", markup=False)
        self._line = ""

    def show(self, board: Board, endpoints: tuple[str, ...], *, simulated: bool, hint: str) -> None:
        """Show the present state; paints only if it differs from what is shown."""
        where = clean("SIMULATED" if simulated else ", ".join(endpoints))
        # What is measured, and how to measure the real thing, must be seen; the rest gives way in a narrow terminal.
        needed = [where, _doing(board), *([hint] if simulated and hint else [])]
        line = " · ".join(["latency-tui", *needed])
        if cell_len(line) > self.size.width > 0:
            line = " · ".join(needed)
        if line != self._line:
            self._line = line
            self.update(line, layout=False)
        self.set_class(simulated, "-simulated")


def _doing(board: Board) -> str:
    if board.engine_problem is not None:
        return "engine restarting"
    if not board.engine_ready:
        return "engine starting"
    if board.run_in_flight:
        return f"run {board.runs}: {len(board.in_flight())} in flight"
    if board.runs:
        spread = f", spread {format_ms(board.send_spread_ns)}" if board.send_spread_ns is not None else ""
        return f"run {board.runs} over{spread}"
    return "ready"
