"""A sweep: runs over prompts and answers of different length, so that the time per token can be fitted.

Every prompt length meets every limit on the answer, so that the two never grow together; see `core.decomposition`.
"""

from collections.abc import Sequence
from itertools import product

import msgspec

from tui.core.plan import RequestSpec

ROUNDS = 2
"""How often each combination is asked."""
_PADDING = (0.0, 1.0, 3.0)
_LEAST_PADDING = 1_000
_CAPS = (0.25, 0.5, 1.0)
_LEAST_CAP = 16
_LINE = "This line is padding and says nothing.\n"
_LINE_TOKENS = 9
"""About; what counts are the tokens that the API reports."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What sets one run of a sweep apart."""

    padding_tokens: int
    """By about how many tokens the prompt is longer."""
    max_tokens: int
    """The most tokens that any answer may have."""


def cells(prompt_tokens: int, answer_tokens: int, thinking_budget: int = 0) -> tuple[Cell, ...]:
    """The runs of a sweep around prompts and answers of about these lengths.

    Prompts become longer by 0, 1 and 3 times their own length, and that is 1,000 tokens at least; answers are cut at a
    quarter, a half and the whole of theirs, beyond `thinking_budget`, which the API wants to be less than `max_tokens`.
    """
    step = max(_LEAST_PADDING, prompt_tokens)
    room = max(_LEAST_CAP, answer_tokens - thinking_budget)
    caps = sorted({thinking_budget + max(_LEAST_CAP, round(share * room)) for share in _CAPS})
    grid = [Cell(padding_tokens=round(pad * step), max_tokens=cap) for pad, cap in product(_PADDING, caps)]
    return tuple(grid * ROUNDS)


def swept(spec: RequestSpec, cell: Cell) -> RequestSpec:
    """The request with a longer prompt and a lower limit on its answer."""
    lines = round(cell.padding_tokens / _LINE_TOKENS)
    prompt = spec.prompt.begun_with(_LINE * lines) if lines else spec.prompt
    own = spec.parameters.max_tokens
    cap = cell.max_tokens if own is None else min(own, cell.max_tokens)
    return msgspec.structs.replace(
        spec, prompt=prompt, parameters=msgspec.structs.replace(spec.parameters, max_tokens=cap)
    )


def costliest(specs: Sequence[RequestSpec], planned: Sequence[Cell]) -> list[RequestSpec]:
    """The requests of a sweep's longest run, for what it may cost at most."""
    longest = Cell(
        padding_tokens=max(cell.padding_tokens for cell in planned),
        max_tokens=max(cell.max_tokens for cell in planned),
    )
    return [swept(spec, longest) for spec in specs]
