"""A plan and the requests of one run."""

import msgspec
import pytest
from msgspec.structs import replace

from tui.core.host import Host
from tui.core.parameters import Parameters
from tui.core.plan import Budget, Plan
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


def _variants(**changes: object) -> Plan:
    prompts = (Prompt(user="Long: {{a}}", name="long"), Prompt(user="{{a}} {{b}}", name="short"))
    plan = _plan(Target(model="x"), Target(model="y", name="Y", endpoint="near"))
    return replace(
        plan, prompt=prompts[0], variants=prompts, rows=({"a": "1", "b": "2"}, {"a": "3", "b": "4"}), **changes
    )


def test_one_variant_is_asked_with_the_row_in_use() -> None:
    assert [spec.prompt.user for spec in _variants().requests(1)] == ["Long: 1", "Long: 1"]
    assert [spec.prompt.user for spec in _variants(row=1).requests(1)] == ["Long: 3", "Long: 3"]
    assert [spec.prompt.user for spec in _variants(row=2).requests(1)] == ["Long: 1", "Long: 1"], "from the start again"


def test_all_variants_are_a_lane_per_target_and_variant() -> None:
    plan = _variants(ask_all=True)
    specs = plan.requests(5)
    assert [(spec.request_id, spec.target, spec.model, spec.prompt.user, spec.prompt.name) for spec in specs] == [
        (5, "x · long", "x", "Long: 1", "long"),
        (6, "x · short", "x", "1 2", "short"),
        (7, "Y · long", "y", "Long: 1", "long"),
        (8, "Y · short", "y", "1 2", "short"),
    ]
    assert [spec.endpoint for spec in specs] == [API, API, NEAR, NEAR]


@pytest.mark.parametrize("ask_all", [True, False])
@pytest.mark.parametrize("row", [None, 0, 1, 5])
def test_what_a_run_asks_is_kept_and_no_more(ask_all: bool, row: int | None) -> None:
    plan = _variants(ask_all=ask_all)
    run = plan.of_run(row)
    assert run.requests(1) == replace(plan, row=row or 0).requests(1)
    assert len(run.rows) == 1
    assert bool(run.variants) == ask_all
    assert run.of_run() == run


def test_an_undefined_variable_is_found_before_anything_is_sent() -> None:
    plan = replace(_variants(), rows=({"a": "1"},))
    assert plan.undefined() is None
    everything = replace(plan, ask_all=True)
    assert everything.undefined() == "b"
    with pytest.raises(KeyError, match="b"):
        everything.requests(1)


def test_unknown_variant() -> None:
    with pytest.raises(KeyError, match="gone"):
        _variants().prompt_of(Target(model="a", variant="gone"))


def test_the_budget_of_an_older_plan_is_read() -> None:
    budget = msgspec.json.decode(b'{"sitting_usd": 2, "plan_usd": 1}', type=Budget)
    assert budget == Budget(session_usd=2, plan_usd=1)
    assert msgspec.json.encode(budget) == b'{"session_usd":2.0,"plan_usd":1.0}'


def test_every_lane_is_asked_from_every_host_and_the_plan_of_a_run_stays_as_it_is() -> None:
    plan = replace(_variants(ask_all=True), hosts=(Host(name="desk"), Host(name="tokyo", ssh="tokyo", proxy="")))
    labels = [target.label for target in plan.lanes]
    assert len(labels) == len(set(labels)) == 8
    assert labels[:3] == ["x · long · desk", "x · long · tokyo", "x · short · desk"]
    run = plan.of_run()
    assert run.lanes == run.targets == plan.lanes
    requests = run.requests(1)
    assert [spec.host for spec in requests] == ["desk", "tokyo"] * 4
    assert {spec.endpoint.proxy for spec in requests if spec.host == "tokyo"} == {""}
    assert {target.single.label for target in plan.lanes} == {"x", "Y"}
    assert {target.single.host for target in plan.lanes} == {None}


def test_too_many_lanes_are_counted_with_their_hosts() -> None:
    plan = replace(
        _plan(*[Target(model="a", name=str(at)) for at in range(100)]), hosts=(Host(name="a"), Host(name="b"))
    )
    assert plan.problem() is None
    problem = replace(plan, hosts=(*plan.hosts, Host(name="c"))).problem()
    assert problem is not None
    assert "100 targets with 1 variants from 3 hosts" in problem
