"""Levels, arrivals and requests of a load, from nothing but its settings and its seed."""

import itertools
from statistics import fmean, stdev

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.host import Host
from tui.core.load import (
    DEFAULT_LEVELS,
    Arrivals,
    Level,
    LoadSettings,
    buster_of,
    due_times,
    plan_of,
    problem,
    request_of,
    starts_of,
    steps_of,
)
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Conversation, Prompt
from tui.core.target import Endpoint, Retries, Target

EVERY_ARRIVAL: list[Arrivals] = ["constant", "poisson", "gamma"]


def plan(rows: tuple[dict[str, str], ...] = (), user: str = "u") -> Plan:
    return Plan(
        prompt=Prompt(user=user),
        parameters=Parameters(max_tokens=5),
        targets=(Target(model="a"), Target(model="b")),
        endpoints=(Endpoint(name="e", base_url="http://a"),),
        default_endpoint="e",
        retries=Retries(max=3),
        rows=rows,
    )


def due(settings: LoadSettings, count: int, number: int = 1, seed: int = 7) -> list[float]:
    step = steps_of(settings, 1)[number - 1]
    return [moment for moment, _ in itertools.islice(due_times(settings, step, seed, plan()), count)]


@given(
    st.sampled_from(EVERY_ARRIVAL),
    st.floats(0.01, 10_000),
    st.floats(0.01, 10_000),
    st.floats(0.05, 50),
    st.floats(0, 100),
    st.integers(0, 2**31),
)
def test_arrivals_ascend_and_are_the_seeds(
    arrivals: Arrivals, before: float, rate: float, burstiness: float, ramp: float, seed: int
) -> None:
    settings = LoadSettings(rate=(before, rate), arrivals=arrivals, burstiness=burstiness, ramp=ramp)
    for number in (1, 2):
        found = due(settings, 50, number, seed)
        assert found == sorted(found)
        assert found[0] >= 0
        assert found == due(settings, 50, number, seed)


@pytest.mark.parametrize("rate", [0.5, 40.0])
def test_gaps_have_the_mean_of_the_rate_and_the_spread_of_their_kind(rate: float) -> None:
    spreads = {}
    kinds: list[tuple[Arrivals, float]] = [("constant", 1.0), ("poisson", 1.0), ("gamma", 0.25), ("gamma", 4.0)]
    for arrivals, burstiness in kinds:
        found = due(LoadSettings(rate=rate, arrivals=arrivals, burstiness=burstiness, ramp=0), 20_000)
        gaps = [later - earlier for earlier, later in itertools.pairwise(found)]
        assert fmean(gaps) == pytest.approx(1 / rate, rel=0.05)
        spreads[arrivals, burstiness] = stdev(gaps) * rate
    # The coefficient of variation of a gamma distribution is 1/√shape, and poisson is shape 1.
    assert spreads["constant", 1.0] == pytest.approx(0, abs=1e-9)
    assert spreads["poisson", 1.0] == pytest.approx(1, rel=0.05)
    assert spreads["gamma", 0.25] == pytest.approx(2, rel=0.1)
    assert spreads["gamma", 4.0] == pytest.approx(0.5, rel=0.05)


@given(st.floats(0.1, 1000), st.floats(0.1, 1000), st.floats(0.1, 60))
def test_a_ramp_goes_from_one_rate_to_the_other(before: float, rate: float, ramp: float) -> None:
    found = due(LoadSettings(rate=(before, rate), arrivals="constant", ramp=ramp), 200, number=2)
    within = [moment for moment in found if moment <= ramp]
    if len(within) < len(found):  # the area below a line from one rate to the other
        assert len(within) == pytest.approx(ramp * (before + rate) / 2, abs=1.001)
        after = [later - earlier for earlier, later in itertools.pairwise(found) if earlier > ramp]
        assert after == pytest.approx([1 / rate] * len(after), rel=1e-6)


def test_a_trace_keeps_its_moments_and_its_rows() -> None:
    rows = tuple({"t": text, "who": f"w{text}"} for text in ("103.5", "100", "101"))
    settings = LoadSettings(arrivals="trace")
    step = steps_of(settings, 1)[0]
    assert list(due_times(settings, step, 0, plan(rows))) == [(0.0, 1), (1.0, 2), (3.5, 0)]
    faster = LoadSettings(arrivals="trace", rate=2.0)
    assert [moment for moment, _ in due_times(faster, steps_of(faster, 1)[0], 0, plan(rows))] == [
        0.0,
        pytest.approx(1 / 3.5),
        1.0,
    ]


@pytest.mark.parametrize(
    ("settings", "rows", "words"),
    [
        (LoadSettings(levels=(1,), rate=2.0), (), "levels of requests in flight or a rate, not both"),
        (LoadSettings(rate=()), (), "load.rate is an empty list"),
        (LoadSettings(levels=tuple([1] * 65)), (), "at most 64 levels"),
        (LoadSettings(arrivals="trace"), (), "two rows or more"),
        (LoadSettings(arrivals="trace"), ({"t": "0"}, {"t": "soon"}), "row 2 has none"),
        (LoadSettings(arrivals="trace"), ({"t": "1"}, {"t": "1"}), "at different moments"),
        (LoadSettings(arrivals="trace"), ({"t": "1"}, {"t": "nan"}), "row 2 has none"),
        (LoadSettings(arrivals="trace", levels=(1,)), ({"t": "1"}, {"t": "2"}), "take load.levels out"),
    ],
)
def test_a_load_that_cannot_be_is_refused_in_words(
    settings: LoadSettings, rows: tuple[dict[str, str], ...], words: str
) -> None:
    said = problem(settings, plan(rows))
    assert said is not None
    assert words in said


def test_a_conversation_is_no_load() -> None:
    played = msgspec.structs.replace(plan(), conversation=Conversation(play=True))
    assert "conversation.play = false" in (problem(LoadSettings(), played) or "")


def test_every_target_is_asked_at_every_level_one_after_the_other() -> None:
    steps = steps_of(LoadSettings(levels=(2, 8)), 2)
    assert [(step.lane, step.number, step.level.concurrency, step.before) for step in steps] == [
        (0, 1, 2, 0),
        (0, 2, 8, 2),
        (1, 1, 2, 0),
        (1, 2, 8, 2),
    ]
    assert [step.level.concurrency for step in steps_of(LoadSettings(), 1)] == list(DEFAULT_LEVELS)
    assert problem(LoadSettings(), plan()) is None
    hosts = (Host(name="desk"), Host(name="tokyo", ssh="tokyo"))
    assert problem(LoadSettings(), msgspec.structs.replace(plan(), hosts=hosts)) is None


@given(st.integers(1, 1024), st.integers(0, 1024), st.floats(0, 100))
def test_further_slots_start_evenly_within_the_ramp(level: int, before: int, ramp: float) -> None:
    step = steps_of(LoadSettings(levels=(max(1, before), level)), 1)[1]
    starts = starts_of(step, ramp)
    assert len(starts) == max(0, level - max(1, before))
    assert starts == sorted(starts)
    assert all(0 <= start <= ramp for start in starts)


def test_a_request_is_one_target_and_one_row_and_sent_once() -> None:
    rows = ({"who": "Ada"}, {"who": "Grace"})
    of_request = plan_of(plan(rows, "Hello {{who}}"), 1, 3)
    assert [target.model for target in of_request.targets] == ["b"]
    assert of_request.rows == ({"who": "Grace"},)
    asked = request_of(of_request, 12, "[x]")
    assert (asked.request_id, asked.model, asked.retries.max) == (12, "b", 0)
    assert asked.prompt.user == "[x]\nHello Grace"
    assert request_of(of_request, 12).prompt.user == "Hello Grace"


def test_only_where_it_is_asked_for_every_prompt_is_another() -> None:
    assert buster_of(LoadSettings(), 1, 1) is None
    busted = LoadSettings(bust_cache=True)
    texts = {buster_of(busted, seed, number) for seed in (1, 2) for number in range(50)}
    assert len(texts) == 100
    assert {len(text or "") for text in texts} == {18}


def test_a_level_is_named_as_it_is_asked() -> None:
    labels = [Level(concurrency=4), Level(rate=2.5, arrivals="poisson"), Level(arrivals="trace")]
    assert [level.label for level in labels] == ["4 in flight", "2.5/s poisson", "trace"]
