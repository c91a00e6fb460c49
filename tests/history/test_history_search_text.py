"""What of a plan the history is searched for."""

from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt, Turn
from tui.core.target import Endpoint, Target
from tui.history.writing import prompt_text


def test_a_plan_is_found_by_any_text_that_it_asks() -> None:
    first = Prompt(name="a", system="System.", user="{{question}}", turns=(Turn(role="user", text="Hello"),))
    second = Prompt(name="b", user="Short {{question}}", prefill="Because")
    plan = Plan(
        prompt=first,
        parameters=Parameters(),
        targets=(Target(model="m"),),
        endpoints=(Endpoint(name="here", base_url="http://127.0.0.1:1"),),
        default_endpoint="here",
        variants=(first, second),
        rows=({"question": "Why?"}, {"question": "When?"}),
    )
    assert prompt_text(plan) == "System.\nHello\n{{question}}\nWhy?"
    everything = Plan(**{name: getattr(plan, name) for name in plan.__struct_fields__} | {"ask_all": True})
    assert prompt_text(everything.of_run(1)).split("\n") == [
        "System.", "Hello", "{{question}}", "Short {{question}}", "Because", "When?",
    ]  # fmt: skip
