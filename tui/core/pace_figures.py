"""Rows of the table of figures about speed: tokens and characters by the time in which they came."""

from tui.core import metrics
from tui.core.figure_row import Declared, FigureGroup, Unit, Use

TPOT = Declared(
    name="tpot",
    label="TPOT",
    title="TPOT, per token",
    help="(TTLT - TTFT) / (output tokens - those of the first chunk, which is 1 where each holds one), without tokens "
    "of thinking that was withheld.",
    group=FigureGroup.PACE,
    of=lambda record: metrics.tpot_ns(record.timeline, record.timed_tokens),
    sample="tpot_ns",
    uses=Use.OBJECTIVE | Use.REQUESTS,
)
OTPS = Declared(
    name="otps",
    label="OTPS",
    title="OTPS, tokens/s",
    help="(output tokens - those of the first chunk, which is 1 where each holds one) / (TTLT - TTFT), per second, "
    "without tokens of thinking that was withheld.",
    group=FigureGroup.PACE,
    of=lambda record: record.otps,
    unit=Unit.RATE,
    sample="otps",
    less_is_better=False,
    uses=Use.OBJECTIVE | Use.COMPARED | Use.REQUESTS,
)
CHARACTERS_PER_S = Declared(
    name="characters_per_s",
    label="characters/s",
    title="characters/s",
    help="Characters of all content after its first piece, per second of TTLT - TTFT, for models that count tokens "
    "unlike.",
    group=FigureGroup.PACE,
    of=lambda record: record.characters_per_s,
    unit=Unit.TEXT_RATE,
    sample="characters_per_s",
    less_is_better=False,
    uses=Use.OBJECTIVE | Use.REQUESTS,
)
