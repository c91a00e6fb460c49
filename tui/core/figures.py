"""Table of figures: each is declared here once, and files, tables, charts and objectives follow from it.

To add a figure, add a member to `Figure`. To sum it up over many requests too, add the field that its `sample` names to
`tui.core.observation.Observation`. `tui.core.metrics` defines the figures that are computed from stamps.
"""

from array import array
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from tui.core import metrics
from tui.core.arrivals import Arrivals
from tui.core.figure_row import WIDELY, Declared, Delay, Gaps, delay_of, gaps_of
from tui.core.figure_row import FigureGroup as FigureGroup
from tui.core.figure_row import Unit as Unit
from tui.core.figure_row import Use as Use
from tui.core.metrics import NS_PER_MS, Split
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


class Figure(StrEnum):
    """A figure that is measured of a request. The value is its name in objectives and settings."""

    _value_: str
    declared: Declared
    column: str
    """The name in files."""

    def __new__(cls, declared: Declared | str) -> "Figure":
        """A member that equals its name and knows its row."""
        assert isinstance(declared, Declared)  # `Figure("ttft")` finds a member and makes none
        member = str.__new__(cls, declared.name)
        member._value_ = declared.name
        suffix = "_ms" if declared.unit is Unit.TIME else ""
        member.declared = declared
        member.column = declared.column or f"{declared.name}{suffix}"
        return member

    # fmt: off
    TTFT = Declared(
        name="ttft", label="TTFT", title="TTFT, first token",
        help="Request sent to first content of any kind.",
        group=FigureGroup.TIMES, of=lambda record: record.ttft_ns, sample="ttft_ns", uses=WIDELY | Use.HEADLINE,
    )
    TTFO = Declared(
        name="ttfo", label="TTFO", title="TTFO, first text",
        help="Request sent to first text.",
        group=FigureGroup.TIMES, of=lambda record: metrics.ttfo_ns(record.timeline), sample="ttfo_ns", uses=WIDELY,
    )
    TOTAL = Declared(
        name="total", column="ttlt_ms", label="total", title="TTLT, total",
        help="Request sent to last content, of a complete answer.",
        group=FigureGroup.TIMES, of=lambda record: record.total_ns, sample="total_ns", uses=WIDELY | Use.HEADLINE,
    )
    TPOT = Declared(
        name="tpot", label="TPOT", title="TPOT, per token",
        help="(TTLT - TTFT) / (output tokens - those of the first chunk, which is 1 where each holds one), without "
        "tokens of thinking that was withheld.",
        group=FigureGroup.PACE, of=lambda record: metrics.tpot_ns(record.timeline, record.timed_tokens),
        sample="tpot_ns",
        uses=Use.OBJECTIVE | Use.REQUESTS,
    )
    OTPS = Declared(
        name="otps", label="OTPS", title="OTPS, tokens/s",
        help="(output tokens - those of the first chunk, which is 1 where each holds one) / (TTLT - TTFT), per second, "
        "without tokens of thinking that was withheld.",
        group=FigureGroup.PACE, of=lambda record: record.otps, unit=Unit.RATE, sample="otps", less_is_better=False,
        uses=Use.OBJECTIVE | Use.COMPARED | Use.REQUESTS,
    )
    CHARACTERS_PER_S = Declared(
        name="characters_per_s", label="characters/s", title="characters/s",
        help="Characters of all content after its first piece, per second of TTLT - TTFT, for models that count tokens "
        "unlike.",
        group=FigureGroup.PACE, of=lambda record: record.characters_per_s, unit=Unit.TEXT_RATE,
        sample="characters_per_s", less_is_better=False, uses=Use.OBJECTIVE | Use.REQUESTS,
    )
    ITL = Declared(
        name="itl", label="ITL", title="gaps",
        help="Gaps between consecutive pieces of content.",
        group=FigureGroup.PACE, of=gaps_of, in_parts=Gaps, sample="gaps_ns",
        # Thousands of gaps of thousands of answers: eight bytes each.
        samples=lambda record: array("q", () if record.has_no_pace else metrics.gap_samples_ns(record.timeline)),
        uses=Use.OBJECTIVE | Use.REQUESTS,
    )
    HELD_BACK = Declared(
        name="held_back", label="held back", title="held back on the way",
        help="no, at once, or in bursts: many pieces came in few moments. TTFT is then late, and no speed is known.",
        group=FigureGroup.PACE, of=lambda record: None if (held := record.held_back) is None else held.value,
        unit=Unit.WORD, uses=Use.REQUESTS,
    )
    BURSTS = Declared(
        name="bursts", label="bursts", title="bursts",
        help="Moments in which content came: pieces less than 1 ms apart are of one.",
        group=FigureGroup.PACE, of=_of_arrivals(lambda found: found.bursts), unit=Unit.COUNT,
    )
    BURST_DISTANCE = Declared(
        name="burst_distance", label="distance of bursts", title="from burst to burst",
        help="From the begin of one burst to that of the next, median.",
        group=FigureGroup.PACE, of=_of_arrivals(lambda found: found.apart_ns),
    )
    CONNECT = Declared(
        name="connect", label="connect", title="set-up, not in TTFT",
        help="Name look-up, TCP and TLS; absent on a reused connection.",
        group=FigureGroup.CONNECTION, of=lambda record: metrics.set_up_ns(record.timeline), uses=Use.REQUESTS,
    )
    COLD_TTFT = Declared(
        name="cold_ttft", label="cold TTFT", title="cold TTFT, with set-up",
        help="connect_ms + ttft_ms.",
        group=FigureGroup.CONNECTION, of=lambda record: metrics.cold_ttft_ns(record.timeline),
    )
    RETRY = Declared(
        name="retry", label="retries", title="retries, in no figure",
        help="Time that earlier attempts took; in no other figure.",
        group=FigureGroup.CONNECTION, of=lambda record: record.retry_ns,
    )
    UPLOAD = Declared(
        name="upload", label="upload", title="upload, about",
        help="Part of TTFT: the request's last byte was with the kernel, but had not left. About, see split_error_ms.",
        group=FigureGroup.NETWORK, of=_part(lambda split: split.upload_ns), sample="upload_ns",
        uses=Use.OBJECTIVE | Use.REQUESTS,
    )
    NETWORK = Declared(
        name="network", label="network", title="network, about",
        help="Part of TTFT: one round trip, to the proxy where there is one, and retransmissions of the request.",
        group=FigureGroup.NETWORK, of=_part(lambda split: split.network_ns), sample="network_ns",
        uses=Use.OBJECTIVE | Use.AXIS | Use.COMPARED | Use.REQUESTS,
    )
    SERVER = Declared(
        name="server", label="server", title="server, about",
        help="Part of TTFT: the request had arrived, and no content was sent yet. TTFT - upload_ms - network_ms.",
        group=FigureGroup.NETWORK, of=_part(lambda split: split.server_ns), sample="server_ns", uses=WIDELY,
    )
    SPLIT_ERROR = Declared(
        name="split_error", label="error of the split", title="split within",
        help="How far off server_ms, and upload_ms or network_ms, may be: a peer may hold back its acknowledgement.",
        group=FigureGroup.NETWORK, of=_part(lambda split: split.error_ns), uses=Use.REQUESTS,
    )
    RETRANSMISSIONS = Declared(
        name="retransmissions", label="retransmissions", title="sent again",
        help="TCP segments of the request that were sent again.",
        group=FigureGroup.NETWORK, of=_seen("retransmissions"), unit=Unit.COUNT,
    )
    OUT_OF_ORDER = Declared(
        name="out_of_order", label="out of order", title="out of order",
        help="TCP segments of the answer that arrived before an earlier one, which was lost or overtaken.",
        group=FigureGroup.NETWORK, of=_seen("out_of_order"), unit=Unit.COUNT,
    )
    STALLED = Declared(
        name="network_stall", label="stalls of the network", title="stalled by it",
        help="Time in which a missing TCP segment held up the answer, with the pause before it.",
        group=FigureGroup.NETWORK, of=_seen("stalled_ns"), uses=Use.REQUESTS,
    )
    INPUT_TOKENS = Declared(
        name="input_tokens", label="input tokens", title="input tokens, uncached",
        help="Tokens of the prompt that were neither read from the cache nor written to it.",
        group=FigureGroup.TOKENS, of=lambda record: record.usage.input_tokens, unit=Unit.COUNT, uses=Use.REQUESTS,
    )
    OUTPUT_TOKENS = Declared(
        name="output_tokens", label="output tokens", title="output tokens",
        help="Thinking included; absent when the answer broke off, and where 0 is said of an answer with content.",
        group=FigureGroup.TOKENS, of=lambda record: record.output_tokens, unit=Unit.COUNT, uses=Use.REQUESTS,
    )
    CACHED_TOKENS = Declared(
        name="cache_read_tokens", label="tokens from the cache", title="input read from cache",
        help="Tokens of the prompt that the server read from its cache, asked for or not.",
        group=FigureGroup.TOKENS, of=lambda record: record.usage.cache_read_input_tokens, unit=Unit.COUNT,
        uses=Use.REQUESTS,
    )
    STAMP_SOURCE = Declared(
        name="stamp_source", label="stamps", title="stamped by",
        help="Who stamped arrivals: kernel or read.",
        group=FigureGroup.INSTRUMENT, of=lambda record: record.instrument and record.instrument.stamp_source.value,
        unit=Unit.WORD, uses=Use.REQUESTS,
    )
    INSTRUMENT_DELAY = Declared(
        name="instrument_delay", label="instrument delay", title="delay",
        help="How long data waited between arrival and read.",
        group=FigureGroup.INSTRUMENT, of=delay_of, in_parts=Delay, uses=Use.REQUESTS,
    )
    STAMPS_SHARED = Declared(
        name="stamps_shared", label="stamps shared", title="stamps shared",
        help="Pieces that arrived before their stamp, by less than the delay.",
        group=FigureGroup.INSTRUMENT, of=lambda record: record.instrument and record.instrument.shared,
        unit=Unit.COUNT,
    )
    STAMPS_REFUSED = Declared(
        name="stamps_refused", label="stamps refused", title="stamps refused",
        help="Reads without the kernel's stamp, or with one that fits no offset of the clocks: the read's time counts.",
        group=FigureGroup.INSTRUMENT, of=lambda record: record.instrument and record.instrument.refused,
        unit=Unit.COUNT,
    )
    BASELINE = Declared(
        name="baseline", label="baseline latency", title="baseline latency",
        help="Time that an answer takes apart from its input and output tokens, fitted to answers of many lengths.",
        group=FigureGroup.FITTED, fitted="baseline",
    )
    PREFILL = Declared(
        name="prefill", label="per 1,000 input tokens", title="per 1,000 input tokens",
        help="Time of 1,000 tokens of the prompt that were not read from the cache, fitted.",
        group=FigureGroup.FITTED, fitted="per_input", per_tokens=1_000,
    )
    DECODE = Declared(
        name="decode", label="per output token", title="per output token",
        help="Time of an output token, thinking included, fitted.",
        group=FigureGroup.FITTED, fitted="per_output",
    )
    # fmt: on

    @property
    def label(self) -> str:
        """The name in a sentence."""
        return self.declared.label

    @property
    def less_is_better(self) -> bool:
        """True for times (ns), false for rates (1/s)."""
        return self.declared.less_is_better

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of its parts in files, `p50` to `max`; empty for a figure that is one number or word."""
        return () if self.declared.in_parts is None else self.declared.in_parts.__struct_fields__

    def converted(self, value: float) -> float:
        """A value or statistic of it, ns for times, in the unit that files have."""
        return value / NS_PER_MS if self.declared.unit is Unit.TIME else value

    def samples_of(self, record: RequestRecord) -> Sequence[float]:
        """All its values of one request, ns for times; none where it is undefined."""
        if self.declared.samples is not None:
            return self.declared.samples(record)
        value = self.declared.of(record)
        return () if value is None else (value,)

    def in_file(self, record: RequestRecord) -> Any:
        """Its value of one request as files have it, times in ms; None where it is undefined."""
        value = self.declared.of(record)
        return value if value is None or self.declared.unit is not Unit.TIME or self.parts else value / NS_PER_MS


SAMPLED = tuple(figure for figure in Figure if figure.declared.sample is not None)
"""Figures that are summed up over many requests."""


OF_REQUEST = tuple(figure for figure in Figure if figure.declared.fitted is None)
"""Figures that a request has."""
FITTED = tuple(figure for figure in Figure if figure.declared.fitted is not None)
"""Figures that many requests tell together, by `tui.core.decomposition.fit`; a limit on one names no statistic."""


def figures_for(use: Use) -> tuple[Figure, ...]:
    """The figures with a use, in the order of the table."""
    return tuple(figure for figure in Figure if use in figure.declared.uses)


_TYPES: dict[Unit, type] = {Unit.TIME: float, Unit.RATE: float, Unit.TEXT_RATE: float, Unit.COUNT: int, Unit.WORD: str}
FIELDS = [
    (figure.column, Annotated[(row.in_parts or _TYPES[row.unit]) | None, msgspec.Meta(description=row.help)], None)
    for figure, row in ((figure, figure.declared) for figure in OF_REQUEST)
]
"""One field per figure, for `msgspec.defstruct`."""


def figures_of(record: RequestRecord) -> dict[str, Any]:
    """All figures of a request as files have them, by column, as far as it has come; None where undefined."""
    return {figure.column: figure.in_file(record) for figure in OF_REQUEST}


def flat_columns() -> dict[str, tuple[Figure, str]]:
    """Names of one column per number or word, with figure and part: of `itl_ms`, `itl_p50_ms` to `itl_max_ms`."""
    flat: dict[str, tuple[Figure, str]] = {}
    for figure in OF_REQUEST:
        column = figure.column
        for part in figure.parts or ("",):
            flat[f"{column.removesuffix('_ms')}_{part}_ms" if part else column] = (figure, part)
    return flat
