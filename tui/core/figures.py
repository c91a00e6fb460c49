"""Table of figures: each is declared here once, and files, tables, charts and objectives follow from it.

To add a figure, add a member to `Figure`. To sum it up over many requests too, add the field that its `sample` names to
`tui.core.observation.Observation`. `tui.core.metrics` defines the figures that are computed from stamps.
"""

from array import array
from collections.abc import Callable, Sequence
from enum import Flag, StrEnum, auto
from typing import Annotated, Any

import msgspec

from tui.core import metrics
from tui.core.metrics import NS_PER_MS
from tui.core.record import RequestRecord


class Unit(StrEnum):
    """Unit of a figure, as headings of tables give it; a word has none."""

    TIME = "ms"
    """Computed in nanoseconds; in files milliseconds."""
    RATE = "tokens/s"
    COUNT = "count"
    WORD = "word"


class FigureGroup(StrEnum):
    """FigureGroup of rows in the detail of a request."""

    TIMES = "times"
    PACE = "pace"
    CONNECTION = "connection"
    TOKENS = "tokens"
    INSTRUMENT = "instrument"


class Use(Flag):
    """Places where a figure is used, beside the files of data and the detail of a request, which have them all."""

    OBJECTIVE = auto()
    """Objectives and limits on regressions may be set on it."""
    UNTIL_SURE = auto()
    """A series may go on until the target that is best by it is known."""
    AXIS = auto()
    """Charts of one figure may show it."""
    COMPARED = auto()
    """`compare` compares it, and reports give its median for each target."""
    HEADLINE = auto()
    """Every summary has it: the table on standard output, reports and their charts, a lane's change."""
    REQUESTS = auto()
    """Reports have it in their table of requests."""


class Gaps(msgspec.Struct, frozen=True, kw_only=True):
    """Gaps between consecutive chunks of an answer, ms."""

    p50: float
    p95: float
    p99: float
    max: float


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """Time that data waited between arrival and read, ms."""

    p50: float
    p99: float
    max: float


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    name: str
    """The name in objectives and settings."""
    column: str = ""
    """The name in files, where that is not `name` with the unit; CSV puts the name of a part into it: `itl_p95_ms`."""
    label: str
    """The name in sentences and headings."""
    title: str
    """The name in the detail of a request."""
    help: str
    """A sentence that defines it; the schema's."""
    group: FigureGroup
    of: Callable[[RequestRecord], Any]
    """Its value of one request, None where it is undefined. Times are nanoseconds, but those in parts milliseconds."""
    unit: Unit = Unit.TIME
    in_parts: type[msgspec.Struct] | None = None
    """The struct of a figure that has parts."""
    sample: str | None = None
    """The field of `Observation` with its value; None for a figure that is not summed up over requests."""
    samples: Callable[[RequestRecord], Sequence[int]] | None = None
    """All samples of one request, for a figure that has many in each."""
    less_is_better: bool = True
    uses: Use = Use(0)


def _gaps(record: RequestRecord) -> Gaps | None:
    gaps = metrics.gaps(record.timeline)
    return None if gaps is None else Gaps(**_in_ms(p50=gaps.p50_ns, p95=gaps.p95_ns, p99=gaps.p99_ns, max=gaps.max_ns))


def _delay(record: RequestRecord) -> Delay | None:
    instrument = record.instrument
    if instrument is None or instrument.delay_p50_ns is None:
        return None
    longest, p99 = instrument.delay_max_ns, instrument.delay_p99_ns
    if p99 is None or longest is None:
        return None
    return Delay(**_in_ms(p50=instrument.delay_p50_ns, p99=p99, max=longest))


def _in_ms(**parts_ns: int) -> dict[str, float]:
    return {name: ns / NS_PER_MS for name, ns in parts_ns.items()}


_WIDELY = Use.OBJECTIVE | Use.UNTIL_SURE | Use.AXIS | Use.COMPARED | Use.REQUESTS


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

    TTFT = Declared(
        name="ttft",
        label="TTFT",
        title="TTFT, first token",
        help="Request sent to first content of any kind.",
        group=FigureGroup.TIMES,
        of=lambda record: record.ttft_ns,
        sample="ttft_ns",
        uses=_WIDELY | Use.HEADLINE,
    )
    TTFO = Declared(
        name="ttfo",
        label="TTFO",
        title="TTFO, first text",
        help="Request sent to first text.",
        group=FigureGroup.TIMES,
        of=lambda record: metrics.ttfo_ns(record.timeline),
        sample="ttfo_ns",
        uses=_WIDELY,
    )
    TOTAL = Declared(
        name="total",
        column="ttlt_ms",
        label="total",
        title="TTLT, total",
        help="Request sent to last content, of a complete answer.",
        group=FigureGroup.TIMES,
        of=lambda record: record.total_ns,
        sample="total_ns",
        uses=_WIDELY | Use.HEADLINE,
    )
    TPOT = Declared(
        name="tpot",
        label="TPOT",
        title="TPOT, per token",
        help="(TTLT - TTFT) / (output tokens - 1), without tokens of thinking that was withheld.",
        group=FigureGroup.PACE,
        of=lambda record: metrics.tpot_ns(record.timeline, record.timed_tokens),
        sample="tpot_ns",
        uses=Use.OBJECTIVE | Use.REQUESTS,
    )
    OTPS = Declared(
        name="otps",
        label="OTPS",
        title="OTPS, tokens/s",
        help="(output tokens - 1) / (TTLT - TTFT), per second, without tokens of thinking that was withheld.",
        group=FigureGroup.PACE,
        of=lambda record: record.otps,
        unit=Unit.RATE,
        sample="otps",
        less_is_better=False,
        uses=Use.OBJECTIVE | Use.COMPARED | Use.REQUESTS,
    )
    ITL = Declared(
        name="itl",
        label="ITL",
        title="gaps",
        help="Gaps between consecutive pieces of content.",
        group=FigureGroup.PACE,
        of=_gaps,
        in_parts=Gaps,
        sample="gaps_ns",
        # Thousands of gaps of thousands of answers: eight bytes each.
        samples=lambda record: array("q", metrics.gap_samples_ns(record.timeline)),
        uses=Use.OBJECTIVE | Use.REQUESTS,
    )
    CONNECT = Declared(
        name="connect",
        label="connect",
        title="set-up, not in TTFT",
        help="Name look-up, TCP and TLS; absent on a reused connection.",
        group=FigureGroup.CONNECTION,
        of=lambda record: metrics.set_up_ns(record.timeline),
        uses=Use.REQUESTS,
    )
    COLD_TTFT = Declared(
        name="cold_ttft",
        label="cold TTFT",
        title="cold TTFT, with set-up",
        help="connect_ms + ttft_ms.",
        group=FigureGroup.CONNECTION,
        of=lambda record: metrics.cold_ttft_ns(record.timeline),
    )
    RETRY = Declared(
        name="retry",
        label="retries",
        title="retries, in no figure",
        help="Time that earlier attempts took; in no other figure.",
        group=FigureGroup.CONNECTION,
        of=lambda record: record.retry_ns,
    )
    INPUT_TOKENS = Declared(
        name="input_tokens",
        label="input tokens",
        title="input tokens, uncached",
        help="Tokens of the prompt that were neither read from the cache nor written to it.",
        group=FigureGroup.TOKENS,
        of=lambda record: record.usage.input_tokens,
        unit=Unit.COUNT,
        uses=Use.REQUESTS,
    )
    OUTPUT_TOKENS = Declared(
        name="output_tokens",
        label="output tokens",
        title="output tokens",
        help="Thinking included; absent when the answer broke off, and where 0 is said of an answer with content.",
        group=FigureGroup.TOKENS,
        of=lambda record: record.output_tokens,
        unit=Unit.COUNT,
        uses=Use.REQUESTS,
    )
    CACHED_TOKENS = Declared(
        name="cache_read_tokens",
        label="tokens from the cache",
        title="input read from cache",
        help="Tokens of the prompt that the server read from its cache, asked for or not.",
        group=FigureGroup.TOKENS,
        of=lambda record: record.usage.cache_read_input_tokens,
        unit=Unit.COUNT,
        uses=Use.REQUESTS,
    )
    STAMP_SOURCE = Declared(
        name="stamp_source",
        label="stamps",
        title="stamped by",
        help="Who stamped arrivals: kernel or read.",
        group=FigureGroup.INSTRUMENT,
        of=lambda record: record.instrument and record.instrument.stamp_source.value,
        unit=Unit.WORD,
        uses=Use.REQUESTS,
    )
    INSTRUMENT_DELAY = Declared(
        name="instrument_delay",
        label="instrument delay",
        title="delay",
        help="How long data waited between arrival and read.",
        group=FigureGroup.INSTRUMENT,
        of=_delay,
        in_parts=Delay,
        uses=Use.REQUESTS,
    )
    STAMPS_SHARED = Declared(
        name="stamps_shared",
        label="stamps shared",
        title="stamps shared",
        help="Pieces that arrived before their stamp, by less than the delay.",
        group=FigureGroup.INSTRUMENT,
        of=lambda record: record.instrument and record.instrument.shared,
        unit=Unit.COUNT,
    )

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


def figures_for(use: Use) -> tuple[Figure, ...]:
    """The figures with a use, in the order of the table."""
    return tuple(figure for figure in Figure if use in figure.declared.uses)


_TYPES: dict[Unit, type] = {Unit.TIME: float, Unit.RATE: float, Unit.COUNT: int, Unit.WORD: str}
FIELDS = [
    (figure.column, Annotated[(row.in_parts or _TYPES[row.unit]) | None, msgspec.Meta(description=row.help)], None)
    for figure, row in ((figure, figure.declared) for figure in Figure)
]
"""One field per figure, for `msgspec.defstruct`."""


def figures_of(record: RequestRecord) -> dict[str, Any]:
    """All figures of a request as files have them, by column, as far as it has come; None where undefined."""
    return {figure.column: figure.in_file(record) for figure in Figure}


def flat_columns() -> dict[str, tuple[Figure, str]]:
    """Names of one column per number or word, with figure and part: of `itl_ms`, `itl_p50_ms` to `itl_max_ms`."""
    flat: dict[str, tuple[Figure, str]] = {}
    for figure in Figure:
        column = figure.column
        for part in figure.parts or ("",):
            flat[f"{column.removesuffix('_ms')}_{part}_ms" if part else column] = (figure, part)
    return flat
