"""Forecasts: requests, costs and time of what is about to begin."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from history.making import info, stored
from history.making import plan as stored_plan

from tui.config.known_models import load_models
from tui.core.checks import AnswerCheck
from tui.core.cost import Cost, estimate
from tui.core.events import Status, Usage
from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.series import SeriesSettings
from tui.core.target import Endpoint, Target
from tui.history.store import Store
from tui.session.forecast import Forecast, Typical, forecast, typical_in
from tui.session.session import Session

S = 1_000_000_000
HAIKU, OPUS = "claude-haiku-5-5", "claude-opus-5-5"


def plan_of(*models: str, max_tokens: int = 1_000) -> Plan:
    return Plan(
        prompt=Prompt(user="x" * 4_000),
        parameters=Parameters(max_tokens=max_tokens),
        targets=tuple(Target(model=model) for model in models),
        endpoints=(Endpoint(name="e", base_url="http://e.example"),),
        default_endpoint="e",
    )


def session_of(plan: Plan, *answers: tuple[int, int]) -> Session:
    """A session in which every lane has given these answers: output tokens and seconds."""

    async def made() -> Session:
        return Session(models=load_models())

    session = asyncio.run(made())
    session.live.set_targets(plan.lanes)
    for lane in session.live.lanes:
        lane.outcomes += [
            Observation(status=Status.DONE, output_tokens=tokens, total_ns=took * S, ttft_ns=S)
            for tokens, took in answers
        ]
    return session


def usd(cost: Cost | None) -> float:
    assert cost is not None
    return cost.usd


def price(session: Session, model: str, input_tokens: int, output_tokens: int) -> float:
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    return usd(estimate(usage, session.live.spending.models[model].prices, Parameters()))


def test_a_series_counts_warm_up_and_what_is_asked_at_once() -> None:
    plan = plan_of(HAIKU, OPUS)
    session = session_of(plan, (100, 2), (300, 6), (200, 4))
    settings = SeriesSettings(repeats=10, warm_ups=1, concurrency=3, gap=1.0)
    found = forecast(session, plan, settings)
    assert found.requests == 11 * 2 * 3
    long = session.preview.length(plan.requests(0)[0])
    each = price(session, HAIKU, long, 200) + price(session, OPUS, long, 200)
    assert usd(found.expected) == pytest.approx(33 * each)
    assert usd(found.at_most) > usd(found.expected)
    assert found.takes_ns == 11 * 4 * S + 10 * S
    in_turn = forecast(session, plan, SeriesSettings(repeats=10, warm_ups=1, in_turn=True))
    assert in_turn.takes_ns == 11 * 8 * S


def test_judges_are_counted_apart_and_priced() -> None:
    plan = plan_of(HAIKU, OPUS)
    session = session_of(plan, (100, 2))
    checks = (
        AnswerCheck(judge="Is it polite?"),
        AnswerCheck(judge="Is it?", judge_target=OPUS),
        AnswerCheck(json=True),
    )
    judged = msgspec.structs.replace(plan, prompt=msgspec.structs.replace(plan.prompt, checks=checks))
    settings = SeriesSettings(repeats=4, warm_ups=1)
    bare, found = forecast(session, plan, settings), forecast(session, judged, settings)
    assert (found.requests, found.judged, bare.judged) == (bare.requests, 5 * 2 * 2, 0)
    assert "10 requests and 20 to judges, about $" in found.sentence
    assert found.sentence.endswith("and the judges' time")
    # Each is about 100 tokens of the answer and as many of the instruction and the question.
    dearest = 10 * (price(session, HAIKU, 300, 8) + price(session, OPUS, 300, 256))
    assert usd(bare.expected) < usd(found.expected) < usd(bare.expected) + dearest
    assert usd(found.at_most) > usd(bare.at_most)
    assert forecast(session, judged, settings, sweep=True).judged == 0


def test_answers_are_cut_at_what_is_asked_now() -> None:
    plan = plan_of(HAIKU, max_tokens=50)
    session = session_of(plan, (200, 4))
    found = forecast(session, plan)
    assert usd(found.expected) == pytest.approx(price(session, HAIKU, session.preview.length(plan.requests(0)[0]), 50))
    assert found.takes_ns == S


def test_what_nothing_is_known_of_is_said() -> None:
    plan = plan_of(HAIKU)
    found = forecast(session_of(plan), plan)
    assert (found.expected, found.takes_ns) == (None, None)
    assert "not known yet" in found.sentence
    known = forecast(session_of(plan), plan, stored={HAIKU: Typical(100, 3 * S)})
    assert (known.expected is not None, known.takes_ns) == (True, 3 * S)
    assert "at prices that are not known" in forecast(session_of(plan), plan_of("nobody-knows-it")).sentence


def test_a_sweep_and_until_sure_may_end_sooner() -> None:
    plan = plan_of(HAIKU)
    session = session_of(plan, (200, 4))
    sweep = forecast(session, plan, SeriesSettings(), sweep=True)
    assert sweep.sentence.startswith("up to ")
    assert sweep.requests > 3
    assert usd(sweep.at_most) > usd(sweep.expected) > 0
    assert forecast(session, plan, SeriesSettings(until_sure="ttft")).sentence.startswith("up to 11 requests")


@pytest.mark.parametrize(
    ("at_most", "limit", "asks"),
    [(0.06, 0.05, True), (0.04, 0.05, False), (0.04, 0.0, True), (9.0, None, False), (None, 0.05, True)],
)
def test_it_is_asked_from_a_highest_cost_on(at_most: float | None, limit: float | None, asks: bool) -> None:
    prices_read = load_models()[0].prices
    assert prices_read is not None
    cost = None if at_most is None else Cost(usd=at_most, is_lower_bound=False, prices_read=prices_read.read)
    found = Forecast(requests=3, expected=None, at_most=cost, takes_ns=None)
    assert found.asks_from(limit) is asks


def test_stored_runs_say_how_a_model_answers(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    assert typical_in(path, ["fast"]) == {}
    with Store(path) as store:
        store.add(stored(stored_plan(), info()))
    found = typical_in(path, ["fast", "fast", "other"])
    assert set(found) == {"fast"}
    assert found["fast"].output_tokens == 3
