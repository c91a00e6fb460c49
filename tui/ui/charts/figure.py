"""Figures of plotext. Importing this module imports plotext, some 130 ms: do so after the first paint."""

from typing import Any

import plotext

from tui.ui.charts.plot_view import Colour

Figure = Any
"""A plotext figure; plotext has no types."""


def new_figure() -> Figure:
    """A figure of its own: not plotext's global one, and as large as it is told to be whatever the terminal's size."""
    terminal = type(plotext.terminal)()
    terminal.limit(False, False)
    return type(plotext.figure)(terminal)


def marker(symbol: str, colour: Colour) -> Any:
    """A plotext marker: `symbol` is one character, `braille`, or `hd` (quarter blocks)."""
    return plotext.marker(symbol, colour)
