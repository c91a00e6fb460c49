"""`latency-tui config`: complete, true, harmless on a terminal, and free of keys."""

from pathlib import Path

import pytest
import tomli
from canary import KEY
from hypothesis import given
from hypothesis import strategies as st

from tui.config import paths
from tui.config.load import Flags, load
from tui.config.remembered import save_targets
from tui.config.show import describe, toml
from tui.core.target import Target

PLAN = Path(__file__).parent / "valid/issue.toml"
ENVIRON = {"ANTHROPIC_API_KEY": KEY, "LATENCY_TUI_UI_FRAME_RATE": "4"}


def test_every_value_has_its_origin(sealed: Path) -> None:
    lines = describe(load(Flags(config=PLAN, max_tokens=99), ENVIRON, sealed), ENVIRON).splitlines()

    def note(start: str) -> str:
        return next(line for line in lines if line.startswith(start)).partition("  # ")[2]

    assert note("system = ") == f"{PLAN}:3"
    assert note("max_tokens = 99") == "flag --max-tokens"
    assert note("max_tokens = 100") == f"{PLAN}:13"
    assert note("frame_rate = 4") == "variable LATENCY_TUI_UI_FRAME_RATE"
    assert note("connect = 10").startswith("built-in, line ")
    assert note('api_key_env = "ANTHROPIC_API_KEY"').endswith("; ANTHROPIC_API_KEY is set")
    assert note('api_key_env = "LOCAL_KEY"') == f"{PLAN}:17; LOCAL_KEY is not set"
    assert "# auto is now anthropic." in lines
    assert "# temperature is not set." in lines
    assert f"#   --config      {PLAN} (read)" in lines
    assert f"#   user file     {paths.user_config_file()} (not found)" in lines


def test_no_key_is_shown(sealed: Path) -> None:
    assert KEY not in describe(load(Flags(config=PLAN), ENVIRON, sealed), ENVIRON)


@pytest.mark.parametrize(
    "flags",
    [Flags(), Flags(config=PLAN), Flags(demo=True), Flags(base_url="http://localhost:1"),
     Flags(prompt='a "b" \\ c\n\n"""\x1b[2J\r\n\t🥊"', system='""""'), Flags(models=("x", "x"))],
    ids=["defaults", "plan", "demo", "base_url", "odd texts", "models"],
)  # fmt: skip
def test_output_loads_to_the_same_settings(flags: Flags, sealed: Path) -> None:
    loaded = load(flags, {}, sealed)
    text = describe(loaded, {})
    assert all(char.isprintable() or char == "\n" for char in text)
    (sealed / "again.toml").write_text(text)
    assert load(Flags(config=Path("again.toml")), {}, sealed).settings == loaded.settings


def test_remembered_targets_are_shown_as_such(sealed: Path) -> None:
    save_targets((Target(model="kept"),))
    text = describe(load(Flags(), {}, sealed), {})
    assert 'model = "kept"  # remembered from the last session' in text
    assert "claude-haiku-5-5" not in text
    assert f"{paths.state_file()} (found)" in text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives(text: str) -> None:
    written = toml(text)
    assert tomli.loads(f"key = {written}")["key"] == text
    assert all(char.isprintable() or char == "\n" for char in written)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60) | st.booleans())
def test_any_number_survives(value: float) -> None:
    assert tomli.loads(f"key = {toml(value)}")["key"] == value


def test_the_budget_is_listed(sealed: Path) -> None:
    (sealed / "plan.toml").write_text("[budget]\nsession_usd = 0.5\n")
    loaded = load(Flags(config=Path("plan.toml")), {}, sealed)
    text = describe(loaded, {})
    (sealed / "again.toml").write_text(text)
    assert load(Flags(config=Path("again.toml")), {}, sealed).settings.budget == loaded.settings.budget
