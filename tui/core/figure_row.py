"""Form of a row of the table of figures."""

from collections.abc import Callable, Sequence
from enum import Flag, StrEnum, auto
from typing import Any

import msgspec

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
