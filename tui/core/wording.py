"""How figures are written in sentences: three significant digits and a unit."""

from tui.core.metrics import NS_PER_MS, NS_PER_S
from tui.core.observation import Figure


def three_digits(value: float) -> str:
    """`value` to two decimals under 10, one under 100, none from there on; the limits are those of the rounded one."""
    size = abs(value)
    if size < 9.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if size < 99.95 else f"{value:,.0f}"


def amount(figure: Figure, value: float) -> str:
    """A figure with its unit: `212 ms`, `1.34 s`, `64.2 tok/s`. Times are given in nanoseconds."""
    number, unit = _in_unit(figure, value, value)
    return f"{number} {unit}"


def round_amount(figure: Figure, value: float) -> str:
    """A figure that is a round number, a limit for one, with no more digits than it has: `50 ms`, `1.5 s`."""
    if not figure.less_is_better:
        return f"{value:g} tok/s"
    return f"{value / NS_PER_MS:g} ms" if abs(value) < NS_PER_S else f"{value / NS_PER_S:g} s"


def span(figure: Figure, low: float, high: float) -> str:
    """Two figures in one unit: `180 to 251 ms`."""
    largest = max(abs(low), abs(high))
    first, _ = _in_unit(figure, low, largest)
    second, unit = _in_unit(figure, high, largest)
    return f"{first} to {second} {unit}"


def percent(share: float) -> str:
    """A proportion: `95 %`, `2.5 %`."""
    return f"{round(share * 100, 2):g} %"


def _in_unit(figure: Figure, value: float, largest: float) -> tuple[str, str]:
    if not figure.less_is_better:
        return three_digits(value), "tok/s"
    if abs(largest) < 999.5 * NS_PER_MS:
        return three_digits(value / NS_PER_MS), "ms"
    return three_digits(value / NS_PER_S), "s"
