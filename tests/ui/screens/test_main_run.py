"""The main job: edit a prompt, fire it, watch several models answer."""

import pytest
from textual.widgets import TextArea

from tui.core.record import State
from tui.core.target import Target
from tui.core.wording import format_duration

from .conftest import OpenApp
from .driving import fast, keys_of, steady

REAL = tuple(Target(model=model) for model in ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"))


@pytest.mark.parametrize("key", keys_of("run"))
async def test_run_fires_all_lanes_and_shows_text_and_figures(open_app: OpenApp, key: str) -> None:
    async with open_app(fast(3)) as s:
        await s.press(key)
        assert s.live.runs == 1
        await s.run_over()
        assert s.states == [State.DONE] * 3
        for view in s.views:
            record = view.lane.record
            assert record is not None
            assert view.stream.text == record.text() != ""
            assert record.usage.output_tokens == 20
            ttft, total, otps = record.ttft_ns, record.total_ns, record.otps
            assert ttft is not None
            assert total is not None
            assert otps is not None
            assert 0 < ttft < total
        assert s.shown.count("✔ done") == 3
        assert s.shown.count("20 tok") >= 3
        for view in s.views:
            assert view.lane.record is not None
            assert f"TTFT {format_duration(view.lane.record.ttft_ns)}" in s.shown
        assert "SIMULATED" in s.shown
        assert "run 1 done" in s.shown


async def test_models_out_of_the_box_answer(open_app: OpenApp) -> None:
    async with open_app(REAL, prompt="Say hello in one short sentence.") as s:
        await s.run()
        assert s.states == [State.DONE] * 3
        assert "┆ " in s.shown, "the thinking of the one that thinks unasked is told apart"


async def test_what_was_measured_stands_below_the_lanes(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        for _ in range(3):
            await s.run()
        assert [len(lane.outcomes) for lane in s.lanes] == [3, 3]
        assert "Session ·" in s.shown
        assert "Latest run" in s.shown
        table = s.shown[s.shown.index("Session ·") :]
        assert "median" in table
        assert "fast-1" in table
        assert "█" in table


async def test_run_at_once(open_app: OpenApp) -> None:
    async with open_app(fast(1), run_at_once=True) as s:
        await s.until(lambda: s.states == [State.DONE])


async def test_the_edited_prompt_is_what_is_sent(open_app: OpenApp) -> None:
    async with open_app(fast(1), prompt="one") as s:
        await s.focus("#user")
        await s.press("end", *" two")
        await s.run()
        record = s.lanes[0].record
        assert record is not None
        assert record.spec.prompt.user == "one two"


async def test_the_system_prompt_is_sent(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        assert "System · none" in s.shown
        await s.pilot.click("#parts", offset=(s.shown.splitlines()[1].index("System") + 1, 0))
        await s.until(lambda: s.app.focused is s.app.main.query_one("#system"), "the cursor in the system prompt")
        await s.press(*"Be brief.")
        await s.run()
        record = s.lanes[0].record
        assert record is not None
        assert record.spec.prompt.system == "Be brief."


async def test_parameters_are_sent(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await s.type_into("#max-tokens", "7")
        await s.press("alt+e")
        await s.type_into("#stop-sequences", r"\n\nHuman:, END")
        await s.type_into("#temperature", "0.5")
        await s.press("enter")
        await s.run()
        record = s.lanes[0].record
        assert record is not None
        sent = record.spec.parameters
        assert (sent.max_tokens, sent.stop_sequences, sent.temperature) == (7, ("\n\nHuman:", "END"), 0.5)
        assert s.states == [State.TRUNCATED], record.failure
        assert "◧ truncated at 7" in s.shown


async def test_editing_goes_on_while_lanes_stream(open_app: OpenApp) -> None:
    async with open_app(steady(3), prompt="") as s:
        await s.focus("#user")
        await s.press(*"why")
        await s.streaming()
        editor = s.app.main.query_one("#user", TextArea)
        assert s.app.focused is editor, "running takes the focus from nobody who edits"
        await s.press(*" not")
        assert editor.text == "why not"
        await s.press("ctrl+z")
        assert editor.text != "why not"
        assert s.states == [State.STREAMING] * 3
        record = s.lanes[0].record
        assert record is not None
        assert record.spec.prompt.user == "why"


async def test_an_unknown_model_fails_alone_and_says_why(open_app: OpenApp) -> None:
    async with open_app((*fast(2), Target(model="no-such-model"))) as s:
        await s.run()
        assert s.states == [State.DONE, State.DONE, State.FAILED]
        record = s.lanes[2].record
        assert record is not None
        assert record.failure is not None
        assert "no-such-model" in record.failure.message
        assert "✖ failed" in s.shown
        assert "run 1 done, 1 of 3 failed" in s.shown
        assert "no-such-model" in s.views[2]._note.content  # type: ignore[operator]
        assert len(s.lanes[2].outcomes) == 1
        await s.run()
        assert s.states == [State.DONE, State.DONE, State.FAILED]


@pytest.mark.parametrize("prompt", ["", "  \n "])
async def test_an_empty_prompt_is_not_sent(open_app: OpenApp, prompt: str) -> None:
    async with open_app(fast(1), prompt=prompt) as s:
        await s.press("f5")
        assert s.live.runs == 0
        assert s.notices == ["The user prompt is empty: write one, then run it."]


@pytest.mark.parametrize(
    "typed",
    ["0", "", "9999999"],
)
async def test_what_cannot_be_sent_is_said_in_one_sentence(open_app: OpenApp, typed: str) -> None:
    field = "#max-tokens"
    async with open_app(fast(1)) as s:
        await s.type_into(field, typed)
        await s.focus("#user")
        await s.press("f5")
        assert s.live.runs == 0
        assert s.app.focused is s.app.main.query_one(field)
        problem = s.app.main.query_one("#parameters .problem")
        assert problem.size.height >= 1
        await s.type_into(field, "1")
        assert not s.app.main.parameters_form.has_class("-problem"), "a corrected field takes its complaint away"
        await s.run()
        assert s.live.runs == 1
