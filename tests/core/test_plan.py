"""A plan and the requests of one run."""

import pytest

from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Target

API = Endpoint(name="api", base_url="https://api.example", api_key_env="KEY")
NEAR = Endpoint(name="near", base_url="http://127.0.0.1:1", simulated=True)


def _plan(*targets: Target) -> Plan:
    return Plan(
        prompt=Prompt(system="s", user="u"),
        parameters=Parameters(max_tokens=100, temperature=0.5),
        targets=targets,
        endpoints=(API, NEAR),
        default_endpoint="api",
    )


def test_endpoint_is_the_targets_own_or_the_default() -> None:
    plan = _plan(Target(model="a"), Target(model="b", endpoint="near"))
    assert [plan.endpoint_of(target) for target in plan.targets] == [API, NEAR]


def test_unknown_endpoint() -> None:
    with pytest.raises(KeyError, match="gone"):
        _plan().endpoint_of(Target(model="a", endpoint="gone"))


def test_requests_are_complete_and_in_the_targets_order() -> None:
    plan = _plan(Target(model="a"), Target(model="b", name="B", endpoint="near", parameters=Parameters(max_tokens=5)))
    first, second = plan.requests(7)
    assert (first.request_id, first.target, first.model, first.endpoint) == (7, "a", "a", API)
    assert (second.request_id, second.target, second.model, second.endpoint) == (8, "B", "b", NEAR)
    assert first.parameters == plan.parameters
    assert second.parameters == Parameters(max_tokens=5, temperature=0.5)
    assert all((spec.prompt, spec.timeouts) == (plan.prompt, plan.timeouts) for spec in (first, second))


def test_no_targets_no_requests() -> None:
    assert _plan().requests(1) == ()
