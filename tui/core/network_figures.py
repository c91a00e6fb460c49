"""Rows of the table of figures about the network: the parts of TTFT, and what the kernel saw."""

from collections.abc import Callable

from tui.core.figure_row import WIDELY, Declared, FigureGroup, Unit, Use
from tui.core.network_split import Split
from tui.core.record import RequestRecord


def _part(of: Callable[[Split], int | None]) -> Callable[[RequestRecord], int | None]:
    """The value of a figure that is a part of TTFT; None where TTFT cannot be split."""
    return lambda record: None if (found := record.split) is None else of(found)


def _seen(name: str) -> Callable[[RequestRecord], int | None]:
    """The value of a figure that is what the kernel saw of the network."""
    return lambda record: None if record.network is None else getattr(record.network, name)


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
