"""Split of TTFT into upload, network and server, from the acknowledgement of the request's last byte.

The peer's kernel acknowledges that byte when it has it, so that its acknowledgement arrives one way after; the first
token arrives one way after it was sent. The ways cancel out: the server's time is from acknowledgement to first token.
What is left of TTFT is one round trip and, before it, the time for which the request was still being uploaded.
"""

import msgspec

from tui.core.events import NetworkSeen
from tui.core.timeline import Timeline

DELAYED_ACK_NS = 40_000_000
"""Longest that a peer holds back an acknowledgement in the hope of data to send with it: Linux; others up to 200 ms."""
_LONGEST_DELAYED_ACK_NS = 200_000_000
_TOGETHER_NS = 1_000_000
_AT_ONCE_SEGMENTS = 2
"""Segments from which on a peer acknowledges at once (RFC 9293, 3.8.6.3)."""


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """TTFT = upload + network + server, ns. Each is about right: `error_ns` may belong to another of them."""

    upload_ns: int
    """From the last byte handed to the kernel until it had left, beyond the network's own time."""
    network_ns: int
    """One round trip, and what retransmissions of the request added to it."""
    server_ns: int | None = None
    """From the request's arrival to the first content's sending; absent without content."""
    error_ns: int
    """Most that upload or network, and server, may be off."""


def split(timeline: Timeline, network: NetworkSeen | None) -> Split | None:
    """Split the TTFT of a request; None where the kernel did not see the acknowledgement or the round trip.

    An acknowledgement that comes later than one round trip was held back by the peer, or the upload took that long. Of
    a request of a segment or two, which no link takes long to carry, it was held back: it goes to the server, whose
    time it is. Of a longer one it is the upload's, and up to 40 ms of it may be the server's.
    """
    sent, acked = timeline.sent_ns, timeline.acked_ns
    if network is None or network.min_rtt_ns is None or sent is None or acked is None or acked < sent:
        return None
    if timeline.content_ns:
        # A server may answer before it has all of the request.
        acked = min(acked, timeline.content_ns[0])
        if acked < sent:
            return None
    waited = acked - sent
    trip = min(network.min_rtt_ns, waited)
    beyond = waited - trip
    upload = held = 0
    if network.retransmissions:
        trip, error = waited, min(beyond, DELAYED_ACK_NS)
    elif network.sent_bytes <= _AT_ONCE_SEGMENTS * network.segment_bytes:
        held = min(beyond, _LONGEST_DELAYED_ACK_NS)
        trip, error = waited - held, held
    else:
        # One that came with the answer was held back for it, or lost on its own: it says no more than the answer does.
        is_with_answer = timeline.headers_ns is not None and acked >= timeline.headers_ns - _TOGETHER_NS
        upload, error = beyond, beyond if is_with_answer else min(beyond, DELAYED_ACK_NS)
    server = None
    if timeline.content_ns:
        server = timeline.content_ns[0] - acked + held
    return Split(upload_ns=upload, network_ns=trip, server_ns=server, error_ns=error)
