"""The draft: edits of it reach the next plan, and no plan made before."""

import msgspec

from tui.config.known_models import load_models
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Target
from tui.session.draft import Draft
from tui.session.target_choice import TargetChoice

HERE = Endpoint(name="here", base_url="http://127.0.0.1:1")
LONG, SHORT = Prompt(user="Tell of {{a}}.", name="long"), Prompt(user="{{a}}?", name="short")
PLAN = Plan(
    prompt=SHORT,
    variants=(LONG, SHORT),
    rows=({"a": "one"}, {"a": "two"}),
    row=1,
    parameters=Parameters(max_tokens=9, effort="low"),
    targets=(Target(model="claude-haiku-5-5"), Target(model="claude-opus-5-5", parameters=Parameters(max_tokens=4))),
    endpoints=(HERE,),
    default_endpoint="here",
)


def draft_of(plan: Plan = PLAN) -> Draft:
    return Draft(plan, TargetChoice.among(load_models(), plan.targets))


def test_untouched_it_makes_the_plan_it_began_with() -> None:
    assert draft_of().plan() == PLAN


def test_every_edit_reaches_the_next_plan_and_none_made_before() -> None:
    draft = draft_of()
    before = draft.plan()
    kept = msgspec.json.encode(before)
    draft.book.edit(user="{{a}}!")
    draft.book.set_value(1, "a", "three")
    draft.book.use_row(0)
    draft.parameters = Parameters(max_tokens=5)
    draft.targets.toggle(0)
    draft.ask_all = True
    after = draft.plan()
    assert after.prompt.user == "{{a}}!"
    assert after.variants == (LONG, after.prompt)
    assert (after.rows, after.row) == (({"a": "one"}, {"a": "three"}), 0)
    assert after.parameters == Parameters(max_tokens=5)
    assert after.targets == PLAN.targets[1:]
    assert after.ask_all
    assert msgspec.json.encode(before) == kept


def test_an_added_endpoint_can_be_asked() -> None:
    draft = draft_of()
    draft.targets.replace(0, Target(model="sim-fast", endpoint="simulator"))
    assert draft.plan().missing_endpoint() == "simulator"
    assert "simulator" in (draft.plan().problem() or "")
    draft.add_endpoint(Endpoint(name="simulator", base_url="http://127.0.0.1:2", simulated=True))
    assert draft.plan().missing_endpoint() is None
    assert draft.plan().simulated


def test_a_stored_plan_is_taken_up_where_its_endpoints_are() -> None:
    draft = draft_of(msgspec.structs.replace(PLAN, variants=(), rows=(), row=0))
    elsewhere = Target(model="claude-sonnet-5-5", endpoint="elsewhere")
    stored = msgspec.structs.replace(
        PLAN,
        targets=(PLAN.targets[0], elsewhere),
        endpoints=(msgspec.structs.replace(HERE, base_url="http://evil:1"), Endpoint(name="elsewhere", base_url="x")),
        parameters=Parameters(max_tokens=77),
    )
    assert draft.open(stored, load_models()) == ("elsewhere",)
    plan = draft.plan()
    assert plan.targets == PLAN.targets[:1]
    assert plan.endpoints == (HERE,)
    assert (plan.variants, plan.rows, plan.parameters.max_tokens) == (PLAN.variants, PLAN.rows, 77)
