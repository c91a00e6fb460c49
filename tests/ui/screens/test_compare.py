"""Pinned results and objectives on the screen."""

from pathlib import Path

import pytest
from textual.widgets import Input, Label, Select, Static

from tui.core.comparison import compare
from tui.core.figures import Figure
from tui.core.objectives import parse
from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.series import SeriesSettings
from tui.core.snapshot import LaneSnapshot, Snapshot
from tui.ui.screens.compare import CompareScreen
from tui.ui.screens.dialogs import AskScreen
from tui.ui.screens.settings import ObjectivesScreen
from tui.ui.screens.text import TextScreen
from tui.ui.viewmodel.verdicts import change_line, comparison_lines

from .conftest import OpenApp
from .driving import AppDriver, fast, keys_of


async def run_series(s: AppDriver, repeats: int = 6) -> None:
    s.app.draft.series = SeriesSettings(repeats=repeats, warm_ups=0)
    await s.press(keys_of("series")[1])
    await s.until(lambda: s.live.series is not None and not s.live.busy)


async def test_lanes_show_their_change_against_the_pinned_results(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        await run_series(s)
        await s.press(keys_of("pin")[0])
        await s.until_shown("Pinned: 2 lanes, n = 6")
        assert "faster" not in s.shown
        await s.type_into("#user", "Why is the sea blue, and why does it look grey on some days?")
        await run_series(s)
        facts = [f"{mark} {figure} " for mark in "▼▲○" for figure in ("TTFT", "total")]
        await s.until(lambda: sum(s.shown.count(fact) for fact in facts) == 4, "TTFT and total of two lanes")


async def test_what_is_pinned_and_what_is_now_are_asked_in_turn(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        key = keys_of("in_turn")[0]
        await s.press(key)
        await s.until_shown("Nothing is pinned")
        await run_series(s)
        await s.press(keys_of("pin")[0])
        await s.until_shown("Pinned: 1 lane, n = 6")
        await s.press(key)
        await s.until_shown("Nothing differs from what is pinned")
        await s.type_into("#user", "Why is the sea blue, and why does it look grey on some days?")
        s.app.draft.series = SeriesSettings(repeats=1, warm_ups=0)
        await s.press(key)
        await s.until(lambda: s.live.series is not None and s.live.series.done >= 6)
        old, now = s.live.lanes
        assert now.target.against == old.label
        assert [lane.record.spec.prompt.user[:14] for lane in (old, now) if lane.record] == [
            "Why is the sky",
            "Why is the sea",
        ]
        await s.until(lambda: not s.live.busy)
        assert len(now.current) == 20
        facts = [f"{mark} {figure} " for mark in "▼▲○" for figure in ("TTFT", "total")]
        await s.until(lambda: sum(s.shown.count(fact) for fact in facts) == 2, "TTFT and total of one pair")


async def test_the_comparison_names_what_was_asked_differently_and_is_taken_along(
    open_app: OpenApp, tmp_path: Path
) -> None:
    async with open_app(fast(1)) as s:
        await run_series(s)
        await s.press(keys_of("pin")[0])
        await s.type_into("#user", "Why is the sea blue?")
        await run_series(s)
        await s.press(keys_of("compare")[0])
        await s.until(lambda: isinstance(s.app.screen, CompareScreen))
        compared = s.app.screen.query_one("#compared", Static)
        await s.until(lambda: "[-sky-] {+sea+} blue?" in str(compared.content))
        text = str(compared.content)
        assert "pinned, taken " in text
        assert "prompt, user:" in text
        table = text.splitlines()
        heading = next(line for line in table if "verdict" in line)
        assert heading.split()[:2] == ["before", "now"]
        assert any(line.strip().startswith("TTFT") and "ms" in line and " (" in line for line in table)
        field = s.app.screen.query_one("#snapshot-name", Input)
        field.value = "second try"
        field.focus()
        await s.press("enter")
        await s.until(lambda: field.value == "")
        s.app.screen.query_one("#before", Select).value = "second try"
        await s.until(lambda: "second try, taken " in str(compared.content))
        assert "asked the same" in str(compared.content)
        await s.pilot.click("#copy")
        assert s.app.clipboard.startswith("# second try → now")
        assert "**SIMULATED.**" in s.app.clipboard
        await s.pilot.click("#save")
        await s.until(lambda: isinstance(s.app.screen, AskScreen))
        s.app.screen.query_one("#answer", Input).value = str(tmp_path / "found.md")
        await s.press("enter")
        await s.until_shown("Wrote ")
        assert (tmp_path / "found.md").read_text() == s.app.clipboard
        await s.press("escape")
        assert s.on_main


async def test_objectives_are_typed_in_and_refused_in_the_words_of_their_parser(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await run_series(s)
        await s.press(keys_of("objectives")[0])
        await s.until(lambda: isinstance(s.app.screen, ObjectivesScreen))
        field = s.app.screen.query_one("#objectives", Input)
        problem = s.app.screen.query_one(".problem", Label)
        field.value = "ttft.p50 < 60s, total.p50 > 1s"
        await s.press("enter")
        with pytest.raises(ValueError, match="written with '<'") as refused:
            parse(" total.p50 > 1s")
        await s.until(lambda: problem.has_class("-said"))
        assert str(problem.content) == str(refused.value)
        assert s.live.objectives == ()
        field.value = "ttft.p50 < 60s, total.max < 1us, errors < 1%"
        await s.until(lambda: not problem.has_class("-said"))
        await s.press("enter")
        await s.until(lambda: "✖ 1 of 3 missed so far: total.max < 1us ? 1 of 3 not yet known" in s.shown)
        await s.press(keys_of("statistics")[0])
        await s.until(lambda: isinstance(s.app.screen, TextScreen))
        said = str(s.app.screen.query_one("#text", Static).content)
        assert "✔ ttft.p50 < 60s: met" in said
        assert "0 of 6 requests within every limit" in said
        await s.press("escape")
        await s.press(keys_of("objectives")[0])
        await s.until(lambda: isinstance(s.app.screen, ObjectivesScreen))
        s.app.screen.query_one("#objectives", Input).value = ""
        await s.press("enter")
        await s.until(lambda: s.on_main and "missed" not in s.shown)
        assert s.live.objectives == ()


async def test_there_is_nothing_to_pin_before_a_run(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        await s.press(keys_of("pin")[0])
        await s.until_shown("There is nothing to pin yet")
        await s.press(keys_of("compare")[0])
        await s.until(lambda: isinstance(s.app.screen, CompareScreen))
        await s.press("escape")


async def test_lanes_say_how_the_objectives_stand(open_app: OpenApp) -> None:
    async with open_app(fast(1)) as s:
        s.live.objectives = (parse("total.p50 < 60s"), parse("ttft.max < 0.001ms"), parse("ttft.p99 < 60s"))
        await run_series(s)
        await s.until_shown("✖ 1 of 3 missed so far: ttft.max < 0.001ms ? 1 of 3 not yet known: ttft.p99")


def test_a_lane_has_the_fact_before_the_doubt() -> None:
    """Since a narrow lane cuts what comes last."""
    few, many = [float(1_000_000 * ms) for ms in (254, 256)], [float(1_000_000 * (200 + 7 * n % 20)) for n in range(20)]
    once = compare(Figure.TTFT, ("now", few[:1]), ("before", few[1:]))
    assert change_line(once) == "TTFT −2.00 ms ?"
    slower = compare(Figure.TOTAL, ("now", [one + 50e6 for one in many]), ("before", many))
    assert change_line(slower).startswith("▲ total +50.0 ms (+")


def test_one_answer_on_each_side_is_a_table_and_doubts_are_said_once() -> None:
    def lane(name: str, ttft_ms: int, user: str) -> LaneSnapshot:
        observation = Observation(run=1, ttft_ns=ttft_ms * 1_000_000, total_ns=4 * ttft_ms * 1_000_000)
        return LaneSnapshot(
            name=name,
            model=name,
            endpoint="e",
            prompt=Prompt(user=user),
            parameters=Parameters(max_tokens=10),
            observations=(observation,),
            runs=(1,),
        )

    def snapshot(name: str, ttft_ms: int, user: str) -> Snapshot:
        lanes = tuple(lane(model, ttft_ms, user) for model in ("haiku", "sonnet"))
        return Snapshot(name=name, taken_unix_ns=0, lanes=lanes)

    old, new = (
        "Name " + "one two three four five six seven " * 3 + "cats.",
        "Name " + "one two three four five six seven " * 3 + "dogs.",
    )
    lines = comparison_lines(snapshot("before", 300, old), snapshot("now", 254, new))
    (ttft, _) = (line for line in lines if line.strip().startswith("TTFT"))
    assert ttft.split()[1:7] == ["300", "ms", "254", "ms", "−46.0", "ms"]
    assert sum("too few runs for a verdict" in line for line in lines) == 1
    at = lines.index("prompt, user:")
    assert [line for line in lines if "dogs" in line] == [lines[at + 1]], "once for both lanes, below the figures"
    assert lines[at + 1].endswith("three four five six seven [-cats.-] {+dogs.+}")
