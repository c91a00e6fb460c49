"""Plans as TOML: what is written asks the same when it is read, holds no key, and leaves other tables alone."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import tomli
from attached_files import png
from hypothesis import given
from hypothesis import strategies as st

from tui.config.load import Flags, load
from tui.core.checks import AnswerCheck
from tui.core.parameters import PARAMETERS, Parameters
from tui.core.plan_contents import PlanContents, seen_from
from tui.core.prompt import Prompt, Turn
from tui.core.series import SeriesSettings
from tui.core.target import Endpoint, Target
from tui.export.formats import Format
from tui.export.plan_file import plan_text
from tui.session.plan_files import PlanFiles

from .samples import rendered, simple_run

EXAMPLES = sorted((Path(__file__).parents[2] / "configs/examples").glob("*.toml"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in ("CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str) -> PlanContents:
    """Contents of the file as a command takes them."""
    path = Path("read.toml")
    path.write_text(text)
    loaded = load(Flags(config=path), {}, Path.cwd())
    return PlanFiles(environ={}).contents(loaded)


def contents(**fields: object) -> PlanContents:
    usual = {"prompts": (Prompt(user="Why?"),), "targets": (Target(model="m"),)}
    parameters = {"parameters": Parameters(max_tokens=512, stop_sequences=())}
    return PlanContents(**{**usual, **parameters, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_asks_the_same_when_it_is_saved(example: Path, sealed: Path) -> None:
    loaded = load(Flags(config=example), {}, sealed)
    before = PlanFiles(environ={}).contents(loaded)
    assert read(plan_text(before)) == before
    assert read(plan_text(before, before=example.read_text())) == before


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_survives_shared_and_of_a_target(name: str, sealed: Path) -> None:
    example = PARAMETERS[name].example
    own: dict[str, Any] = {name: tuple(example) if isinstance(example, list) else example}
    if name.startswith("thinking_"):
        own |= {"thinking": "enabled"}
    if own.get("thinking") == "enabled":
        own = {"thinking_budget": 1024} | own
    shared = Parameters(**{"max_tokens": 9000, "stop_sequences": (), **own})
    wanted = contents(parameters=shared, targets=(Target(model="m", name="mine", parameters=Parameters(**own)),))
    assert read(plan_text(wanted)) == wanted


def test_variants_turns_rows_objectives_and_series_survive(sealed: Path) -> None:
    turns = (Turn(role="user", text="Hi"), Turn(role="assistant", text='"""\n\\'))
    wanted = contents(
        prompts=(
            Prompt(name="a", system="S", user="A {{x}}", turns=turns),
            Prompt(name="b · b", user="B", prefill="{"),
        ),
        rows=({"x": "1", "y z": "2"}, {"x": "", "y z": "\n"}),
        targets=(Target(model="m", drop=("effort",)), Target(model="n", endpoint="anthropic")),
        objectives=("ttft.p95 < 800ms", "errors < 1%"),
        series=SeriesSettings(repeats=3, gap=0.5, in_turn=True, seed=7, until_sure="ttft", max_usd=1.5),
    )
    assert read(plan_text(wanted)) == wanted


@pytest.mark.parametrize("second", [(), (AnswerCheck(json=True),)])
def test_checks_survive_of_all_prompts_and_of_one(second: tuple[AnswerCheck, ...], sealed: Path) -> None:
    checks = (
        AnswerCheck(similar='"{{x}}"', at_least=1.0),
        AnswerCheck(equals="a", normalise="words"),
        AnswerCheck(command=("sh", "-c", "exit 1")),
    )
    prompts = (Prompt(name="a", user="A", checks=checks), Prompt(name="b", user="B", checks=second or checks))
    wanted = contents(prompts=prompts, rows=({"x": "1"},))
    text = plan_text(wanted)
    assert ("[[checks]]" in text) is (not second)
    assert read(plan_text(wanted, before=text)) == wanted


@given(system=TEXTS, user=TEXTS, value=TEXTS)
def test_any_text_survives(system: str, user: str, value: str) -> None:
    text = plan_text(contents(prompts=(Prompt(system=system, user=user),), rows=({"x": value},)))
    values = tomli.loads(text)
    assert (values["prompt"].get("system", ""), values["prompt"]["user"]) == (system, user)
    assert values["variables"]["x"] == value


def test_other_tables_and_comments_of_the_file_that_is_written_over_stay(sealed: Path) -> None:
    before = """# A plan of ours.
#   latency-tui run plan.toml

endpoint = "lab"
objectives = ["errors < 5%"]
timeouts.connect = 3

# The old prompt.
[prompt]
user = '''
[ui]
# not a table'''

# Our server.
# Its key is in the vault.
[endpoints.lab]
base_url = "http://127.0.0.1:9"
key_command = ["pass", "show", "lab"]

[[targets]]
model = "old"

[ui] # dim
theme = "dark"

[[targets]]
model = "older"
"""
    wanted = contents(prompts=(Prompt(user="New"),))
    text = plan_text(wanted, before=before)
    values = tomli.loads(text)
    assert read(text) == wanted
    assert (values["endpoint"], values["timeouts"], values["ui"]) == ("lab", {"connect": 3}, {"theme": "dark"})
    assert values["endpoints"]["lab"]["key_command"] == ["pass", "show", "lab"]
    assert text.startswith("# A plan of ours.\n#   latency-tui run plan.toml\n")
    assert "# Our server.\n# Its key is in the vault.\n[endpoints.lab]" in text
    assert "old" not in text.lower().replace("gold", "")
    assert plan_text(wanted, before=text) == text


def test_an_endpoint_that_only_the_screen_knows_is_defined_without_a_key(sealed: Path) -> None:
    lab = Endpoint(
        name="lab",
        base_url="https://me:secret@lab.example",
        api_key_env="LAB_KEY",
        key_command=("echo", "sk-0123456789abcdef0123"),
        headers={"x-team": "search", "authorization": "Bearer abc"},
    )
    wanted = contents(targets=(Target(model="m", endpoint="lab"),))
    text = plan_text(wanted, [lab])
    assert read(text) == wanted
    table = tomli.loads(text)["endpoints"]["lab"]
    assert table["base_url"] == "https://lab.example"
    assert table["api_key_env"] == "LAB_KEY"
    assert table["headers"]["x-team"] == "search"
    assert "key_command" not in table
    assert not any(secret in text for secret in ("secret", "sk-0123", "Bearer abc"))


def test_targets_of_an_endpoint_that_not_every_machine_takes_name_it(sealed: Path) -> None:
    lab = Endpoint(name="lab", base_url="http://127.0.0.1:9")
    wanted = contents(targets=(Target(model="m"), Target(model="n", endpoint="anthropic")))
    saved = PlanFiles(environ={}).save("plan.toml", wanted, [lab], default="lab")
    assert saved.warnings == ()
    found = read(Path("plan.toml").read_text())
    assert [target.endpoint for target in found.targets] == ["lab", "anthropic"]
    assert seen_from(found, "simulator", "lab") == wanted


def test_a_key_in_a_prompt_is_left_out_of_the_file_and_said(sealed: Path) -> None:
    key = "sk-ant-0123456789abcdef"
    files = PlanFiles(environ={"ANTHROPIC_API_KEY": key})
    saved = files.save("plan.toml", contents(prompts=(Prompt(user=f"My key is {key}."),)), [])
    assert key not in Path("plan.toml").read_text()
    assert any("key" in sentence for sentence in saved.warnings)


def test_a_file_keeps_its_mode_and_a_new_one_is_private(sealed: Path) -> None:
    files = PlanFiles(environ={})
    files.save("new.toml", contents(), [])
    assert Path("new.toml").stat().st_mode & 0o777 == 0o600
    Path("shared.toml").write_text("")
    Path("shared.toml").chmod(0o644)
    files.save("shared.toml", contents(), [])
    assert Path("shared.toml").stat().st_mode & 0o777 == 0o644


def test_settings_that_change_what_a_saved_plan_asks_are_named(sealed: Path) -> None:
    (sealed / "config" / "latency-tui").mkdir(parents=True)
    (sealed / "config" / "latency-tui" / "config.toml").write_text('[parameters]\neffort = "low"\n')
    saved = PlanFiles(environ={}).save("plan.toml", contents(), [])
    assert any("parameters" in sentence for sentence in saved.warnings)


def test_the_plan_of_a_stored_run_asks_what_it_asked(sealed: Path) -> None:
    run = simple_run()
    text = rendered([run], Format.PLAN)
    found = read(text)
    assert [prompt.user for prompt in found.prompts] == [run.plan.prompt.user]
    assert [target.model for target in found.targets] == [target.model for target in run.plan.targets]
    assert found.series == SeriesSettings()


def test_the_plan_of_a_series_repeats_as_often(sealed: Path) -> None:
    first = simple_run()
    runs = [
        msgspec.structs.replace(
            first, info=msgspec.structs.replace(first.info, series="s", repeat=number, warm_up=not number, seed=5)
        )
        for number in range(4)
    ]
    found = read(rendered(runs, Format.PLAN))
    assert (found.series.repeats, found.series.warm_ups, found.series.seed) == (3, 1, 5)


def test_files_beside_the_plan_are_named_from_there(sealed: Path) -> None:
    for name in ("a.png", "elsewhere/b.png"):
        (sealed / name).parent.mkdir(exist_ok=True)
        (sealed / name).write_bytes(png(75, 10))
    (sealed / "plans").mkdir()
    files = PlanFiles(environ={})
    wanted = contents(prompts=(Prompt(user="What?", attach=(str(sealed / "a.png"), str(sealed / "elsewhere/b.png"))),))
    beside = files.save("plan.toml", wanted, [])
    below = files.save("plans/plan.toml", wanted, [])
    assert 'attach = ["a.png", "elsewhere/b.png"]' in beside.path.read_text()
    assert str(sealed / "a.png") in below.path.read_text()
    assert beside.warnings == below.warnings == ()
    assert files.read("plan.toml").contents.prompts == files.read("plans/plan.toml").contents.prompts == wanted.prompts
