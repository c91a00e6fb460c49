"""What a lane says beside its text: its state and its figures, as plain lines."""

from tui.core import metrics
from tui.core.events import Status
from tui.core.record import RequestRecord, State
from tui.core.sanitize import clean
from tui.sitting.board import Lane
from tui.ui.viewmodel.figures import ABSENT, format_count, format_ms, format_rate

FASTEST = "★"
"""Marks the best figure of a run."""

SHAPES: dict[State, str] = {
    State.IDLE: "○",
    State.CONNECTING: "◌",
    State.WAITING: "◔",
    State.THINKING: "◑",
    State.STREAMING: "▶",
    State.DONE: "✔",
    State.TRUNCATED: "◧",
    State.CANCELLED: "⊘",
    State.FAILED: "✖",
    State.INTERRUPTED: "↯",
}
"""One shape per state, each one cell wide."""

_NS_PER_HALF_S = 500_000_000


def state_line(lane: Lane) -> str:
    """Shape and word of the lane's state."""
    state = lane.state
    line = f"{SHAPES[state]} {state.value}"
    record = lane.record
    if record is None:
        return line
    if state.in_flight:
        if record.earlier:
            line += f", attempt {record.attempt}"
    elif state is State.TRUNCATED:
        line += f" at {format_count(record.spec.parameters.max_tokens)}"
    elif state is State.DONE and record.stop_reason not in (None, "end_turn"):
        line += f" ({record.stop_reason})"
    return line


def figures(lane: Lane, now_ns: int) -> tuple[str, str, str, str, str, str]:
    """TTFT, output tokens, total, OTPS, longest gap and the instrument's delay, each with its name; the fastest of
    the run with a star."""
    record = lane.record
    if record is None:
        return (
            f"TTFT {ABSENT}",
            f"{ABSENT} tok",
            f"total {ABSENT}",
            f"{ABSENT} tok/s",
            f"gap {ABSENT}",
            f"± {ABSENT}",
        )
    ttft = f"TTFT {format_ms(record.ttft_ns)}{FASTEST if lane.fastest_ttft else ''}"
    total = f"total {_total(record, now_ns)}{FASTEST if lane.fastest_total else ''}"
    gaps = metrics.gaps(record.timeline) if not record.state.in_flight else None
    return (
        ttft,
        f"{_tokens(record)} tok",
        total,
        f"{format_rate(record.otps)} tok/s",
        f"gap {format_ms(gaps.max_ns if gaps else None)}",
        f"± {_delay(record)}",
    )


def note(lane: Lane) -> str:
    """What needs saying of how the request ended, or nothing: the sentence of a failure."""
    record = lane.record
    return clean(record.failure.message) if record is not None and record.failure is not None else ""


def _delay(record: RequestRecord) -> str:
    """The instrument's delay, p99; with the kernel's stamps it is in no figure, without them it is not known."""
    instrument = record.instrument
    if instrument is None:
        return ABSENT
    return format_ms(instrument.delay_p99_ns) if instrument.delay_p99_ns is not None else "not known"


def _total(record: RequestRecord, now_ns: int) -> str:
    if record.state.in_flight and record.timeline.sent_ns is not None:
        # In half seconds: every change costs every lane a repaint, and a figure that races is not read.
        return f"{max(0, now_ns - record.timeline.sent_ns) // _NS_PER_HALF_S / 2:.1f} s"
    return format_ms(record.total_ns)


def _tokens(record: RequestRecord) -> str:
    """Output tokens as reported at the end; what `message_start` says of them before is only a beginning."""
    if record.status in (Status.DONE, Status.TRUNCATED):
        return format_count(record.usage.output_tokens)
    return ABSENT
