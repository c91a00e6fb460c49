"""Box plots of one metric across the targets."""

import msgspec

from tui.core.metrics import NS_PER_S
from tui.ui.viewmodel.chart_source import ChartSource, latest_answers, values_of
from tui.ui.viewmodel.five_numbers import FiveNumbers, five_numbers
from tui.ui.viewmodel.plot import Axis, around


class Box(msgspec.Struct, frozen=True):
    """One target's samples."""

    label: str
    numbers: FiveNumbers | None
    """Absent without answers."""


class Boxes(msgspec.Struct, frozen=True):
    """The targets in the lanes' order, on one axis."""

    boxes: tuple[Box, ...] = ()
    x: Axis = Axis(0, 1)


def box_plots(source: ChartSource) -> Boxes:
    """The answers counted since anything asked was last changed."""
    boxes = tuple(
        Box(lane.label, five_numbers(values_of(latest_answers(lane), source.metric))) for lane in source.lanes
    )
    ends = [end / NS_PER_S for box in boxes if box.numbers for end in (box.numbers.min, box.numbers.max)]
    return Boxes(boxes, around(ends))
