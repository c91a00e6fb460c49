"""What follows from a timeline. Every function returns `None` where the figure is undefined, never zero.

Terms are those of the field: see "Words of the field" in the README. All times are nanoseconds.
"""

from tui.core.timeline import Timeline

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


def ttft_ns(timeline: Timeline) -> int | None:
    """Time to first token: request sent → first content of any kind (text or thinking), ns."""
    if timeline.sent_ns is None or not timeline.content_ns:
        return None
    return timeline.content_ns[0] - timeline.sent_ns


def ttfo_ns(timeline: Timeline) -> int | None:
    """Time to first output token: request sent → first content that is not thinking, ns."""
    if timeline.sent_ns is None or timeline.first_text_ns is None:
        return None
    return timeline.first_text_ns - timeline.sent_ns


def ttlt_ns(timeline: Timeline) -> int | None:
    """Time to last token, the total time: request sent → last content, ns."""
    if timeline.sent_ns is None or not timeline.content_ns:
        return None
    return timeline.content_ns[-1] - timeline.sent_ns


def otps(timeline: Timeline, output_tokens: int | None) -> float | None:
    """Output tokens per second: (output tokens − 1) / (TTLT − TTFT), 1/s.

    Undefined for fewer than two tokens, or when all content arrived at one instant.
    """
    if output_tokens is None or output_tokens < 2 or len(timeline.content_ns) < 2:
        return None
    span = timeline.content_ns[-1] - timeline.content_ns[0]
    return (output_tokens - 1) * NS_PER_S / span if span > 0 else None


def set_up_ns(timeline: Timeline) -> int | None:
    """Connection set-up: connect started → TCP open, and TLS done where there is TLS, ns. Absent on a reused one."""
    if timeline.connect_started_ns is None or timeline.connected_ns is None:
        return None
    return (timeline.tls_done_ns or timeline.connected_ns) - timeline.connect_started_ns


def spread_ns(stamps: list[int]) -> int | None:
    """Spread of a run's sends: last stamp − first stamp, ns. Absent with fewer than two."""
    return max(stamps) - min(stamps) if len(stamps) > 1 else None
