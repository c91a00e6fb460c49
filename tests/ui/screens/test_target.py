"""Editing targets and parameters: as a new user does it, by keys alone and by the mouse alone."""

from functools import partial
from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input, OptionList

from tui.config.presets import at_named_endpoint
from tui.config.remembered import TargetList, load_targets, save_targets
from tui.core.parameters import Parameters
from tui.core.record import State
from tui.core.target import Endpoint, Target
from tui.simulator.process import SimulatorProcess
from tui.ui.screens.settings import ParametersScreen
from tui.ui.screens.target import TargetScreen
from tui.ui.widgets.choice_line import ChoiceLine

from .conftest import OpenApp
from .driving import SMALL, WIDE, AppDriver, app_driver_of, fast, keys_of, plan_of
from .engine import SharedEngine
from .test_main_targets import labels, lanes_are, listed

HAIKU, OPUS = Target(model="claude-haiku-5-5"), Target(model="claude-opus-5-5")
OLDER = Target(model="claude-haiku-4-5")
EDIT, DUPLICATE = keys_of("edit_target")[0], keys_of("duplicate_target")[0]
PARAMETERS, DROP = keys_of("edit_parameters")[0], keys_of("drop_parameter")[0]


def chosen(s: AppDriver) -> tuple[Target, ...]:
    return s.app.draft.targets.chosen


def sent(s: AppDriver, lane: int) -> Parameters:
    record = s.lanes[lane].record
    assert record is not None
    return record.spec.parameters


async def click_word(s: AppDriver, word: str, offset: int = 1) -> None:
    """Click where `word` stands on the screen, so many cells into it."""
    await s.until_shown(word)
    row = next(row for row, line in enumerate(s.shown.splitlines()) if word in line)
    column = s.shown.splitlines()[row].index(word)
    assert await s.pilot.click(offset=(column + offset, row))


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
async def test_two_lanes_of_one_model_by_keys_alone(open_app: OpenApp, size: tuple[int, int]) -> None:
    """What a new user wants first: duplicate the lane, change one parameter, run."""
    async with open_app((HAIKU,), size=size, max_tokens=20) as s:
        form = s.app.main.parameters_form
        form.show(msgspec.structs.replace(form.parameters, stop_sequences=()))  # as the built-in configuration has it
        await s.press(DUPLICATE, "down", "right", "enter", "f5")
        await lanes_are(s, "claude-haiku-5-5", "claude-haiku-5-5, effort low")
        await s.run_over()
        assert [sent(s, lane).effort for lane in (0, 1)] == [None, "low"]
        assert all(state in (State.DONE, State.TRUNCATED) for state in s.states)


async def test_two_lanes_of_one_model_by_the_mouse_alone(open_app: OpenApp) -> None:
    async with open_app((HAIKU,), max_tokens=20) as s:
        await click_word(s, "[x] claude-haiku-5-5", 5)
        assert chosen(s) == (HAIKU,), "a click on a chosen one's name only takes the cursor there"
        await click_word(s, "D duplicate", 3)
        await click_word(s, " low ")
        await click_word(s, "Done (Enter)")
        await lanes_are(s, "claude-haiku-5-5", "claude-haiku-5-5, effort low")
        await click_word(s, "F5 Run")
        await s.until(lambda: s.live.runs == 1)
        await s.run_over()
        assert [sent(s, lane).effort for lane in (0, 1)] == [None, "low"]


async def test_a_lane_says_only_what_differs(open_app: OpenApp) -> None:
    async with open_app((HAIKU, Target(model=OPUS.model, parameters=Parameters(effort="low", cache="5m")))) as s:
        await s.until_shown("effort low · cache 5m")
        assert s.views[0].query_one(".state").size.height == 1
        await s.press(PARAMETERS)
        s.app.screen.query_one("#effort", ChoiceLine).choose("low")
        await s.press("enter")
        await s.until(lambda: "effort low · cache 5m" not in s.shown)
        assert "cache 5m" in s.shown, "what is shared now is no difference any more"


async def test_an_edited_target_keeps_its_lane_and_history(open_app: OpenApp) -> None:
    async with open_app((HAIKU, OPUS), max_tokens=20) as s:
        await s.run()
        text = s.views[1].stream.text
        await s.press("f6", "f6", EDIT, "down", "right", "enter")
        await s.until_shown("effort low")
        assert s.views[1].stream.text == text
        assert [len(lane.outcomes) for lane in s.lanes] == [1, 1]
        await s.run()
        assert len(s.lanes[1].outcomes) == 2
        assert len(s.lanes[1].current) == 1, "what was measured before was another thing"
        assert chosen(s)[1].parameters == Parameters(effort="low")


async def test_escape_changes_nothing(open_app: OpenApp) -> None:
    async with open_app((HAIKU,)) as s:
        for key in (EDIT, DUPLICATE):
            await s.press(key, "down", "right", "escape")
            assert s.on_main
            assert chosen(s) == (HAIKU,)
        await s.press(PARAMETERS, "down", "right", "escape")
        assert s.app.main.parameters_form.parameters.effort is None


async def test_another_model_is_searched_and_makes_a_new_lane(open_app: OpenApp) -> None:
    async with open_app((HAIKU,)) as s:
        await s.press(EDIT)
        await s.type_into("#model", "opus 5.5")
        await s.until_shown("claude-opus-5-5  Claude Opus 5.5")
        await s.press("enter")
        assert s.app.screen.query_one("#model", Input).value == "claude-opus-5-5"
        await s.press("enter")
        await lanes_are(s, "claude-opus-5-5")


async def test_one_of_several_models_is_picked_from_the_list(open_app: OpenApp) -> None:
    async with open_app((fast(1)[0],)) as s:
        await s.press(EDIT)
        await s.type_into("#model", "opus")
        await s.press("enter")
        assert s.app.focused is s.app.screen.query_one("#models", OptionList)
        await s.press("down", "enter", "enter")
        assert s.on_main
        assert chosen(s)[0].model == "claude-opus-5"


async def test_what_cannot_be_asked_is_said_and_stays(open_app: OpenApp) -> None:
    async with open_app((HAIKU,)) as s:
        await s.press(EDIT)
        await s.type_into("#model", "two words")
        await s.press("enter")
        assert s.notices == ["A model's id has no spaces or control characters."]
        await s.type_into("#model", "m")
        await s.type_into("#temperature", "hot")
        await s.press("enter")
        assert isinstance(s.app.screen, TargetScreen)
        await s.until_shown('temperature must be a number from 0 to 2, but is "hot".')
        await s.press("home", "shift+end", "delete")
        s.app.screen.query_one("#thinking", ChoiceLine).choose("enabled")
        await s.press("enter")
        await s.until_shown('thinking = "enabled" needs a thinking_budget.')


async def test_renamed_moved_and_removed_from_the_list(open_app: OpenApp) -> None:
    async with open_app((HAIKU, OPUS, OLDER)) as s:
        await s.focus("#target-list")
        await s.press("home", "r", *"quick", "enter")
        await lanes_are(s, "quick", "claude-opus-5-5", "claude-haiku-4-5")
        await s.press("plus")
        await lanes_are(s, "claude-opus-5-5", "quick", "claude-haiku-4-5")
        await s.press("shift+up", "shift+down", "shift+down")
        await lanes_are(s, "claude-opus-5-5", "claude-haiku-4-5", "quick")
        await s.press("delete")
        await lanes_are(s, "claude-opus-5-5", "claude-haiku-4-5")
        assert "[x] quick" not in listed(s)
        await s.press("home", "delete", "home", "delete")
        assert s.notices == ["At least one target stays chosen; choose another before removing this one."]


async def test_the_keys_of_the_list_are_said_while_it_has_the_focus(open_app: OpenApp) -> None:
    async with open_app((HAIKU,)) as s:
        assert "Del remove" not in s.shown
        await s.focus("#target-list")
        await s.until_shown("Del remove")
        await s.focus("#user")
        await s.until(lambda: "Del remove" not in s.shown)


async def test_a_click_on_the_mark_takes_the_choice_back(open_app: OpenApp) -> None:
    async with open_app((HAIKU, OPUS)) as s:
        await s.pilot.click("#target-list", offset=(0, 1))
        await lanes_are(s, "claude-haiku-5-5")
        await s.pilot.click("#target-list", offset=(5, 1))
        await lanes_are(s, "claude-haiku-5-5", "claude-opus-5-5")


async def test_everything_is_remembered(open_app: OpenApp, sealed: Path) -> None:
    async with open_app((HAIKU, OPUS)) as s:
        await s.press(DUPLICATE, "down", "right", "enter")
        await s.focus("#target-list")
        await s.press("home", "enter", "plus")
        await lanes_are(s, "claude-haiku-5-5", "claude-opus-5-5")
    low = Target(model=HAIKU.model, parameters=Parameters(effort="low"))
    assert load_targets() == TargetList(targets=(low, HAIKU, OPUS), disabled=frozenset({1}))


async def test_a_list_that_a_plan_names_leaves_the_remembered_one(open_app: OpenApp, sealed: Path) -> None:
    save_targets((OLDER,))
    async with open_app((HAIKU, OPUS), remembers_targets=False) as s:
        await s.press(DUPLICATE, "down", "right", "enter")
        await s.until(lambda: labels(s)[1:] == ["claude-haiku-5-5, effort low", "claude-opus-5-5"])
    assert load_targets() == TargetList(targets=(OLDER,))


async def test_a_shared_parameter_is_left_out_of_one_lane(open_app: OpenApp) -> None:
    async with open_app((HAIKU, OPUS), max_tokens=20) as s:
        s.app.main.query_one("#effort", ChoiceLine).choose("low")
        await s.press("f6", "f6", EDIT)
        await s.until_shown("shared: low")
        await s.press("down", "down", "up")
        assert s.app.focused is s.app.screen.query_one("#effort"), "rows have one step each, whatever else they hold"
        assert await s.pilot.click("#drop-effort")
        await s.until_shown("left out")
        await s.press("enter")
        assert chosen(s)[1].drop == ("effort",)
        await s.until_shown("no effort")
        await s.run()
        assert [sent(s, lane).effort for lane in (0, 1)] == ["low", None]


async def test_what_is_left_out_has_no_value_of_its_own(open_app: OpenApp) -> None:
    async with open_app((HAIKU, OPUS)) as s:
        s.app.main.query_one("#effort", ChoiceLine).choose("low")
        await s.press("f6", "f6", EDIT)
        await s.until_shown("▐ ▌ leave out")
        effort = s.app.screen.query_one("#effort", ChoiceLine)
        await s.press("down", "right")
        assert effort.value
        assert await s.pilot.click("#drop-effort")
        await s.until_shown("▐X▌ leave out")
        assert effort.value == "", "it would have been sent"
        await s.focus("#effort")
        await s.press("right")
        await s.until_shown("▐ ▌ leave out")
        await s.press("enter")
        assert (chosen(s)[1].drop, chosen(s)[1].parameters.effort) == ((), "low")


async def test_what_a_model_refuses_is_said_before_it_is_sent_and_dropped(open_app: OpenApp) -> None:
    async with open_app((OLDER, OPUS), max_tokens=20) as s:
        await s.press(PARAMETERS)
        await s.type_into("#temperature", "0.5")
        await s.until_shown("Claude Opus 5.5 does not take temperature")
        await s.press("enter")
        await s.until_shown("API 2023-06-01")
        assert "leaves out temperature" in " ".join(s.views[1]._lines[1].split())
        assert not s.views[0].has_class("-noted")
        await s.press("f6", "f6", DROP)
        await s.until_shown("no temperature")
        assert chosen(s)[1].drop == ("temperature",)
        await s.run()
        assert [sent(s, lane).temperature for lane in (0, 1)] == [0.5, None]
        assert s.states[1] in (State.DONE, State.TRUNCATED)


async def test_what_the_api_refused_stands_in_the_lane_and_one_key_drops_it(open_app: OpenApp) -> None:
    """The simulator knows what it takes; here nothing is known of the model."""
    async with open_app((Target(model="sim-fast"), HAIKU), max_tokens=20) as s:
        s.app.context.models = ()
        s.app.main.query_one("#thinking", ChoiceLine).choose("between_tools")
        await s.run()
        assert s.states[1:] == [State.FAILED]
        note = s.views[1]._lines[1]
        assert '"thinking.type.between_tools" is not supported for this model' in note
        assert note.endswith("Alt+K leaves out thinking.")
        await s.press("f6", "f6", DROP)
        await s.until(lambda: "leaves out" not in s.views[1]._lines[1])
        await s.run()
        assert s.states[1] in (State.DONE, State.TRUNCATED)
        assert sent(s, 1).thinking is None


async def test_where_nothing_is_refused_there_is_nothing_to_drop(open_app: OpenApp) -> None:
    async with open_app((HAIKU,)) as s:
        await s.press(DROP)
        assert s.notices == ["As far as is known, this lane's model refuses nothing. Alt+T edits its parameters."]


async def test_the_parameters_that_are_set_stand_in_the_pane(open_app: OpenApp) -> None:
    async with open_app((HAIKU,), max_tokens=20) as s:
        await s.press(PARAMETERS)
        assert isinstance(s.app.screen, ParametersScreen)
        await s.type_into("#max-tokens", "30")
        await s.type_into("#top-k", "4")
        s.app.screen.query_one("#cache", ChoiceLine).choose("5m")
        await s.press("enter")
        await s.until_shown("more (Alt+E) · cache 5m")
        assert s.app.main.query_one("#max-tokens", Input).value == "30"
        assert s.app.main.parameters_form.read() == Parameters(max_tokens=30, cache="5m", top_k=4)


async def test_a_target_is_moved_to_another_endpoint(open_app: OpenApp) -> None:
    async with open_app((HAIKU,)) as s:
        s.app.draft.add_endpoint(msgspec.structs.replace(s.app.draft.endpoints[0], name="other"))
        await s.press(EDIT, "up", "up", "right", "enter")
        assert chosen(s) == (Target(model=HAIKU.model, endpoint="other"),)
        await s.until_shown("@other")
        await s.press("f5")
        await s.until(lambda: s.lanes[0].record is not None and s.lanes[0].record.spec.endpoint.name == "other")
        await s.run_over()


async def test_the_simulator_is_started_for_the_first_target_that_asks_it(
    shared_engine: SharedEngine, simulator: SimulatorProcess
) -> None:
    plan = plan_of((HAIKU,), simulator.base_url, "Why?", 20)
    server = Endpoint(name="server", base_url=simulator.base_url)
    plan = msgspec.structs.replace(plan, endpoints=(server,), default_endpoint="server")
    with shared_engine.lend() as engine:
        async with app_driver_of(engine, plan) as s:
            assert "SIMULATED" not in s.shown
            await s.press(EDIT, "up", "up", "right", "enter")
            await s.until_shown("SIMULATED")
            await s.run()
            assert s.states[0] in (State.DONE, State.TRUNCATED)


async def test_the_simulator_is_started_for_a_model_at_the_default_endpoint_when_that_is_it(
    shared_engine: SharedEngine, simulator: SimulatorProcess
) -> None:
    named = msgspec.structs.replace(HAIKU, endpoint="server")
    plan = plan_of((named,), simulator.base_url, "Why?", 20)
    server = Endpoint(name="server", base_url=simulator.base_url)
    plan = msgspec.structs.replace(plan, endpoints=(server,), default_endpoint="simulator")
    with shared_engine.lend() as engine:
        async with app_driver_of(engine, plan) as s:
            assert "SIMULATED" not in s.shown
            await s.focus("#target-list")
            await s.press("home", "down", "enter")
            await s.until_shown("SIMULATED")
            await s.run()
            assert len(s.states) == 2
            assert s.states[1] in (State.DONE, State.TRUNCATED)


async def test_a_choice_made_during_a_series_waits_for_its_end(open_app: OpenApp) -> None:
    """The order of a series counts the targets it began with."""
    async with open_app(fast(2)) as s:
        s.app.draft.series = type(s.app.draft.series)(repeats=10_000, warm_ups=0)
        await s.press("alt+s")
        await s.until(lambda: s.live.runs > 1)
        await s.focus("#target-list")
        await s.press("home", "down", "enter")
        begun = s.live.runs
        await s.until(lambda: s.live.runs > begun + 2)
        assert labels(s) == ["fast-1", "fast-2"]
        await s.press("f8")
        await s.until(lambda: not s.live.busy)
        await s.press("f5")
        await lanes_are(s, "fast-1")


async def test_a_model_typed_with_its_endpoint_is_asked_there(open_app: OpenApp) -> None:
    async with open_app((HAIKU,)) as s:
        s.app.draft.targets.at = partial(at_named_endpoint, known=())
        await s.press(EDIT)
        await s.type_into("#model", "groq/openai/gpt-oss-20b")
        # What its protocol lacks is greyed while it is typed.
        await s.until_shown("Chat Completions has no thinking")
        await s.press("enter")
        assert chosen(s) == (Target(model="openai/gpt-oss-20b", endpoint="groq"),)
        assert {endpoint.name: endpoint.kind for endpoint in s.app.draft.endpoints}["groq"] == "openai"
        assert s.app.draft.plan().problem() is None
