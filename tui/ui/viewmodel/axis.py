"""Axes of charts: round marks, and how they are written."""

import math
from collections.abc import Sequence
from enum import StrEnum
from itertools import count

_NARROWEST = 1e-12
"""An axis without extent is made as wide as this, or as a tenth of where it stands."""


class Unit(StrEnum):
    """What an axis counts."""

    SECONDS = "s"
    COUNT = "n"
    """Whole numbers."""
    PLAIN = ""
    SHARE = "%"
    """From 0 to 1, written as per cent."""


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` + 1 round values, evenly apart; the first is at or below `low`, the last at or above `high`."""
    if high - low < _NARROWEST:
        high = low + max(_NARROWEST, abs(low) / 10)
    most = max(2, most)
    for exponent in count(math.floor(math.log10((high - low) / most)) - 1):
        for digit in (1, 2, 5):
            step = digit * 10.0**exponent
            # What floats cannot hold must not add a step: 0.3 / 0.1 is a little less than 3.
            first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
            if last - first <= most:
                return [round(index * step, max(0, -exponent)) for index in range(first, last + 1)]
    raise AssertionError("steps grow without end")


def tick_labels(ticks: Sequence[float], unit: Unit) -> list[str]:
    """The ticks as they are written; times in the unit that suits the largest, which stands at that one alone."""
    if unit is Unit.SHARE:
        return [f"{100 * tick:g}%" for tick in ticks]
    if unit in (Unit.PLAIN, Unit.COUNT) or not ticks:
        return [f"{tick:,g}" if abs(tick) < 1e6 else f"{tick:.3g}" for tick in ticks]
    factor, name = (1.0, "s") if max(map(abs, ticks)) >= 1 else (1000.0, "ms")
    labels = [f"{round(factor * tick, 6):g}" for tick in ticks]
    labels[-1] += f" {name}"
    return labels
