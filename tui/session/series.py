"""Series runner: one run after the other, with pauses, until the series is complete, spent or cancelled."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median

from tui.core.choice import Choice
from tui.core.events import FailureKind, Status
from tui.core.failures import FOR_GOOD
from tui.core.figures import Figure
from tui.core.observation import Observation
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.run import new_uid
from tui.core.sequential import Conclusion, Decision, UntilSure
from tui.core.sequential_choice import SequentialChoice, refusal, rule_of, sure_by
from tui.core.series import Ending, Repeat, Series, SeriesSettings
from tui.core.sweep import FEWEST_TO_GROW, LONGEST_PADDING, Sweep, requests_of
from tui.session.live import Lane, LiveState

_CHARACTERS_PER_TOKEN = 4
"""Rough length of a token in English text."""
_REFUSED_RUNS = 3
"""Runs in a row that refuse a target, after which "until sure" no longer asks it."""
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
        self._chooser: SequentialChoice | None = None
        self._decision: Decision | None = None
        self.choice: Choice | None = None
        """The choice of "until sure" by the series' rule, once it is over; None without a rule or "until sure"."""
        self._run_before = self._begun = live.runs
        self._refusals: dict[int, int] = {}
        """Refusals in a row, by lane."""
        settings, names = series.settings, [lane.label for lane in live.lanes]
        self._figure = sure_by(settings)
        rule = rule_of(settings) if refusal(settings) is None else None
        if self._figure is not None and len(names) > 1:
            if rule is not None:
                self._chooser = SequentialChoice(rule, names, budget=settings.repeats, confidence=settings.confidence)
                self._until_sure = self._chooser.race
            else:
                self._until_sure = UntilSure(
                    self._figure, names, budget=settings.repeats, confidence=settings.confidence
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
                started_ns, self._begun = time.monotonic_ns(), live.runs
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
            self._conclude()
            live.end_series()
            self._on_over()

    def _look(self, repeat: Repeat) -> None:
        """End the series if the best target is known."""
        if self._until_sure is None or self._figure is None or repeat.warm_up:
            return
        for at in repeat.order:
            record = self._live.lanes[at].record
            is_refused = record is not None and record.failure is not None and record.failure.kind in FOR_GOOD
            self._refusals[at] = self._refusals.get(at, 0) + 1 if is_refused else 0
            if self._refusals[at] >= _REFUSED_RUNS:
                self._until_sure.exclude(at)
        values = [self._figure_of_run(lane, self._figure) for lane in self._live.lanes]
        if self._chooser is None:
            decision = self._until_sure.look(values)
        else:
            decision = self._chooser.look(values, [self._of_run(lane) for lane in self._live.lanes])
        self._decision = decision
        caveats = [said for lane in self._live.lanes if lane.label in decision.best and (said := self._caveat(lane))]
        self.series.verdict = "; ".join([decision.sentence, *(caveats if decision.conclusion in _SURE else ())])
        if self._chooser is not None and self._chooser.is_open(decision):
            pass  # what leads does not keep its objectives so far: more repeats tell whether that is chance
        elif decision.conclusion in _SURE or (self._chooser is not None and not self._until_sure.left):
            self.series.end(Ending.SURE)
        elif len(self._until_sure.left) < 2:
            self.series.end(Ending.REFUSED if self._until_sure.left else Ending.FAILING)
        self.series.left = self._until_sure.left

    def _conclude(self) -> None:
        """Say what is chosen, once the series is over."""
        if self._chooser is None or self._decision is None:
            return
        asked = [
            (lane.target.model, self._endpoint_of(lane), lane.target.variant, self._counted(lane))
            for lane in self._live.lanes
        ]
        self.choice = self._chooser.choice(self._decision, asked)
        self.series.verdict = self.choice.sentence

    @staticmethod
    def _endpoint_of(lane: Lane) -> str:
        return lane.record.spec.endpoint.name if lane.record is not None else lane.target.endpoint or ""

    def _counted(self, lane: Lane) -> list[Observation]:
        """The counted requests of this series."""
        return [one for one in lane.outcomes if one.run > self._run_before and one.counted]

    def _caveat(self, lane: Lane) -> str:
        """Remark on a target that won by answers that were cut or held back on the way; empty without any."""
        answers = [one for one in self._counted(lane) if one.answered]
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
        present = [value for one in self._of_run(lane) if (value := one.value(figure)) is not None]
        return median(present) if present else None

    def _of_run(self, lane: Lane) -> list[Observation]:
        """A lane's requests in the latest run; of a conversation those of the last turn."""
        latest = lane.of_turn(lane.outcomes[-self.series.settings.concurrency * 100 :])
        return [outcome for outcome in latest if outcome.run > self._begun]

    async def _gap(self) -> None:
        if gap_s := self.series.settings.gap:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(gap_s):
                    await self._cancelled.wait()


def new_series(settings: SeriesSettings, lanes: int, sweep: Sweep | None = None, *, each: int = 1) -> Series:
    """A series with a uid and a seed of its own; see `Series`."""
    return Series(settings, new_uid(time.time_ns()), lanes, secrets.randbelow(2**31), sweep, each)


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
