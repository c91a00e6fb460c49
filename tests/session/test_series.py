"""A series driven to its end: refused targets are left out, and requests of one run count once."""

from statistics import median

from tui.core.events import Failure, FailureKind, RequestEnded, Status
from tui.core.figures import Figure
from tui.core.observation import per_run
from tui.core.series import Ending, Repeat, Series, SeriesSettings
from tui.session.live import LiveState
from tui.session.series import SeriesRunner

from .test_live import MS, RUN_ENDED, answer, plan_of

REFUSED = Failure(kind=FailureKind.BAD_REQUEST, message="No such parameter.")


class Driven:
    """A series over lanes whose first tokens come after the times given; None is a refusal."""

    def __init__(self, settings: SeriesSettings, *, status: Status = Status.DONE, **ttft_ms: float | None) -> None:
        self._status = status
        self.live = LiveState()
        self.plan = plan_of(*ttft_ms)
        self.live.set_targets(self.plan.targets)
        self.asked: list[tuple[int, ...]] = []
        self._ttft_ms = ttft_ms
        series = Series(settings, "series", len(ttft_ms), 1)
        self.runner = SeriesRunner(self.live, series, self._run, lambda: None)

    async def _run(self, repeat: Repeat) -> bool:
        self.asked.append(repeat.order)
        for number, spec in enumerate(self.live.start(self.plan, repeat)):
            ttft = self._ttft_ms[spec.model]
            if ttft is None:
                refused = RequestEnded(request_id=spec.request_id, t_ns=MS, status=Status.FAILED, failure=REFUSED)
                self.live.apply([refused])
            else:
                own = round(ttft + 7 * len(self.asked) % 11 + number // 2)
                self.live.apply(answer(spec.request_id, own, own + 20, self._status))
        self.live.apply([RUN_ENDED])
        return True

    async def to_its_end(self) -> Series:
        self.runner.start()
        await self.runner.over()
        return self.runner.series


async def test_a_target_that_is_refused_three_times_is_no_longer_asked() -> None:
    driven = Driven(SeriesSettings(repeats=60, warm_ups=0, until_sure="ttft"), a=100, b=None, c=150)
    series = await driven.to_its_end()
    assert series.ending is Ending.SURE
    assert [1 in order for order in driven.asked] == [True] * 3 + [False] * (len(driven.asked) - 3)
    assert series.verdict is not None
    assert series.verdict.startswith("sure: a is usually fastest in TTFT")
    assert "refused: b" in series.verdict
    assert driven.live.runs == len(driven.asked) < 60
    assert series.requests == sum(map(len, driven.asked))


async def test_the_last_one_that_is_not_refused_ends_it() -> None:
    driven = Driven(SeriesSettings(repeats=60, warm_ups=0, until_sure="ttft"), a=None, b=100, c=None)
    assert (await driven.to_its_end()).ending is Ending.REFUSED
    assert len(driven.asked) == 3


async def test_without_until_sure_a_refused_target_is_asked_to_the_end() -> None:
    driven = Driven(SeriesSettings(repeats=6, warm_ups=1), a=100, b=None)
    assert (await driven.to_its_end()).ending is Ending.COMPLETE
    assert [sorted(order) for order in driven.asked] == [[0, 1]] * 7


async def test_several_requests_at_once_are_one_value_per_run() -> None:
    driven = Driven(SeriesSettings(repeats=5, warm_ups=0, concurrency=4), a=100, b=150)
    series = await driven.to_its_end()
    assert series.requests == 5 * 2 * 4
    for lane in driven.live.lanes:
        assert len(lane.current) == 20
        values = per_run(lane.current, Figure.TTFT)
        assert len(values) == 5
        of_first = [one.ttft_ns for one in lane.current if one.run == 1 and one.ttft_ns is not None]
        assert len(of_first) == 4
        assert len(set(of_first)) > 1
        assert values[0] == median(of_first)


async def test_until_sure_counts_a_run_of_several_requests_once() -> None:
    driven = Driven(SeriesSettings(repeats=40, warm_ups=0, concurrency=4, until_sure="total"), a=100, b=150)
    series = await driven.to_its_end()
    assert series.ending is Ending.SURE
    assert series.verdict is not None
    # Eight repeats are the fewest that can tell two targets apart, however many requests each has.
    assert series.done >= 8
    assert f"{series.done} repeats" in series.verdict


async def test_a_winner_whose_answers_were_cut_is_said_to_be() -> None:
    settings = SeriesSettings(repeats=40, warm_ups=1, until_sure="ttft")
    series = await Driven(settings, status=Status.TRUNCATED, a=100, b=150).to_its_end()
    counted = series.done
    assert series.verdict is not None
    assert series.verdict.startswith("sure: a is usually fastest")
    assert series.verdict.endswith(f"; a: {counted} of {counted} cut")
