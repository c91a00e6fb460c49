"""Form of a row of the table of figures, and figures that have parts, of what one request has many of."""

from collections.abc import Callable, Sequence
from enum import Flag, StrEnum, auto
from typing import Any

import msgspec

from tui.core import metrics
from tui.core.metrics import NS_PER_MS
from tui.core.record import RequestRecord


class Unit(StrEnum):
    """Unit of a figure, as headings of tables give it; a word has none."""

    TIME = "ms"
    """Computed in nanoseconds; in files milliseconds."""
    RATE = "tokens/s"
    TEXT_RATE = "characters/s"
    COUNT = "count"
    WORD = "word"


class FigureGroup(StrEnum):
    """FigureGroup of rows in the detail of a request."""

    TIMES = "times"
    PACE = "pace"
    CONNECTION = "connection"
    NETWORK = "network"
    TOKENS = "tokens"
    INSTRUMENT = "instrument"
    FITTED = "fitted"
    """Told by answers of different lengths together, and by no single request."""


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
    of: Callable[[RequestRecord], Any] = lambda _record: None
    """Its value of one request, None where it is undefined. Times are nanoseconds, but those in parts milliseconds."""
    unit: Unit = Unit.TIME
    in_parts: type[msgspec.Struct] | None = None
    """The struct of a figure that has parts."""
    sample: str | None = None
    """The field of `Observation` with its value; None for a figure that is not summed up over requests."""
    samples: Callable[[RequestRecord], Sequence[int]] | None = None
    """All samples of one request, for a figure that has many in each."""
    fitted: str | None = None
    """The field of `tui.core.decomposition.Fit` with its estimate, for a figure that no single request has."""
    per_tokens: int = 1
    """Tokens that it is the time of, where the estimate is of one."""
    less_is_better: bool = True
    uses: Use = Use(0)


WIDELY = Use.OBJECTIVE | Use.UNTIL_SURE | Use.AXIS | Use.COMPARED | Use.REQUESTS


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


def gaps_of(record: RequestRecord) -> Gaps | None:
    """The gaps of an answer; None where `metrics.gaps` has none, and where they are those of what held it back."""
    gaps = None if record.has_no_pace else metrics.gaps(record.timeline)
    return None if gaps is None else Gaps(**_in_ms(p50=gaps.p50_ns, p95=gaps.p95_ns, p99=gaps.p99_ns, max=gaps.max_ns))


def delay_of(record: RequestRecord) -> Delay | None:
    """The instrument's delay; None where it is not known."""
    instrument = record.instrument
    if instrument is None or instrument.delay_p50_ns is None:
        return None
    longest, p99 = instrument.delay_max_ns, instrument.delay_p99_ns
    if p99 is None or longest is None:
        return None
    return Delay(**_in_ms(p50=instrument.delay_p50_ns, p99=p99, max=longest))


def _in_ms(**parts_ns: int) -> dict[str, float]:
    return {name: ns / NS_PER_MS for name, ns in parts_ns.items()}
