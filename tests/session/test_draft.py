"""The draft: edits of it reach the next plan, and no plan made before."""

import msgspec
from attached_files import png

from tui.config.known_models import load_models
from tui.core.attachment import attachment_of
from tui.core.checks import AnswerCheck
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Target
from tui.session.draft import Draft, reopened
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


def test_a_stored_plan_brings_no_program_that_was_not_chosen_here() -> None:
    foreign, chosen = AnswerCheck(command=("rm",)), AnswerCheck(command=("mine",))
    checks = (foreign, AnswerCheck(judge="Is it dear?"), AnswerCheck(json=True), chosen)
    stored = msgspec.structs.replace(
        STORED, prompt=Prompt(user="x", checks=checks), variants=(Prompt(checks=checks), Prompt(name="b"))
    )
    own = msgspec.structs.replace(OWN, prompt=Prompt(user="y", checks=(chosen,)))
    plan, _ = reopened(stored, own)
    assert plan.prompt.checks == plan.variants[0].checks == (AnswerCheck(json=True), chosen)


def test_a_file_that_only_a_stored_run_named_is_not_read_at_the_next_start_either() -> None:
    file = attachment_of(png(75, 10), "own.png")
    own = msgspec.structs.replace(PLAN, prompt=Prompt(user="x", attach=("/own.png",)), files={"/own.png": file})
    draft = draft_of(msgspec.structs.replace(own, variants=(), rows=(), row=0))
    stored = msgspec.structs.replace(
        PLAN, variants=(), rows=(), row=0, prompt=Prompt(user="y", attach=("/own.png", "/theirs.png"))
    )
    draft.open(stored, load_models())
    assert draft.book.attached() == [file]
    assert "/theirs.png was not read" in (draft.plan().problem() or "")
    kept = draft.kept(draft.series, (), None)
    assert kept.foreign_files == {"/theirs.png"}
    again = draft_of()
    again.restore(kept, load_models(), {"/own.png": file})
    assert again.kept(again.series, (), None) == kept
    again.book.attach("/theirs.png", {"/theirs.png": file})
    assert again.plan().problem() is None
    assert again.kept(again.series, (), None).foreign_files == frozenset()


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
    assert plan.of_run().lanes == reopened(plan, OWN)[0].of_run().lanes


def test_a_single_variant_needs_no_name() -> None:
    only = Prompt(user="1", name="only")
    stored = msgspec.structs.replace(
        STORED, prompt=only, variants=(only,), targets=(Target(model="a", variant="only"),)
    )
    plan, _ = reopened(stored, OWN)
    assert plan.problem() is None
    assert plan.targets[0].variant is None
