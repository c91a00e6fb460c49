"""The application inherits nothing of ours, and two of them in one process share nothing."""

from tui.config.known_models import load_models
from tui.config.schema import KeySettings, UiSettings
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Target
from tui.session.draft import Draft
from tui.session.session import Session
from tui.session.target_choice import TargetChoice
from tui.ui.app import LatencyApp
from tui.ui.keymap import keymap_of


def test_the_application_inherits_nothing_of_ours() -> None:
    assert [base for base in LatencyApp.__mro__[1:] if base.__module__.startswith("tui.")] == []


def app_with(**actions: tuple[str, ...]) -> LatencyApp:
    endpoint = Endpoint(name="simulator", base_url="http://127.0.0.1:1", simulated=True)
    plan = Plan(
        prompt=Prompt(user="Why?"),
        parameters=Parameters(max_tokens=20),
        targets=(Target(model="sim-fast"),),
        endpoints=(endpoint,),
        default_endpoint="simulator",
    )
    draft = Draft(plan, TargetChoice.among(load_models(), plan.targets))
    keymap = keymap_of(KeySettings(actions=actions), "test")
    return LatencyApp(Session(None), draft, UiSettings(), load_models(), keymap=keymap)


def test_two_applications_do_not_share_keys() -> None:
    mine, yours = app_with(run=("f12",)), app_with(run=("f11",))
    assert [app.context.keys("run") for app in (mine, yours, app_with())] == ["F12", "F11", "F5"]
    assert ["f12" in app._bindings.key_to_bindings for app in (mine, yours)] == [True, False]
