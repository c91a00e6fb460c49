"""Rules on the prompt cache."""

import msgspec

from advice.made import MS, answer, answers, evidence, measured
from tui.advice.evidence import MeasuredTarget
from tui.advice.rules.prompt_cache import cold_start, long_history, prompt_cache
from tui.advice.suggestion import Basis, NoSuggestion, Suggestion
from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt, Turn
from tui.core.record import RequestRecord
from tui.core.target import Timeouts


def read(tokens: int, prompt: str) -> MeasuredTarget:
    """Six answers to a prompt of so many tokens, at 0.2 ms each."""
    times = (50 + tokens * 0.2 + at / 10 for at in range(6))
    return measured(*(answer(ttft, input_tokens=tokens) for ttft in times), prompt=Prompt(user=prompt))


def test_a_warm_cache_saves_reading_the_prompt() -> None:
    said = prompt_cache(evidence(read(2_000, "Why?"), read(600, "Hi")))
    assert isinstance(said, Suggestion)
    assert abs(said.saving.ns - 400 * MS) < MS
    assert "writing these tokens for 5 minutes costs $0.010, each reading $0.00080, and without a cache $0.0080" in (
        said.price
    )
    assert "1.25 and 0.1 times the input price" in said.price
    assert any(figure.startswith("TTFT is 450 ms; with a warm cache 50.2 ms is predicted") for figure in said.figures)


def test_a_prompt_too_short_is_not_cached() -> None:
    said = prompt_cache(evidence(read(500, "Why?"), read(100, "Hi")))
    assert isinstance(said, NoSuggestion)
    assert "caches 512 tokens or more" in said.reason


def test_where_the_cost_of_reading_is_not_known_it_can_be_tried() -> None:
    said = prompt_cache(evidence(read(2_000, "Why?")))
    assert isinstance(said, NoSuggestion)
    assert said.trial is not None
    assert said.trial.change.parameters == Parameters(cache=True)


def test_a_cache_that_was_measured_needs_no_fit() -> None:
    warm = measured(*answers(ttft=30), parameters=Parameters(max_tokens=500, cache=True))
    said = prompt_cache(evidence(measured(*answers()), warm))
    assert isinstance(said, Suggestion)
    assert said.saving.basis is Basis.MEASURED


def test_a_cache_that_was_not_asked_for_is_told() -> None:
    read = [answer(100 + at, cached_tokens=4_578, input_tokens=1) for at in range(4)]
    warm = [msgspec.structs.replace(one, unasked_cache=True) for one in read]
    said = prompt_cache(evidence(measured(*warm)))
    assert isinstance(said, NoSuggestion)
    assert "4 of 4 answers read up to 4,578 tokens" in said.reason
    assert said.run is not None
    assert "bust_cache" in said.run


def test_a_cache_that_serves_nothing_is_told() -> None:
    said = prompt_cache(evidence(measured(*answers(), parameters=Parameters(cache=True))))
    assert isinstance(said, NoSuggestion)
    assert "nothing was read from it" in said.reason


def test_a_cold_cache_shows_in_the_requests_that_wrote_to_it() -> None:
    cold = [answer(300 + at) for at in range(6)]
    warm = [answer(100 + at, cached_tokens=90, input_tokens=10) for at in range(6)]
    said = cold_start(evidence(measured(*warm, warm_ups=tuple(cold), parameters=Parameters(cache=True))))
    assert isinstance(said, Suggestion)
    assert abs(said.saving.ns - 200 * MS) < 1


def test_one_cold_request_is_no_evidence() -> None:
    warm = [answer(100 + at, cached_tokens=90) for at in range(6)]
    subject = measured(*warm, warm_ups=(answer(300),), parameters=Parameters(cache=True))
    said = cold_start(evidence(subject))
    assert isinstance(said, NoSuggestion)
    assert "TTFT 300 ms and 102 ms" in said.reason
    assert said.run


def test_without_a_cache_nothing_is_cold() -> None:
    assert isinstance(cold_start(evidence(measured(*answers()))), NoSuggestion)


def prompts_of(*tokens: int, cached: int = 0) -> tuple[Observation, ...]:
    """Answers to prompts of these lengths, at 1 ms a token."""
    return tuple(answer(ttft=50 + each, input_tokens=each, cached_tokens=cached) for each in tokens)


def test_where_nobody_knows_what_is_cached_the_saving_is_presumed() -> None:
    earlier = prompts_of(*range(100, 1_100, 50))
    subject = measured(*prompts_of(*[1_000] * 8))
    said = prompt_cache(evidence(subject, models=(), earlier=earlier))
    assert isinstance(said, Suggestion)
    assert said.saving.basis is Basis.PRESUMED
    assert said.saving.interval is not None
    assert said.saving.interval.low == said.saving.rank_ns == 0
    assert said.saving.interval.high > 900 * MS
    known_one = prompt_cache(evidence(subject, earlier=earlier))
    assert isinstance(known_one, Suggestion)
    assert known_one.saving.basis is Basis.DERIVED
    seen = prompt_cache(evidence(subject, models=(), earlier=(*earlier, *prompts_of(20, cached=600))))
    assert isinstance(seen, Suggestion)
    assert seen.saving.basis is Basis.DERIVED


def test_a_prompt_that_no_known_model_caches_is_not_advised_on() -> None:
    said = prompt_cache(
        evidence(measured(*prompts_of(*[375] * 8)), models=(), earlier=prompts_of(*range(100, 1_100, 50)))
    )
    assert isinstance(said, NoSuggestion)
    assert "no known model caches less than 512" in said.reason


def conversation(tokens: int, *turns: Turn, parameters: Parameters | None = None) -> MeasuredTarget:
    """The second turn of a conversation, six times."""
    prompt = Prompt(turns=turns, user="And now?")
    found = read(tokens, "And now?")
    spec = RequestSpec(
        request_id=1,
        target="a",
        model="known",
        endpoint=found.endpoint,
        prompt=prompt,
        parameters=parameters or found.parameters,
        timeouts=Timeouts(),
        turn=2,
    )
    return msgspec.structs.replace(found, prompt=prompt, record=RequestRecord(spec=spec))


SAID = (Turn(role="user", text="x" * 400), Turn(role="assistant", text="y" * 592))


def test_a_history_that_is_sent_again_is_worth_a_thread() -> None:
    said = long_history(evidence(conversation(2_000, *SAID), read(200, "Hi")))
    assert isinstance(said, Suggestion)
    assert abs(said.saving.ns - 0.992 * 400 * MS) < 2 * MS
    assert (said.saving.basis, said.saving.interval and said.saving.interval.low) == (Basis.PRESUMED, 0.0)
    assert said.trial is not None
    assert said.trial.change.parameters == Parameters(thread=True)
    assert "cookbook of 2026-11-02" in said.source.name


def test_where_no_history_is_sent_again_nothing_is_suggested() -> None:
    for subject, reason in (
        (read(2_000, "Hi"), "no conversation is played"),
        (conversation(2_000), "the first turn has no history"),
        (conversation(2_000, *SAID, parameters=Parameters(thread=True)), "a thread keeps the history"),
        (conversation(2_000, *SAID), "the cost of reading it is not known; ~1,984 of the 2,000 tokens"),
    ):
        said = long_history(evidence(subject))
        assert isinstance(said, NoSuggestion)
        assert reason in said.reason
