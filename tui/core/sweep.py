"""A sweep: runs with prompts and answers of other lengths, from which the time per token is told.

Pure state: it says how long prompt and answer are in each run, and takes in what the runs before have told.
"""

import random
from collections.abc import Sequence

import msgspec

from tui.core.plan import RequestSpec

RUNS = 18
FEWEST_TO_GROW = 6
"""Answers from which on it is looked at whether longer prompts are needed."""
LONGEST_PADDING = 32_000
"""Tokens by which no prompt becomes longer, unless it is that long itself."""
_LEAST_PADDING = 64
"""Below this no padding is tried once a server refused a prompt as too long."""
_FIRST_PADDING = 2_000
_GROWTH = 4
"""Factor on the padding while the time of the prompt is not told: few long prompts tell more than many short ones."""
_PADS = (0.0, 0.25, 1.0)
_CAPS = (0.0, 0.5, 1.0)
_LEAST_CAP = 16
_LINE = "This line is padding and says nothing.\n"
_LINE_TOKENS = 9
"""About; what counts are the tokens that the API reports."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """Lengths of prompt and answer in one run of a sweep."""

    padding_tokens: int
    """By about how many tokens the prompt is longer."""
    max_tokens: int
    """The most tokens that any answer may have."""


class Sweep:
    """The lengths of a sweep's runs, around prompts and answers of about the given lengths.

    Of three runs each has another padding and another limit, and in nine each padding meets each limit. The longest
    padding begins with the prompt's own length, or 2,000 tokens, and is four times as long in the next three runs until
    the time per token of the prompt is told: a server that reads slowly is not asked for more than it needs. Answers
    are cut at 16 tokens, at a half and at the whole of theirs, beyond `thinking_budget`, which the API wants to be less
    than `max_tokens`. The shortest tell what an answer takes apart from its tokens.
    """

    def __init__(
        self, prompt_tokens: int, answer_tokens: int, *, thinking_budget: int = 0, most_padding: int | None = None
    ) -> None:
        """`most_padding` is the longest padding that models and budgets allow."""
        room = max(_LEAST_CAP, answer_tokens - thinking_budget)
        self.longest_answer = thinking_budget + room
        """The highest of its limits, tokens."""
        self._caps = [thinking_budget + max(_LEAST_CAP, round(share * room)) for share in _CAPS]
        longest = max(LONGEST_PADDING, prompt_tokens)
        self._most = longest if most_padding is None else max(0, min(longest, most_padding))
        self._padding = min(self._most, max(_FIRST_PADDING, prompt_tokens))
        self._is_told = False
        self._refused: int | None = None

    def cell(self, number: int, seed: int) -> Cell:
        """Lengths in a run, counted from 1; `seed` gives the order within three runs."""
        block, place = divmod(number - 1, len(_PADS))
        if place == 0 and block and not self._is_told:
            self._padding = min(self._most, self._padding * _GROWTH)
        at = random.Random(f"{seed} sweep {block}").sample(range(len(_PADS)), len(_PADS))[place]
        return Cell(
            padding_tokens=round(_PADS[at] * min(self._padding, self._most)),
            max_tokens=self._caps[(at + block) % len(_CAPS)],
        )

    def look(self, cell: Cell, *, is_told: bool, is_refused: bool) -> None:
        """Take in a run: is the time per token of the prompt told by now, and was the prompt too long for a server?"""
        self._is_told = is_told
        if is_refused and cell.padding_tokens > 0:
            half = cell.padding_tokens // 2
            self._most = min(self._most, half if half >= _LEAST_PADDING else 0)

    def at_most(self) -> list[Cell]:
        """The runs that it takes if the time of the prompt is never told: the longest and dearest."""
        paddings = [min(self._most, self._padding * _GROWTH**block) for block in range(RUNS // len(_PADS))]
        return [
            Cell(padding_tokens=round(pad * padding), max_tokens=self._caps[(at + block) % len(_CAPS)])
            for block, padding in enumerate(paddings)
            for at, pad in enumerate(_PADS)
        ]


def swept(spec: RequestSpec, cell: Cell) -> RequestSpec:
    """The request with a longer prompt and a lower limit on its answer."""
    lines = round(cell.padding_tokens / _LINE_TOKENS)
    prompt = spec.prompt.begun_with(_LINE * lines) if lines else spec.prompt
    own = spec.parameters.max_tokens
    cap = cell.max_tokens if own is None else min(own, cell.max_tokens)
    # An answer of another length says nothing of the prompt as it was written.
    prompt = msgspec.structs.replace(prompt, checks=())
    return msgspec.structs.replace(
        spec, prompt=prompt, parameters=msgspec.structs.replace(spec.parameters, max_tokens=cap)
    )


def requests_of(specs: Sequence[RequestSpec], cells: Sequence[Cell]) -> list[RequestSpec]:
    """The requests of these runs, for what they may cost."""
    return [swept(spec, cell) for cell in cells for spec in specs]
