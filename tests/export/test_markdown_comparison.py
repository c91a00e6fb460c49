"""Comparisons as Markdown that holds any text, and as plans that ask what was asked."""

from pathlib import Path

import msgspec
import pytest

from tui.core.checks import AnswerCheck
from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.snapshot import LaneSnapshot, Snapshot
from tui.core.target import Endpoint, Target
from tui.export.markdown import comparison_markdown
from tui.export.plan_file import contents_of_snapshot
from tui.session.plan_files import PlanFiles

from .samples import HOSTILE

GATEWAY = Endpoint(name="gateway", base_url="https://gateway.example", api_key_env="GATEWAY_KEY")


def lane(name: str, *, ttft_ms: int = 100, runs: int = 1, **changed: object) -> LaneSnapshot:
    seen = tuple(
        Observation(run=run, ttft_ns=(ttft_ms + run) * 1_000_000, total_ns=3 * ttft_ms * 1_000_000)
        for run in range(1, runs + 1)
    )
    plain = LaneSnapshot(
        name=name,
        model=name,
        endpoint="gateway",
        prompt=Prompt(user="Why?"),
        parameters=Parameters(max_tokens=300),
        observations=seen,
    )
    return msgspec.structs.replace(plain, **changed)


def snapshot(name: str, *lanes: LaneSnapshot) -> Snapshot:
    return Snapshot(name=name, taken_unix_ns=0, lanes=lanes)


def test_figures_doubts_and_prompts_stand_in_it_once() -> None:
    before = snapshot("before", lane("a"), lane("b"))
    now = snapshot("now", *(lane(name, ttft_ms=80, prompt=Prompt(user="Why not?")) for name in "abc"))
    text = comparison_markdown(before, now)
    assert text.count("| TTFT | 101 ms | 81.0 ms | −20.0 ms | ? too few runs | 1 and 1 |") == 2
    assert text.count("too few runs for a verdict") == text.count("## Prompt, user") == 1
    assert "## c\n\nnot in before" in text
    assert "SIMULATED" not in text


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_breaks_out_of_it(text: str) -> None:
    usual = comparison_markdown(snapshot("before", lane("a")), snapshot("now", lane("a")))
    hostile = comparison_markdown(snapshot(text, lane(text)), snapshot(text, lane(text)))
    assert hostile.count("\n") == usual.count("\n")
    assert "\x1b" not in hostile
    assert "<script" not in hostile.replace("\\<script", "")


def test_a_side_is_a_plan_that_asks_it_again(tmp_path: Path) -> None:
    same, other = Parameters(max_tokens=300, temperature=0.5), Parameters(max_tokens=200, temperature=0.5)
    side = snapshot(
        "now",
        lane("a", runs=7, parameters=same),
        lane("called b", model="b", parameters=other, runs=7),
        lane("c", endpoint="elsewhere", parameters=same, runs=7),
    )
    asked, default = contents_of_snapshot(side)
    PlanFiles(environ={}).save(
        str(tmp_path / "p.toml"), asked, [GATEWAY, msgspec.structs.replace(GATEWAY, name="elsewhere")], default
    )
    read = PlanFiles(environ={}).read(str(tmp_path / "p.toml"))
    assert read.series.repeats == 7
    sent = {target.label: read.plan.parameters_of(target) for target in read.plan.targets}
    asks = [(target.label, target.model, read.plan.endpoint_of(target).name) for target in read.plan.targets]
    assert asks == [("a", "a", "gateway"), ("called b", "b", "gateway"), ("c", "c", "elsewhere")]
    assert [(one.max_tokens, one.temperature) for one in sent.values()] == [(300, 0.5), (200, 0.5), (300, 0.5)]


def test_variants_of_a_side_are_variants_of_its_plan_and_programs_stay_here() -> None:
    short = Prompt(user="Why?", name="short", checks=(AnswerCheck(command=("rm", "x")), AnswerCheck(contains="sky")))
    long = Prompt(user="Why, in detail?", name="long")
    lanes = [lane(f"a · {prompt.name}", model="a", prompt=prompt) for prompt in (short, long)]
    asked, _ = contents_of_snapshot(snapshot("now", *lanes))
    assert [prompt.name for prompt in asked.prompts] == ["short", "long"]
    assert asked.prompts[0].checks == (AnswerCheck(contains="sky"),)
    assert asked.targets == (Target(model="a"),)
