"""Series runner: one run after the other, with pauses, until the series is complete, spent or cancelled."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median

from tui.core.events import FailureKind, Status
from tui.core.figures import Figure
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.sequential import Conclusion, UntilSure
from tui.core.series import Ending, Repeat, Series
from tui.core.sweep import FEWEST_TO_GROW, LONGEST_PADDING, Sweep, requests_of
from tui.session.live import Lane, LiveState

_CHARACTERS_PER_TOKEN = 4
"""Rough length of a token in English text."""
_REFUSED_RUNS = 3
"""Runs in a row that refuse a target, after which "until sure" no longer asks it."""
_FOR_GOOD = frozenset(
    {
        FailureKind.NO_KEY,
        FailureKind.BAD_KEY,
        FailureKind.FORBIDDEN,
        FailureKind.UNKNOWN_MODEL,
        FailureKind.BAD_REQUEST,
        FailureKind.TOO_LARGE,
    }
)
"""Failures that the same request meets again."""
_SURE = frozenset({Conclusion.BEST, Conclusion.ALIKE})
"""Conclusions after which "until sure" asks no more."""
_TOO_LONG = frozenset({FailureKind.BAD_REQUEST, FailureKind.TOO_LARGE})
"""Failures that a prompt beyond the model's context may meet."""
_LEAST_USD_PADDING = 1_000
"""Padding from which on a sweep tells nothing of most models: a budget that does not pay for it refuses the sweep."""


class SeriesRunner:
    """Driver of one series."""

    def __init__(
        self,
        live: LiveState,
        series: Series,
        run_to_end: Callable[[Repeat], Awaitable[bool]],
        on_over: Callable[[], None],
    ) -> None:
        """`run_to_end` makes one run and waits for its end; it returns False if the run may not be begun.

        `on_over` is called at the end of the series.
        """
        self.series = series
        self._on_over = on_over
        self._live = live
        self._run_to_end = run_to_end
        self._may_go_on = asyncio.Event()
        self._may_go_on.set()
        self._cancelled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._until_sure: UntilSure | None = None
        self._run_before = live.runs
        self._refusals: dict[int, int] = {}
        """Refusals in a row, by lane."""
        settings, lanes = series.settings, live.lanes
        if settings.until_sure is not None and len(lanes) > 1:
            self._until_sure = UntilSure(
                Figure(settings.until_sure),
                [lane.label for lane in lanes],
                budget=settings.repeats,
                confidence=settings.confidence,
            )

    @property
    def paused(self) -> bool:
        """True while the series is paused: no further run begins."""
        return not self._may_go_on.is_set()

    def start(self) -> None:
        """Begin the first run."""
        self._live.begin_series(self.series)
        self._task = asyncio.create_task(self._drive(), name=f"series {self.series.uid}")

    def pause(self) -> None:
        """Begin no further run until `resume`. The run in flight goes on to its end."""
        self._may_go_on.clear()
        self._live.series_changed(paused=self.paused)

    def resume(self) -> None:
        """Go on."""
        self._may_go_on.set()
        self._live.series_changed(paused=self.paused)

    def cancel(self) -> None:
        """Begin no further run. Finished results are kept."""
        self.series.end(Ending.CANCELLED)
        self._cancelled.set()
        self._may_go_on.set()

    async def over(self) -> None:
        """Wait until the series is over."""
        if self._task is not None:
            await self._task

    async def _drive(self) -> None:
        live = self._live
        try:
            while (repeat := self.series.next()) is not None:
                started_ns = time.monotonic_ns()
                if not await self._run_to_end(repeat):
                    self.series.end(Ending.COST)
                    break
                asked = [live.lanes[at].record for at in repeat.order]
                all_failed = not any(record is not None and record.complete for record in asked)
                spent = live.spending.run
                usd = spent.usd if spent is not None else 0.0
                self.series.add(repeat, time.monotonic_ns() - started_ns, usd, all_failed=all_failed)
                self._look(repeat)
                self._look_at_sweep(repeat)
                live.series_changed(paused=self.paused)
                if not self.series.is_over():
                    await self._gap()
                    await self._may_go_on.wait()
        finally:
            live.end_series()
            self._on_over()

    def _look(self, repeat: Repeat) -> None:
        """End the series if the best target is known."""
        if self._until_sure is None or repeat.warm_up:
            return
        for at in repeat.order:
            record = self._live.lanes[at].record
            is_refused = record is not None and record.failure is not None and record.failure.kind in _FOR_GOOD
            self._refusals[at] = self._refusals.get(at, 0) + 1 if is_refused else 0
            if self._refusals[at] >= _REFUSED_RUNS:
                self._until_sure.exclude(at)
        figure = Figure(self.series.settings.until_sure or Figure.TTFT)
        decision = self._until_sure.look([self._figure_of_run(lane, figure) for lane in self._live.lanes])
        caveats = [said for lane in self._live.lanes if lane.label in decision.best and (said := self._caveat(lane))]
        self.series.verdict = "; ".join([decision.sentence, *(caveats if decision.conclusion in _SURE else ())])
        if decision.conclusion in _SURE:
            self.series.end(Ending.SURE)
        elif len(self._until_sure.left) < 2:
            self.series.end(Ending.REFUSED if self._until_sure.left else Ending.FAILING)
        self.series.left = self._until_sure.left

    def _caveat(self, lane: Lane) -> str:
        """Remark on a target that won by answers that were cut or held back on the way; empty without any."""
        answers = [one for one in lane.outcomes if one.run > self._run_before and one.counted and one.answered]
        cut = sum(one.status is Status.TRUNCATED for one in answers)
        held = sum(one.held_back for one in answers)
        said = [f"{count} of {len(answers)} {how}" for count, how in ((cut, "cut"), (held, "held back")) if count]
        return f"{lane.label}: {' and '.join(said)}" if said else ""

    def _look_at_sweep(self, repeat: Repeat) -> None:
        """Say to a sweep what its run has told."""
        sweep, cell, lanes = self.series.sweep, repeat.cell, self._live.lanes
        if sweep is None or cell is None:
            return
        failures = [lane.record.failure for lane in lanes if lane.record is not None]
        fits = [lane.fit(FEWEST_TO_GROW) for lane in lanes if any(one.answered for one in lane.swept)]
        sweep.look(
            cell,
            is_told=all(fit.per_input is not None and fit.per_input.is_shown for fit in fits),
            is_refused=any(failure is not None and failure.kind in _TOO_LONG for failure in failures),
        )

    def _figure_of_run(self, lane: Lane, figure: Figure) -> float | None:
        """A lane's figure in the latest run; of several requests at once the median."""
        run = self._live.runs
        values = [
            outcome.value(figure)
            for outcome in lane.outcomes[-self.series.settings.concurrency :]
            if outcome.run == run
        ]
        present = [value for value in values if value is not None]
        return median(present) if present else None

    async def _gap(self) -> None:
        if gap_s := self.series.settings.gap:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(gap_s):
                    await self._cancelled.wait()


def sweep_around(
    specs: Sequence[RequestSpec], live: LiveState, is_paid_for: Callable[[Sequence[RequestSpec]], bool]
) -> Sweep:
    """A sweep that suits all lanes, whose requests are `specs`, within the models' contexts and the budgets.

    Its lengths lie around the longest prompt and the shortest of the typical answers, which a higher limit would not
    cut. Before a lane has answered, its `max_tokens` stands for its answer.
    """
    answer = min(_answer_tokens(spec, lane) for spec, lane in zip(specs, live.lanes, strict=True))
    budgets = [spec.parameters.thinking_budget or 0 for spec in specs if spec.parameters.thinking == "enabled"]
    prompt = max(_tokens(spec.prompt) for spec in specs)
    most = min([max(prompt, LONGEST_PADDING), *(_room(spec, live) for spec in specs)])
    while True:
        sweep = Sweep(prompt, answer, thinking_budget=max(budgets, default=0), most_padding=most)
        if most <= _LEAST_USD_PADDING or is_paid_for(requests_of(specs, sweep.at_most())):
            return sweep
        most = max(_LEAST_USD_PADDING, most // 2)


def _room(spec: RequestSpec, live: LiveState) -> int:
    """Tokens by which a prompt may become longer, as far as its model's context is known."""
    known = live.spending.models.get(spec.model)
    if known is None or known.context_tokens is None:
        return LONGEST_PADDING
    # An estimate of the prompt may be wrong by half.
    return max(0, known.context_tokens - _tokens(spec.prompt) * 3 // 2 - (spec.parameters.max_tokens or 0))


def _answer_tokens(spec: RequestSpec, lane: Lane) -> int:
    counts = [one.output_tokens for one in lane.current if one.output_tokens]
    return round(median(counts)) if counts else spec.parameters.max_tokens or 0


def _tokens(prompt: Prompt) -> int:
    return sum(map(len, prompt.texts())) // _CHARACTERS_PER_TOKEN
