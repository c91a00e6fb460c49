"""Standings of lanes beside each other: the first of the latest run, and the usually fastest of the session."""

from collections.abc import Sequence
from statistics import median

from tui.core.figures import Figure, Use, figures_for
from tui.core.sequential import UntilSure
from tui.core.series import MAX_REPEATS
from tui.core.statistics import CONFIDENCE
from tui.core.wording import amount
from tui.session.lane import Lane

_MOST_LANES = 32
"""Lanes above which nobody is said to be the fastest: each run would compare thousands of pairs."""


class Standings:
    """Judge of lanes beside each other, asked after every run.

    The fastest is found by "until sure", which holds however often one looks; the figures share its error.
    """

    def __init__(self) -> None:
        self._questions: tuple[tuple[str, str], ...] = ()
        self._rules: dict[tuple[Figure, int | None], UntilSure] = {}

    def run_over(
        self,
        lanes: Sequence[Lane],
        took_part: Sequence[Lane],
        run: int,
        turn: int | None = None,
        *,
        decides: bool = True,
    ) -> None:
        """Mark the lanes after that run, of which `took_part` had a request. Other questions than before begin anew.

        Each `turn` of a conversation is judged by itself. With `decides` false nobody is said to be usually the fastest
        after it: only some lanes had results of tools.
        """
        for figure in figures_for(Use.HEADLINE):
            _mark_first(took_part, figure)
        questions = tuple((lane.label, lane.outcomes[-1].fingerprint if lane.outcomes else "") for lane in lanes)
        if questions != self._questions:
            self._questions, self._rules = questions, {}
            for lane in lanes:
                lane.fastest = ()
        if not 2 <= len(lanes) <= _MOST_LANES or not decides:
            return
        values = {figure: [_of_run(lane, figure, run) for lane in lanes] for figure in figures_for(Use.HEADLINE)}
        for figure, of_figure in values.items():
            if any(value is not None for value in of_figure):
                self._look(lanes, figure, turn, of_figure, 1 - (1 - CONFIDENCE) / len(values))

    def _look(
        self, lanes: Sequence[Lane], figure: Figure, turn: int | None, values: list[float | None], confidence: float
    ) -> None:
        rule = self._rules.get((figure, turn))
        if rule is None:
            rule = UntilSure(figure, [lane.label for lane in lanes], budget=MAX_REPEATS, confidence=confidence)
            self._rules[figure, turn] = rule
        rule.look(values)
        for at, lane in enumerate(lanes):
            others = tuple(each for each in lane.fastest if each is not figure)
            lane.fastest = (*others, figure) if rule.left == [at] else others


def _of_run(lane: Lane, figure: Figure, run: int) -> float | None:
    """A lane's figure in a counted run, the median of its requests; none for a TTFT that was held back on the way."""
    found = []
    for outcome in reversed(lane.outcomes):
        if outcome.run != run:
            break
        is_told = outcome.counted and not (outcome.held_back and figure is not Figure.TOTAL)
        if is_told and (value := outcome.value(figure)) is not None:
            found.append(value)
    return median(found) if found else None


def _mark_first(lanes: Sequence[Lane], figure: Figure) -> None:
    """Mark the lane that was first in a run that is over, if the next one is told from it: by the digits shown, and by
    the instrument's own delays. One answer alone is not first."""
    times = sorted((value, at) for at, lane in enumerate(lanes) if (value := _time(lane, figure)) is not None)
    if len(times) < 2:
        return
    (best, first), (second, next_one) = times[:2]
    delays = sum(_delay(lanes[at]) for at in (first, next_one))
    if second - best > delays and amount(figure, best) != amount(figure, second):
        lanes[first].first = (*lanes[first].first, figure)


def _time(lane: Lane, figure: Figure) -> float | None:
    """A lane's figure in its latest request, if that has a complete answer."""
    record = lane.record
    if record is None or record.total_ns is None or (record.has_no_pace and figure is not Figure.TOTAL):
        return None
    value: float | None = figure.declared.of(record)
    return value


def _delay(lane: Lane) -> int:
    instrument = lane.record.instrument if lane.record else None
    return (instrument.delay_p99_ns or 0) if instrument else 0
