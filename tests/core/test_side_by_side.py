"""Two snapshots in words: facts first, doubts once, prompts by words."""

from typing import Any

import msgspec
import pytest

from tui.core.attachment import PDF, Attachment
from tui.core.checks import AnswerCheck
from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt, Turn
from tui.core.side_by_side import side_by_side
from tui.core.snapshot import LaneSnapshot, Snapshot


def side(
    name: str, ttft_ms: int, runs: int, *, lanes: str = "ab", passed: bool | None = None, **prompt: Any
) -> Snapshot:
    seen = tuple(
        Observation(
            run=run,
            ttft_ns=(ttft_ms + 7 * run % 20) * 1_000_000,
            input_tokens=ttft_ms,
            output_tokens=9,
            passed=passed,
        )
        for run in range(runs)
    )
    made = [
        LaneSnapshot(
            name=lane,
            model=lane,
            endpoint="e",
            prompt=Prompt(**prompt),
            parameters=Parameters(),
            observations=seen,
        )
        for lane in lanes
    ]
    return Snapshot(name=name, taken_unix_ns=0, lanes=tuple(made))


def test_what_is_surely_faster_has_its_interval_with_signs() -> None:
    both = side_by_side(side("before", 300, 20, user="x"), side("now", 200, 20, user="x"))
    for lane in both.lanes:
        ttft = dict(zip(("figure", "before", "now", "difference", "verdict", "n"), lane.rows[0], strict=True))
        assert ttft["difference"].startswith("−100 ms (−")
        assert (ttft["verdict"], ttft["n"]) == ("▼ faster", "20 and 20")
        assert lane.differences == ("asked the same",)
    assert both.prompts == ()


def test_doubts_and_prompts_are_said_once_for_all_lanes() -> None:
    both = side_by_side(
        side("before", 300, 1, user="a red ball", system="Be brief."), side("now", 200, 1, user="a blue ball")
    )
    assert sum("too few runs" in note for note in both.notes) == 1
    assert both.prompts == (("system", "[-Be brief.-]"), ("user", "a [-red-] {+blue+} ball"))
    assert all(lane.differences == () for lane in both.lanes), "the prompts' difference is said below"
    assert not any("verdicts" in note for note in both.notes), "there is none"


@pytest.mark.parametrize(
    ("part", "old", "new", "said"),
    [
        (
            "turns",
            (Turn(role="user", text="Hi there."), Turn(role="assistant", text="Yes?")),
            (Turn(role="user", text="Hi there."), Turn(role="assistant", text="No?")),
            "user: Hi there. assistant: [-Yes?-] {+No?+}",
        ),
        ("prefill", "", "{", "{+{+}"),
        ("checks", (AnswerCheck(contains="red"),), (), '[-{"contains":"red"}-]'),
        (
            "attached",
            (Attachment(name="a.pdf", media_type=PDF, size=9, sha256="f" * 64, path="/home/me/a.pdf"),),
            (Attachment(name="a.pdf", media_type=PDF, size=9, sha256="0" * 64, path="/home/me/a.pdf"),),
            "a.pdf (PDF · 1 KB · ~3,000 tok, [-ffffffff)-] {+00000000)+}",
        ),
    ],
)
def test_every_part_of_the_prompt_is_told_apart(part: str, old: Any, new: Any, said: str) -> None:
    both = side_by_side(side("before", 300, 1, **{part: old}), side("now", 300, 1, **{part: new}))
    assert both.prompts == ((part.replace("attached", "files"), said),)
    assert all(lane.differences == () for lane in both.lanes), "it is not the same that was asked"


def test_lengths_and_pass_rates_stand_beside_the_times() -> None:
    both = side_by_side(side("before", 300, 6, passed=False), side("now", 200, 6, passed=True))
    for lane in both.lanes:
        assert lane.rows[-2:] == (
            ("input tokens", "300", "200", "−100", "", ""),
            ("output tokens", "9", "9", "0", "", ""),
        )
        (passes,) = lane.said
        assert passes.startswith(
            f"passed: {lane.name} passes more often: {lane.name} 6 of 6, {lane.name} before 0 of 6"
        )


def test_lanes_that_only_one_has_are_named() -> None:
    both = side_by_side(side("before", 1, 1, lanes="ab"), side("now", 1, 1, lanes="bc"))
    assert [bool(lane.rows) for lane in both.lanes] == [True, False]
    assert both.notes[0] == "not in now: a"
    other = side_by_side(side("before", 1, 1, lanes="a"), side("now", 1, 1, lanes="b"))
    assert "model: a → b" in other.lanes[0].differences, "the only ones there are"


def test_tokens_of_models_of_other_makers_are_not_compared_in_silence() -> None:
    before, now = side("before", 1, 1, lanes="a"), side("now", 1, 1, lanes="a")
    assert not any("not alike" in note for note in side_by_side(before, now).notes)
    claude, gpt = (
        msgspec.structs.replace(one, lanes=(msgspec.structs.replace(one.lanes[0], model=model),))
        for one, model in ((before, "claude-haiku-5-5"), (now, "gpt-5.2"))
    )
    (note,) = (note for note in side_by_side(claude, gpt).notes if "not alike" in note)
    assert "characters/s" in note
