"""What a sweep asks of the lanes as they are."""

from collections.abc import Sequence
from statistics import median

from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.sweep import Cell, cells
from tui.session.live import Lane

_CHARACTERS_PER_TOKEN = 4


def cells_around(specs: Sequence[RequestSpec], lanes: Sequence[Lane]) -> tuple[Cell, ...]:
    """The runs of a sweep that suit all lanes, which are those of `specs`.

    Around the longest prompt, and the shortest of the lanes' typical answers: a limit above it would not cut that one.
    Before a lane has answered, its `max_tokens` stands for its answer.
    """
    answers = [_answer_tokens(spec, lane) for spec, lane in zip(specs, lanes, strict=True)]
    budgets = [spec.parameters.thinking_budget or 0 for spec in specs if spec.parameters.thinking == "enabled"]
    return cells(max(_tokens(spec.prompt) for spec in specs), min(answers), max(budgets, default=0))


def _answer_tokens(spec: RequestSpec, lane: Lane) -> int:
    counts = [one.output_tokens for one in lane.current if one.output_tokens]
    return round(median(counts)) if counts else spec.parameters.max_tokens or 0


def _tokens(prompt: Prompt) -> int:
    return sum(map(len, prompt.texts())) // _CHARACTERS_PER_TOKEN
