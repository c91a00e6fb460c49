"""All rules together: rank, silence, and no suggestion out of noise."""

import math
from random import Random
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.advice.advise import LEVERS, RULES, advise
from tui.advice.rendering import as_json, as_text
from tui.advice.suggestion import Basis, NoSuggestion, Suggestion
from tui.core.figures import Figure
from tui.core.observation import Observation
from tui.core.parameters import PARAMETERS, Parameters
from tui.core.prompt import Prompt

from .made import FAILED, MS, answer, answers, evidence, known, measured


def test_the_largest_saving_comes_first() -> None:
    advice = advise(evidence(measured(*answers(thinking=900, writing=400))))
    assert [one.id.partition(":")[0] for one in advice.suggestions] == ["thinking", "answer length", "effort"]
    # Of presumed ranges the lower ends rank: a tenth of the thinking, a quarter of the writing.
    ranks = [one.saving.rank_ns for one in advice.suggestions]
    assert ranks == sorted(ranks, reverse=True)
    assert [one.saving.basis for one in advice.suggestions] == [Basis.DERIVED, Basis.PRESUMED, Basis.PRESUMED]
    assert advice.conclusion.startswith("Turn thinking off")


def test_what_a_change_does_to_the_pass_rate_is_said_where_answers_tell_it() -> None:
    def judged(count: int) -> tuple[Observation, ...]:
        made = answers(20, thinking=900, writing=400)
        return tuple(msgspec.structs.replace(one, passed=number < count) for number, one in enumerate(made))

    off = measured(*judged(5), parameters=Parameters(max_tokens=500, thinking="disabled"), name="off")
    said = "passed: as it is passes more often: as it is 20 of 20, changed 5 of 20 (exact test, p = "
    subject = measured(*judged(20))
    advice = advise(evidence(subject, off))
    by_rule = {one.id.partition(":")[0]: one for one in (*advice.suggestions, *advice.minor)}
    assert by_rule["thinking"].passes.startswith(said)
    assert by_rule["thinking"].passed == "passed 20 of 20 → 5 of 20"
    assert not by_rule["effort"].passes
    assert said in as_text([advice])
    assert said in str(as_json([advice])["advice"][0]["suggestions"])
    for other in (
        msgspec.structs.replace(off, prompt=Prompt(user="Another?")),
        msgspec.structs.replace(off, endpoint=msgspec.structs.replace(off.endpoint, name="elsewhere")),
        measured(*answers(20, thinking=900), parameters=off.parameters),
    ):
        assert not any(one.passes for one in advise(evidence(subject, other)).suggestions)


def test_every_rule_says_something_of_nothing() -> None:
    for subject in (measured(), measured(FAILED, FAILED)):
        for rule in RULES:
            assert isinstance(rule(evidence(subject)), NoSuggestion)
        assert advise(evidence(subject)).conclusion.startswith("Too few runs")


def test_what_cannot_matter_is_not_suggested() -> None:
    advice = advise(evidence(measured(*answers(ttft=15, thinking=5, writing=20))))
    assert advice.suggestions == ()
    assert [one.id for one in advice.minor]
    assert not any(suggestion.saving.matters for suggestion in advice.minor)
    assert advice.conclusion.endswith("more than 50 ms.")


def test_one_run_gives_estimates_without_intervals() -> None:
    advice = advise(evidence(measured(answer(thinking=900))))
    assert advice.suggestions[0].saving.interval is None
    assert advice.suggestions[0].saving.count == 1


def test_every_suggestion_has_figures_a_price_and_a_source() -> None:
    advice = advise(evidence(measured(*answers(thinking=900, writing=400)), models=(known(fast=True),)))
    for one in advice.suggestions:
        assert one.figures
        assert one.price
        assert one.source.url.startswith("https://")
        assert one.saving.interval is not None


def noisy(random: Random, count: int) -> tuple[Observation, ...]:
    """Answers with noise as of a real service: log-normal, 20 %."""
    times = [math.exp(random.gauss(0, 0.2)) for _ in range(count)]
    return tuple(answer(100 * factor, writing=300 * factor) for factor in times)


def test_equal_arms_are_rarely_taken_for_faster() -> None:
    """Five equal arms: at 95 % any rule may be wrong in one of twenty sets; two rules look at arms here."""
    random = Random(8)
    sets, wrong = 60, {"model": 0, "temperature": 0}
    for _ in range(sets):
        asked = [Parameters(temperature=value) for value in (0.2, 0.5, 0.8)]
        arms = [measured(*noisy(random, 12), parameters=parameters) for parameters in asked]
        others = [measured(*noisy(random, 12), parameters=asked[0], model=name) for name in ("other", "third")]
        said = advise(evidence(arms[0], *arms[1:], *others, models=(known(accepts_temperature=True),)))
        for one in (*said.suggestions, *said.minor):
            if one.saving.basis is Basis.MEASURED:
                wrong[one.id.partition(":")[0]] += 1
    # 5 % of 60 is 3; beyond 7 comes by chance once in a hundred times (binomial), and at a rate of 20 % in 93 of 100.
    assert all(count <= 7 for count in wrong.values()), wrong


def test_a_derived_interval_holds_the_true_part_at_its_rate() -> None:
    random = Random(9)
    held = 0
    for _ in range(100):
        thinking = [math.exp(random.gauss(math.log(300), 0.15)) for _ in range(10)]
        advice = advise(evidence(measured(*(answer(thinking=ms) for ms in thinking))))
        one = next(one for one in advice.suggestions if one.id.startswith("thinking"))
        assert isinstance(one, Suggestion)
        assert one.saving.interval is not None
        held += one.saving.interval.low <= 300e6 <= one.saving.interval.high
    # At a true rate of 85 %, fewer than 90 come in 90 of 100 tests.
    assert held >= 90, "95 % of 100 is 95; fewer than 90 come by chance once in a hundred times (binomial)"


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_raises_on_odd_answers(rule: object) -> None:
    odd = Observation(status=answer().status, ttft_ns=0, total_ns=0, ttfo_ns=None, input_tokens=None)
    assert callable(rule)
    assert isinstance(rule(evidence(measured(odd, *[FAILED] * 2), models=())), NoSuggestion | Suggestion)


@pytest.mark.parametrize("kind", ["openai", "openai-responses"])
def test_nothing_is_proposed_that_the_protocol_cannot_say(
    kind: Literal["openai", "openai-responses"],
) -> None:
    model = known(fast=True, accepts_temperature=True)
    subject = measured(
        *answers(thinking=900, writing=400), parameters=Parameters(max_tokens=500, inference_geo="us", stream=False)
    )
    there = msgspec.structs.replace(
        subject, endpoint=msgspec.structs.replace(subject.endpoint, kind=kind, base_url="http://127.0.0.1:1/v1")
    )
    here, advice = advise(evidence(subject, models=(model,))), advise(evidence(there, models=(model,)))
    said = {one.rule: one.reason for one in advice.no_suggestions}
    title = "Chat Completions" if kind == "openai" else "The Responses API"
    for rule, lever in (("thinking", "thinking"), ("fast mode", "speed"), ("region", "inference_geo")):
        assert said[rule] == f"{title} has no {lever}"
    assert {"thinking", "fast mode"} <= {one.id.partition(":")[0] for one in (*here.suggestions, *here.minor)}
    # What it has is still proposed.
    proposed = {one.id.partition(":")[0] for one in (*advice.suggestions, *advice.minor)}
    assert "effort" in proposed


def test_every_rule_about_a_parameter_says_which() -> None:
    assert LEVERS.keys() <= set(RULES)
    assert set(LEVERS.values()) <= PARAMETERS.keys()
    for rule in RULES:
        long = measured(*answers(thinking=900, writing=400))
        change = getattr(rule(evidence(long, models=(known(fast=True),))), "trial", None)
        if change is not None and change.change.parameters != Parameters():
            assert rule in LEVERS


def test_nothing_saves_more_than_was_measured() -> None:
    # 0.24 ms a token, and a prompt of which all but six tokens come from the cache: its 25 ms are all there is.
    earlier = [answer(ttft=20 + 0.24 * tokens, input_tokens=tokens) for tokens in range(100, 1_100, 50)]
    warm = [answer(ttft=25, writing=5, input_tokens=6, cached_tokens=480) for _ in range(10)]
    advice = advise(
        evidence(measured(*warm, parameters=Parameters(max_tokens=500, cache=True)), earlier=tuple(earlier))
    )
    every = (*advice.suggestions, *advice.minor)
    (shorter,) = [one for one in every if one.id.startswith("prompt length")]
    assert shorter.saving.ns <= 6 * 0.24 * MS * 1.1
    for one in every:
        assert one.saving.ns <= 30 * MS
        assert one.saving.interval is None or one.saving.interval.high <= 30 * MS
    assert advice.suggestions == ()


@given(st.floats(1, 500), st.floats(0, 500), st.integers(1, 2_000), st.integers(0, 2_000), st.floats(0.01, 5))
def test_no_saving_is_more_than_the_time_there_was(
    ttft: float, writing: float, tokens: int, cached: int, per_token: float
) -> None:
    earlier = [answer(ttft=20 + per_token * each, input_tokens=each) for each in range(100, 4_000, 300)]
    subject = measured(
        *[answer(ttft=ttft, writing=writing, input_tokens=tokens, cached_tokens=cached) for _ in range(8)],
        prompt=Prompt(system="Answer in the language of the question that was asked. " * 30, user="Why?"),
    )
    advice = advise(evidence(subject, earlier=tuple(earlier)))
    for one in (*advice.suggestions, *advice.minor):
        whole = (ttft if one.saving.figure is Figure.TTFT else ttft + writing) * MS + 1
        assert one.saving.ns <= whole
        assert one.saving.interval is None or one.saving.interval.high <= whole


def test_answers_in_one_piece_say_nothing_of_what_is_within_them() -> None:
    parameters = Parameters(max_tokens=500, stream=False)
    advice = advise(evidence(measured(*[answer(ttft=300, writing=0) for _ in range(10)], parameters=parameters)))
    silent = {one.rule: one.reason for one in advice.no_suggestions}
    for rule in ("answer length", "thinking", "effort"):
        assert "come in one piece" in silent[rule]
    assert advice.suggestions == advice.minor == ()
    assert advice.where is None
    assert advice.conclusion.startswith("Not known yet: answers come in one piece")


def test_thinking_that_was_not_seen_is_not_denied() -> None:
    hidden = [msgspec.structs.replace(answer(ttft=900), thinking_tokens=40) for _ in range(10)]
    silent = {one.rule: one for one in advise(evidence(measured(*hidden))).no_suggestions}
    for rule in ("thinking", "effort"):
        assert "its time is not known" in silent[rule].reason
        assert silent[rule].run


def test_what_no_rule_could_estimate_is_not_denied() -> None:
    waiting = evidence(measured(*answers(ttft=900, writing=5)))
    advice = advise(waiting)
    assert advice.suggestions == ()
    assert advice.conclusion.startswith("Not known yet: most of the time is waiting, 900 ms; ")
    assert "sweep" in advice.conclusion
    # Once a token's cost is known, and it is small, nothing would help.
    earlier = [answer(ttft=900 + 0.001 * tokens, writing=5, input_tokens=tokens) for tokens in range(100, 4_000, 200)]
    told = advise(evidence(measured(*answers(ttft=900, writing=5)), earlier=tuple(earlier)))
    assert told.conclusion.startswith("Nothing that could be estimated")
