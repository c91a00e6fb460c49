"""Rows of the table of figures about the way: the parts of TTFT, what the kernel saw, and what held answers back."""

from collections.abc import Callable

from tui.core.arrivals import Arrivals
from tui.core.figure_row import WIDELY, Declared, FigureGroup, Unit, Use
from tui.core.metrics import Split
from tui.core.record import RequestRecord


def _part(of: Callable[[Split], int | None]) -> Callable[[RequestRecord], int | None]:
    """The value of a figure that is a part of TTFT; None where TTFT cannot be split."""
    return lambda record: None if (found := record.split) is None else of(found)


def _seen(name: str) -> Callable[[RequestRecord], int | None]:
    """The value of a figure that is what the kernel saw of the network."""
    return lambda record: None if record.network is None else getattr(record.network, name)


def _of_arrivals(of: Callable[[Arrivals], float | None]) -> Callable[[RequestRecord], float | None]:
    """The value of a figure that is of the moments in which the whole answer came."""

    def value(record: RequestRecord) -> float | None:
        found = record.timeline.arrivals if record.complete else None
        return None if found is None else of(found)

    return value


HELD_BACK = Declared(
    name="held_back",
    label="held back",
    title="held back on the way",
    help="no, at once, or in bursts: many pieces came in few moments. TTFT is then late, and no speed is known.",
    group=FigureGroup.PACE,
    of=lambda record: None if (held := record.held_back) is None else held.value,
    unit=Unit.WORD,
    uses=Use.REQUESTS,
)
BURSTS = Declared(
    name="bursts",
    label="bursts",
    title="bursts",
    help="Moments in which content came: pieces less than 1 ms apart are of one.",
    group=FigureGroup.PACE,
    of=_of_arrivals(lambda found: found.bursts),
    unit=Unit.COUNT,
)
BURST_DISTANCE = Declared(
    name="burst_distance",
    label="distance of bursts",
    title="from burst to burst",
    help="From the begin of one burst to that of the next, median.",
    group=FigureGroup.PACE,
    of=_of_arrivals(lambda found: found.apart_ns),
)
UPLOAD = Declared(
    name="upload",
    label="upload",
    title="upload, about",
    help="Part of TTFT: the request's last byte was with the kernel, but had not left. About, see split_error_ms.",
    group=FigureGroup.NETWORK,
    of=_part(lambda split: split.upload_ns),
    sample="upload_ns",
    uses=Use.OBJECTIVE | Use.REQUESTS,
)
NETWORK = Declared(
    name="network",
    label="network",
    title="network, about",
    help="Part of TTFT: one round trip, to the proxy where there is one, and retransmissions of the request.",
    group=FigureGroup.NETWORK,
    of=_part(lambda split: split.network_ns),
    sample="network_ns",
    uses=Use.OBJECTIVE | Use.AXIS | Use.COMPARED | Use.REQUESTS,
)
SERVER = Declared(
    name="server",
    label="server",
    title="server, about",
    help="Part of TTFT: the request had arrived, and no content was sent yet. TTFT - upload_ms - network_ms.",
    group=FigureGroup.NETWORK,
    of=_part(lambda split: split.server_ns),
    sample="server_ns",
    uses=WIDELY,
)
SPLIT_ERROR = Declared(
    name="split_error",
    label="error of the split",
    title="split within",
    help="How far off server_ms, and upload_ms or network_ms, may be: a peer may hold back its acknowledgement.",
    group=FigureGroup.NETWORK,
    of=_part(lambda split: split.error_ns),
    uses=Use.REQUESTS,
)
RETRANSMISSIONS = Declared(
    name="retransmissions",
    label="retransmissions",
    title="sent again",
    help="TCP segments of the request that were sent again.",
    group=FigureGroup.NETWORK,
    of=_seen("retransmissions"),
    unit=Unit.COUNT,
)
OUT_OF_ORDER = Declared(
    name="out_of_order",
    label="out of order",
    title="out of order",
    help="TCP segments of the answer that arrived before an earlier one, which was lost or overtaken.",
    group=FigureGroup.NETWORK,
    of=_seen("out_of_order"),
    unit=Unit.COUNT,
)
STALLED = Declared(
    name="network_stall",
    label="stalls of the network",
    title="stalled by it",
    help="Time in which a missing TCP segment held up the answer, with the pause before it.",
    group=FigureGroup.NETWORK,
    of=_seen("stalled_ns"),
    uses=Use.REQUESTS,
)
