"""Refusals in a form: who would refuse a parameter, and the choices that nobody takes."""

import msgspec
import pytest

from tui.config.known_models import load_models
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.refusals import has_parameter
from tui.core.target import Endpoint, Target
from tui.ui.viewmodel.form_rows import PARAMETER_ROWS, FormRow
from tui.ui.viewmodel.parameter_refusals import ParameterContext, Recipient, RowRefusal, recipients

BY_NAME = {row.name: row for row in PARAMETER_ROWS}
MODELS = {model.id: model for model in load_models()}
HAIKU, SONNET, OPUS, OLDER = (
    "claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-4-5",
)  # fmt: skip


def lanes(*models: str) -> tuple[Recipient, ...]:
    return recipients([Target(model=model) for model in models], MODELS)


def refusal_of(row: FormRow, shared: Parameters, targets: tuple[Recipient, ...]) -> RowRefusal | None:
    return ParameterContext(lambda: targets).refusal(row, shared)


def refused_choices(row: FormRow, targets: tuple[Recipient, ...]) -> frozenset[str]:
    return ParameterContext(lambda: targets).refused_choices(row)


def test_what_no_model_takes_is_refused_before_it_is_set() -> None:
    found = refusal_of(BY_NAME["temperature"], Parameters(), lanes(HAIKU))
    assert found is not None
    assert found.by_all
    assert found.reason == "Claude Haiku 5.5 does not take temperature; only older models do."
    assert refusal_of(BY_NAME["temperature"], Parameters(), lanes(OLDER)) is None
    assert refusal_of(BY_NAME["effort"], Parameters(), lanes(HAIKU)) is None
    assert refusal_of(BY_NAME["effort"], Parameters(), lanes(OLDER)) is not None


def test_what_some_take_names_those_that_do_not() -> None:
    found = refusal_of(BY_NAME["speed"], Parameters(speed="fast"), lanes(OPUS, HAIKU, SONNET))
    assert found is not None
    assert not found.by_all
    assert found.reason == (
        f"Claude Haiku 5.5 has no fast mode ({HAIKU}); Claude Sonnet 5.5 has no fast mode ({SONNET})."
    )


def test_what_is_not_known_is_not_refused() -> None:
    for row in PARAMETER_ROWS:
        assert refusal_of(row, Parameters(temperature=0.5, speed="fast"), lanes("llama-3")) is None
        assert refused_choices(row, lanes("llama-3")) == frozenset()
        assert refused_choices(row, ()) == frozenset()


def test_a_target_that_does_not_take_the_shared_one_does_not_count() -> None:
    own = Target(model=HAIKU, parameters=Parameters(speed="standard"))
    dropped = Target(model=HAIKU, drop=("speed",))
    assert refusal_of(BY_NAME["speed"], Parameters(speed="fast"), recipients([own, dropped], MODELS)) is None


def test_choices_that_every_target_would_be_refused_with() -> None:
    thinking = BY_NAME["thinking"]
    assert refused_choices(thinking, lanes(OPUS)) == {"enabled", "disabled", "between_tools"}
    assert refused_choices(thinking, lanes(OPUS, OLDER)) == {"between_tools"}


def test_what_goes_together_only_with_another_parameter() -> None:
    found = refusal_of(BY_NAME["effort"], Parameters(effort="max", thinking="disabled"), lanes(HAIKU))
    assert found is not None
    assert "effort up to high only" in found.reason


def test_a_target_leaves_a_shared_one_out_or_has_its_own() -> None:
    effort, context = BY_NAME["effort"], ParameterContext(lambda: lanes(HAIKU), Parameters(max_tokens=5, effort="low"))
    assert context.can_be_dropped(effort)
    assert not context.can_be_dropped(BY_NAME["max_tokens"])
    assert not context.can_be_dropped(BY_NAME["thinking"]), "it is not shared"
    assert context.unset(effort) == "shared: low"
    context.dropped = ("effort",)
    assert context.unset(effort) == "left out"


def test_what_cannot_go_together_names_the_target_where_there_may_be_several() -> None:
    enabled = Parameters(max_tokens=5, thinking="enabled")
    assert (ParameterContext(lambda: lanes(HAIKU)).contradiction(enabled) or "").startswith(f"{HAIKU}: thinking")
    own = ParameterContext(lambda: lanes(HAIKU), enabled)
    assert (own.contradiction(Parameters()) or "").startswith("thinking")
    assert own.contradiction(Parameters(thinking="adaptive")) is None


def test_what_an_endpoints_protocol_lacks_is_refused_for_its_targets_alone() -> None:
    there = Endpoint(name="there", base_url="http://127.0.0.1:1/v1", kind="openai")
    here = Endpoint(name="here", base_url="http://127.0.0.1:1")
    targets = (Target(model="m", endpoint="there"), Target(model="n"))
    plan = Plan(
        prompt=Prompt(user="Why?"),
        parameters=Parameters(),
        targets=targets,
        endpoints=(here, there),
        default_endpoint="here",
    )
    found = refusal_of(BY_NAME["cache"], Parameters(), recipients(targets, {}, plan))
    assert found is not None
    assert (found.by_all, "Chat Completions has no cache (m)" in found.reason) == (False, True)
    both = recipients(targets, {}, msgspec.structs.replace(plan, default_endpoint="there"))
    found = refusal_of(BY_NAME["top_k"], Parameters(), both)
    assert found is not None
    assert found.by_all
    assert refusal_of(BY_NAME["top_p"], Parameters(), both) is None


@pytest.mark.parametrize("kind", ["openai", "openai-responses"])
def test_whatever_a_protocol_lacks_is_greyed_before_it_is_set(kind: str) -> None:
    there = (Recipient(target=Target(model="m"), model=None, kind=kind),)
    for name, row in BY_NAME.items():
        found = refusal_of(row, Parameters(), there)
        assert (found is None) is has_parameter(name, kind), name
        assert found is None or (found.by_all and f" has no {name}." in found.reason)
