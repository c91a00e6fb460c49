"""Two snapshots in words: facts first, doubts once, prompts by words."""

import msgspec

from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.side_by_side import side_by_side
from tui.core.snapshot import LaneSnapshot, Snapshot


def side(name: str, ttft_ms: int, runs: int, *, lanes: str = "ab", user: str = "", system: str = "") -> Snapshot:
    seen = tuple(Observation(run=run, ttft_ns=(ttft_ms + 7 * run % 20) * 1_000_000) for run in range(runs))
    made = [
        LaneSnapshot(
            name=lane,
            model=lane,
            endpoint="e",
            prompt=Prompt(user=user, system=system),
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
