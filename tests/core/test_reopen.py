"""A stored plan taken up again: its prompts and targets, the person's own endpoints."""

import msgspec

from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.reopen import reopened
from tui.core.target import Endpoint, Target

OWN = Plan(
    prompt=Prompt(user="mine"),
    parameters=Parameters(max_tokens=1),
    targets=(Target(model="own"),),
    endpoints=(Endpoint(name="api", base_url="https://api"), Endpoint(name="gateway", base_url="https://own.example")),
    default_endpoint="api",
)
STORED = Plan(
    prompt=Prompt(system="s", user="stored"),
    parameters=Parameters(max_tokens=7, effort="low"),
    targets=(Target(model="a"), Target(model="b", endpoint="api", parameters=Parameters(temperature=0.5))),
    endpoints=(Endpoint(name="gateway", base_url="https://evil.example"), Endpoint(name="api", base_url="x")),
    default_endpoint="gateway",
)


def test_what_was_asked_comes_back_at_ones_own_endpoints() -> None:
    plan, unknown = reopened(STORED, OWN)
    assert unknown == ()
    assert (plan.prompt, plan.parameters) == (STORED.prompt, STORED.parameters)
    assert plan.targets == (
        Target(model="a", endpoint="gateway"),
        Target(model="b", parameters=Parameters(temperature=0.5)),
    )
    assert plan.endpoint_of(plan.targets[0]).base_url == "https://own.example"
    assert (plan.endpoints, plan.default_endpoint) == (OWN.endpoints, "api")


def test_targets_at_unknown_endpoints_are_left_out() -> None:
    own = msgspec.structs.replace(OWN, endpoints=OWN.endpoints[:1])
    plan, unknown = reopened(STORED, own)
    assert unknown == ("gateway",)
    assert [target.model for target in plan.targets] == ["b"]
    alone = msgspec.structs.replace(STORED, targets=STORED.targets[:1])
    assert reopened(alone, own)[0].targets == own.targets


def test_variants_come_back_as_they_were_before_all_were_asked() -> None:
    one, two = Prompt(user="1", name="one"), Prompt(user="2", name="two")
    written = msgspec.structs.replace(
        STORED, prompt=one, variants=(one, two), targets=(Target(model="a"), Target(model="b", name="B")), ask_all=True
    )
    plan, _ = reopened(written.of_run(), OWN)
    assert plan.ask_all
    assert plan.variants == (one, two)
    assert plan.targets == (Target(model="a", endpoint="gateway"), Target(model="b", name="B", endpoint="gateway"))
    assert plan.of_run().asked == reopened(plan, OWN)[0].of_run().asked


def test_a_single_variant_needs_no_name() -> None:
    only = Prompt(user="1", name="only")
    stored = msgspec.structs.replace(
        STORED, prompt=only, variants=(only,), targets=(Target(model="a", variant="only"),)
    )
    plan, _ = reopened(stored, OWN)
    assert plan.problem() is None
    assert plan.targets[0].variant is None
