"""Definitions of the figures that follow from a timeline; `None` where a figure is undefined, never zero.

Terms are those of the field: see "Words of the field" in the README. All times are nanoseconds. Chunk means one delta
of the stream, which may hold several tokens; the number of tokens is known only from `usage`.
"""

import itertools
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from tui.core.events import NetworkSeen
from tui.core.timeline import Timeline

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

Number = TypeVar("Number", int, float)
DELAYED_ACK_NS = 40_000_000
"""Longest that a peer holds back an acknowledgement in the hope of data to send with it: Linux; others up to 200 ms."""
_LONGEST_DELAYED_ACK_NS = 200_000_000
_TOGETHER_NS = 1_000_000
_AT_ONCE_SEGMENTS = 2
"""Segments from which on a peer acknowledges at once (RFC 9293, 3.8.6.3)."""


def ttft_ns(timeline: Timeline) -> int | None:
    """Time to first token: request sent → first content of any kind, ns.

    In an answer that is not streamed the first content can be used when the last byte has come: it is the total time.
    """
    return _since_sent_ns(timeline, timeline.content_ns[0] if timeline.content_ns else None)


def ttfo_ns(timeline: Timeline) -> int | None:
    """Time to first output token: request sent → first text, ns."""
    return _since_sent_ns(timeline, timeline.first_text_ns)


def ttlt_ns(timeline: Timeline) -> int | None:
    """Time to last token, the total time: request sent → last content, ns."""
    return _since_sent_ns(timeline, timeline.content_ns[-1] if timeline.content_ns else None)


def answered_early(timeline: Timeline) -> bool:
    """True where content came before the request was sent: what was measured is no answer to it."""
    return bool(timeline.content_ns) and timeline.sent_ns is not None and timeline.content_ns[0] < timeline.sent_ns


def is_out_of_order(timeline: Timeline) -> bool:
    """True where a stamp of content is earlier than the one before it: nothing is known of the time between them."""
    if timeline.summed is not None:
        return not timeline.summed.in_order
    return any(later < earlier for earlier, later in itertools.pairwise(timeline.content_ns))


def tpot_ns(timeline: Timeline, output_tokens: int | None) -> float | None:
    """Time per output token: (TTLT − TTFT) / (output tokens − those of the first chunk), ns.

    The first chunk holds one token, as AIPerf and vLLM presume, unless there are fewer chunks than tokens: then it
    holds its share of the characters, in whole tokens. Undefined for fewer than two tokens or chunks, and when all
    content arrived at one instant. The tokens are those that arrived in that time: see `timed_tokens`.
    """
    span = content_span_ns(timeline)
    if not span or output_tokens is None or output_tokens < 2:
        return None
    first = 1
    if timeline.pieces < output_tokens and timeline.characters:
        first = max(first, round(output_tokens * timeline.first_characters / timeline.characters))
    return span / (output_tokens - first) if first < output_tokens else None


def timed_tokens(timeline: Timeline, output_tokens: int | None, thinking_tokens: int | None) -> int | None:
    """Output tokens that arrived from the first content to the last: those that a rate may be computed from.

    Thinking that was withheld took its time before the first content, and its tokens are not counted in. Undefined
    where the API does not say how many they are, and where thinking was withheld elsewhere too.
    """
    if output_tokens is None or not is_withheld(timeline, thinking_tokens):
        return output_tokens
    withheld = timeline.thinking_withheld_ns
    is_before = withheld is None or not timeline.content_ns or withheld <= timeline.content_ns[0]
    if thinking_tokens is None or timeline.thinking_pieces or not is_before:
        return None
    return output_tokens - thinking_tokens if thinking_tokens <= output_tokens else None


def is_withheld(timeline: Timeline, thinking_tokens: int | None) -> bool:
    """True where the model thought and none, or not all, of its thinking arrived."""
    if timeline.thinking_withheld_ns is not None:
        return True
    # Records of earlier versions have no such mark.
    return not timeline.thinking_pieces and (timeline.thinking_started_ns is not None or bool(thinking_tokens))


def otps(timeline: Timeline, output_tokens: int | None) -> float | None:
    """Output tokens per second: tokens after the first chunk / (TTLT − TTFT), 1/s; `tpot_ns` says which, and when."""
    per_token = tpot_ns(timeline, output_tokens)
    return NS_PER_S / per_token if per_token else None


def gaps_ns(timeline: Timeline) -> list[int]:
    """Inter-chunk latencies: the gaps between consecutive pieces of content, in order, ns.

    Of content that was summed up they are ascending, each within 1 %.
    """
    if timeline.summed is not None:
        return timeline.summed.gaps.gaps_ns if timeline.summed.in_order else []
    stamps = timeline.content_ns
    return [later - earlier for earlier, later in itertools.pairwise(stamps)]


def gap_samples_ns(timeline: Timeline) -> list[int]:
    """`gaps_ns` as samples of ITL, ns: none where all content arrived at one instant, of which nothing is known.

    Nor where stamps are out of order.
    """
    found = gaps_ns(timeline)
    return found if any(found) and min(found) >= 0 else []


class ChunkGaps(msgspec.Struct, frozen=True, kw_only=True):
    """Inter-chunk latency (ITL where a chunk is one token) of one answer, ns."""

    count: int
    p50_ns: int
    p95_ns: int
    p99_ns: int
    max_ns: int
    """The longest stall."""
    longest_at: int
    """The piece of content that ended the longest gap; counted from 1, the first gap's end."""


def gaps(timeline: Timeline) -> ChunkGaps | None:
    """Percentiles of the inter-chunk latencies, by `percentile`.

    Undefined for fewer than two chunks, when all content arrived at one instant, as in an answer in one piece, and
    where stamps are out of order.
    """
    in_order = gap_samples_ns(timeline)
    if not in_order:
        return None
    ascending = sorted(in_order)
    return ChunkGaps(
        count=len(ascending),
        p50_ns=percentile(ascending, 50),
        p95_ns=percentile(ascending, 95),
        p99_ns=percentile(ascending, 99),
        max_ns=ascending[-1],
        longest_at=in_order.index(ascending[-1]) + 1 if timeline.summed is None else timeline.summed.gaps.longest_at,
    )


def percentile(ascending: Sequence[Number], percent: int) -> Number:
    """The smallest sample that at least `percent` of 100 of the samples do not exceed (nearest rank; Hyndman and
    Fan 1996, definition 1). `ascending` is sorted and not empty."""
    return ascending[max(0, -(-len(ascending) * percent // 100) - 1)]


def set_up_ns(timeline: Timeline) -> int | None:
    """Connection set-up: connect started → TCP open, and TLS done where there is TLS, name look-up included, ns.

    Absent on a reused connection.
    """
    if timeline.connect_started_ns is None or timeline.connected_ns is None:
        return None
    return (timeline.tls_done_ns or timeline.connected_ns) - timeline.connect_started_ns


def cold_ttft_ns(timeline: Timeline) -> int | None:
    """TTFT as a caller without an open connection sees it: connection set-up + TTFT, ns. Absent on a reused one."""
    set_up, ttft = set_up_ns(timeline), ttft_ns(timeline)
    return None if set_up is None or ttft is None else set_up + ttft


def thinking_ns(timeline: Timeline) -> int | None:
    """From the start of thinking to the first content that is none, ns; to the last content where all is thinking.

    Thinking starts with its first piece, or where its text is withheld, with its announcement. Zero in an answer
    without any; absent without content.
    """
    if timeline.sent_ns is None or not timeline.content_ns:
        return None
    first, last = timeline.content_ns[0], timeline.content_ns[-1]
    answer = timeline.first_answer_ns
    text = last if answer is None else answer
    starts = first if timeline.thinking_pieces or answer is None else text
    if timeline.thinking_started_ns is not None:
        starts = max(timeline.sent_ns, min(starts, timeline.thinking_started_ns))
    return text - starts


def spread_ns(stamps: list[int]) -> int | None:
    """Spread of a run's sends: last stamp − first stamp, ns. Absent with fewer than two."""
    return max(stamps) - min(stamps) if len(stamps) > 1 else None


def _since_sent_ns(timeline: Timeline, moment_ns: int | None) -> int | None:
    """From the send to a moment, ns; absent without either, and where content came before the send."""
    if timeline.sent_ns is None or moment_ns is None or answered_early(timeline):
        return None
    return moment_ns - timeline.sent_ns


def content_span_ns(timeline: Timeline) -> int | None:
    """TTLT − TTFT, ns; absent with fewer than two pieces of content, and where their stamps are out of order."""
    if len(timeline.content_ns) < 2 or is_out_of_order(timeline):
        return None
    return timeline.content_ns[-1] - timeline.content_ns[0]


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """TTFT = upload + network + server, ns, from the acknowledgement of the request's last byte.

    The peer's kernel acknowledges that byte when it has it, so that its acknowledgement arrives one way after; the
    first token arrives one way after it was sent. The ways cancel out: the server's time is from acknowledgement to
    first token. What is left is one round trip and, before it, the time for which the request was being uploaded.
    Each part is about right: `error_ns` may belong to another of them.
    """

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
