"""The chart "turns": TTFT per turn of a conversation, against the tokens of its transcript."""

from collections.abc import Sequence
from statistics import median

from tui.core.metrics import NS_PER_S
from tui.core.observation import Observation, present
from tui.core.prompt import turn_name
from tui.core.wording import ABSENT, amount, format_count
from tui.session.live import Lane
from tui.ui.charts.plot import Axis, AxisUnit, Curve, Numbers, Plot, Point, from_zero
from tui.ui.charts.source import Chart, ChartSource, axis_unit, by_answer

Place = tuple[int, int]
"""A turn, and the results of tools before it within that."""


def turns_plot(source: ChartSource) -> Plot:
    """The median of every turn of every lane, over the median length of the transcript that was sent with it."""
    curves = tuple(
        Curve(label=lane.label, colour=str(number), symbol=number, points=tuple(sorted(points)))
        for number, lane in source.shown
        if (points := _points(source, lane))
    )
    xs = [x for curve in curves for x, _ in curve.points]
    return Plot(
        x=Axis(0.0, max(xs, default=0.0) or 1.0, AxisUnit.COUNT),
        panels=(from_zero([y for curve in curves for _, y in curve.points]),),
        curves=curves,
        more=source.more,
    )


def turns_numbers(source: ChartSource) -> Numbers:
    """A row per lane and turn: the tokens of the transcript, how many came from the cache, and the median."""
    rows = tuple(
        (lane.label, turn_name(*place), _tokens(found), _cached(found), _middle(source, found), str(len(found)))
        for lane in source.lanes
        for place, found in _by_turn(lane).items()
    )
    return Numbers(("lane", "turn", "tokens", "from cache", source.metric.label, "n"), rows, "")


def _by_turn(lane: Lane) -> dict[Place, list[Observation]]:
    """The counted outcomes of what is asked now, by their place in the conversation."""
    found: dict[Place, list[Observation]] = {}
    for outcome in lane.all_turns:
        if outcome.turn is not None:
            found.setdefault((outcome.turn, outcome.call), []).append(outcome)
    return dict(sorted(found.items()))


def _points(source: ChartSource, lane: Lane) -> list[Point]:
    per_unit = NS_PER_S if axis_unit(source.metric) is AxisUnit.SECONDS else 1
    points = []
    for outcomes in _by_turn(lane).values():
        values, lengths = present(outcomes, source.metric), _lengths(outcomes)
        if values and lengths:
            points.append((float(median(lengths)), median(values) / per_unit))
    return points


def _lengths(outcomes: Sequence[Observation]) -> list[int]:
    return [one.input_tokens + one.cached_tokens for one in outcomes if one.input_tokens is not None]


def _tokens(outcomes: Sequence[Observation]) -> str:
    lengths = _lengths(outcomes)
    return format_count(round(median(lengths))) if lengths else ABSENT


def _cached(outcomes: Sequence[Observation]) -> str:
    cached = [one.cached_tokens for one in outcomes if one.input_tokens is not None]
    return format_count(round(median(cached))) if cached else ABSENT


def _middle(source: ChartSource, outcomes: Sequence[Observation]) -> str:
    values = present(outcomes, source.metric)
    return amount(source.metric, median(values)) if values else ABSENT


CHART = Chart(
    title="Turns over the transcript's tokens",
    placeholder="No turn of a conversation yet.",
    of_one_metric=True,
    build=turns_plot,
    version=by_answer,
    numbers=turns_numbers,
)
