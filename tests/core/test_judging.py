"""Judging by a model: its request, what its answer says, and that no answer can leave its place in the question."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config.known_models import load_models
from tui.core.checks import AnswerCheck
from tui.core.events import Answered, Failure, FailureKind, Usage
from tui.core.judging import (
    MOST_THINKING_TOKENS,
    MOST_TOKENS,
    SCHEMA,
    JudgedText,
    finding_of,
    in_words,
    judge_request,
    judged_at_most,
    target_of,
    verdict_in,
)
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.refusals import refusals
from tui.core.target import Endpoint, Target

pytestmark = pytest.mark.unit

MODELS = {model.id: model for model in load_models()}
CHECK = AnswerCheck(judge="Is it polite?")
KINDS = {"messages": "anthropic", "chat": "openai", "responses": "openai-responses"}


def plan_of(*targets: Target, check: AnswerCheck = CHECK) -> Plan:
    return Plan(
        prompt=Prompt(user="x", checks=(check,)),
        parameters=Parameters(max_tokens=100),
        targets=targets or (Target(model="a"), Target(model="b", name="B", endpoint="chat")),
        endpoints=tuple(Endpoint(name=name, base_url=f"http://{name}", kind=kind) for name, kind in KINDS.items()),  # type: ignore[arg-type]
        default_endpoint="messages",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yes", True),
        (' "Yes." \n', True),
        ("**NO**", False),
        ('{"verdict": "yes"}', True),
        ('{"verdict":"no"}', False),
        ('"no"', False),
        ("", None),
        ("Yes, because it is polite", None),
        ("yes no", None),
        ("yes\nno", None),
        ('{"verdict": "yes", "why": "x"}', None),
        ('{"verdict": true}', None),
        ('{"verdict": ["yes"]}', None),
        ('[{"verdict": "yes"}]', None),
        ('{"verdict": {"verdict": "yes"}}', None),
        ("true", None),
        ("yes\0", None),
        ("y\u0435s", None),  # Cyrillic
        ("[" * 100_000, None),
    ],
)
def test_only_yes_and_no_are_verdicts(text: str, said: bool | None) -> None:
    assert verdict_in(text) is said


_WORDS = st.sampled_from(["yes", "no", "Yes.", '"', "{", "}", '"verdict"', ":", " ", "\n", "\0", "é", "\U0001f600"])


@given(st.one_of(st.text(), st.lists(_WORDS).map("".join), st.recursive(st.text(), st.lists).map(str)))
def test_whatever_a_judge_says_is_yes_or_no_or_nothing(text: str) -> None:
    said = verdict_in(text)
    assert said in (True, False, None)
    if said is not None:
        # Only one word was said, and it is that one.
        letters = "".join(each for each in text.lower().replace("verdict", "") if each.isalpha())
        assert letters == ("yes" if said else "no")
    found = finding_of(CHECK, judge_request(CHECK, "x", plan_of(), {}, 1), Answered(ask_id=-1, text=text))
    assert (found.kind, found.passed) == ("judge", said)
    assert len(found.reason) < 150


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_an_answer_stays_in_its_place_of_the_question(question: str, answer: str) -> None:
    asked = judge_request(AnswerCheck(judge=question), answer, plan_of(), {}, 1).prompt
    assert msgspec.json.decode(asked.user, type=JudgedText) == JudgedText(question=question, answer=answer)
    assert answer not in asked.system or len(answer) < 60


def test_the_target_that_judges_is_named_or_the_first() -> None:
    plan = plan_of()
    asked = [target_of(AnswerCheck(judge="x", judge_target=name), plan) for name in (None, "a", "B", "b", "c")]
    assert [(each.model, plan.endpoint_of(each).name) for each in asked] == [
        ("a", "messages"),
        ("a", "messages"),
        ("b", "chat"),
        ("b", "chat"),
        ("c", "messages"),
    ]
    variants = (Prompt(user="1", name="one"), Prompt(user="2", name="two"))
    run = msgspec.structs.replace(plan, variants=variants, ask_all=True).of_run()
    assert target_of(AnswerCheck(judge="x", judge_target="B"), run).model == "b"


@pytest.mark.parametrize("endpoint", KINDS)
def test_every_protocol_is_asked_for_the_schema_in_one_piece(endpoint: str) -> None:
    spec = judge_request(CHECK, "x", plan_of(Target(model="a", endpoint=endpoint)), MODELS, 7)
    assert spec.request_id == -7
    assert spec.retries.max == 0
    assert spec.parameters.stream is False
    assert str(SCHEMA)[1:-1] in str(spec.parameters.extra)
    assert in_words(spec).parameters.extra is None
    assert not refusals(spec.parameters, None, spec.endpoint.kind)


def test_no_known_model_refuses_the_judges_parameters() -> None:
    caps = {}
    for model in MODELS.values():
        for endpoint in KINDS:
            target = Target(model=model.id, endpoint=endpoint)
            parameters = judge_request(CHECK, "x", plan_of(target), MODELS, 1).parameters
            assert not refusals(parameters, model, KINDS[endpoint]), (model.id, endpoint)
            caps[model.id, endpoint] = parameters.max_tokens
    assert caps["claude-haiku-5-5", "messages"] == caps["claude-sonnet-5-5", "messages"] == MOST_TOKENS
    # One that always thinks has room for that, and one of which nothing can be said.
    assert caps["claude-opus-5-5", "messages"] == caps["claude-haiku-5-5", "chat"] == MOST_THINKING_TOKENS


def test_the_most_that_judges_are_asked_grows_with_answers_and_checks() -> None:
    two = plan_of(check=AnswerCheck(judge="x", judge_target="B"))
    prompt = msgspec.structs.replace(two.prompt, checks=(*two.prompt.checks, CHECK, AnswerCheck(json=True)))
    plan = msgspec.structs.replace(two, prompt=prompt)
    asked = judged_at_most(plan, plan.requests(1), MODELS)
    assert [spec.model for spec in asked] == ["b", "a", "b", "a"]
    assert [sum(turn.awaited_tokens for turn in spec.prompt.turns) for spec in asked] == [200] * 4
    (first, *_) = judged_at_most(plan, plan.requests(1), MODELS, 30)
    assert sum(turn.awaited_tokens for turn in first.prompt.turns) == 30


def test_a_judge_that_did_not_answer_judges_nothing_and_says_why() -> None:
    spec = judge_request(CHECK, "x", plan_of(), {}, 1)
    failure = Failure(kind=FailureKind.RATE_LIMITED, message="Too many requests (429).")
    usage = Usage(input_tokens=5, output_tokens=1, cache_read_input_tokens=2)
    found = finding_of(CHECK, spec, Answered(ask_id=-1, text="yes", usage=usage, failure=failure))
    assert (found.passed, found.reason) == (None, "the judge did not answer: Too many requests (429)")
    assert (found.model, found.input_tokens, found.output_tokens) == ("a", 7, 1)
    told = finding_of(CHECK, spec, Answered(ask_id=-1, text="no"))
    assert (told.passed, told.reason) == (False, "a says no: Is it polite?")
