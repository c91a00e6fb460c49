"""Variants, turns and variables, from their files to the plan."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config.load import Flags, Loaded, build_plan, load
from tui.config.show import describe
from tui.config.variables import MAX_ROWS, read_rows
from tui.core.prompt import Prompt, Turn
from tui.errors import ConfigError

VALID = Path(__file__).parent / "valid"


def loaded_from(sealed: Path, text: str, **flags: str) -> Loaded:
    (sealed / "plan.toml").write_text(text)
    return load(Flags(config=Path("plan.toml"), **flags), {}, sealed)  # type: ignore[arg-type]


def test_variants_take_from_the_prompt_what_they_leave_out(sealed: Path) -> None:
    settings = load(Flags(config=VALID / "prompts.toml"), {}, sealed).settings
    system = "Answer {{customer}} in {{language}}."
    turns = (Turn(role="user", text="Why is the sky blue?"), Turn(role="assistant", text="Scattering."))
    example = Prompt(
        name="with an example", system="Go on as before.", user="And at night?", turns=turns, prefill="Because"
    )
    assert settings.variants == (Prompt(name="short", system=system, user="Why?"), example)
    assert settings.variables.rows[1] == {"customer": "Grace", "language": "français", "lucky number": "0.5"}
    plan = build_plan(settings, {}, "http://127.0.0.1:1")
    assert plan.prompt == settings.variants[0]
    assert plan.requests(1)[0].prompt.system == "Answer Ada in English."


def test_a_prompt_of_the_command_line_goes_before_those_of_the_variants(sealed: Path) -> None:
    text = '[[prompts]]\nname = "a"\nuser = "A"\nsystem = "S"\n[[prompts]]\nname = "b"\nuser = "B"\n'
    loaded = loaded_from(sealed, text, prompt="Mine")
    lines = [line.split() for line in describe(loaded, {}).splitlines() if line.startswith("user = ")]
    assert lines == [["user", "=", '"Mine"', "#", "flag", "PROMPT"]] * 3
    variants = loaded.settings.variants
    assert [(variant.name, variant.user, variant.system) for variant in variants] == [
        ("a", "Mine", "S"),
        ("b", "Mine", ""),
    ]


def test_a_later_file_replaces_variants_and_variables_as_a_whole(sealed: Path) -> None:
    (sealed / "latency-tui.toml").write_text(
        '[[prompts]]\nname = "a"\n[[prompts]]\nname = "b"\n[variables]\nx = 1\ny = 2\n'
    )
    loaded = loaded_from(sealed, '[[prompts]]\nname = "c"\n[variables]\nz = 3\n')
    assert [variant.name for variant in loaded.settings.variants] == ["c"]
    assert loaded.settings.variables.rows == ({"z": "3"},)
    assert not any(path.endswith((".1.name", ".x", ".y")) for path in loaded.provenance)


@pytest.mark.parametrize("name", ["prompts", "rows", "lines", "variables"])
def test_what_is_shown_loads_to_the_same_settings(name: str, sealed: Path) -> None:
    loaded = load(Flags(config=VALID / f"{name}.toml"), {}, sealed)
    text = describe(loaded, {})
    assert all(char.isprintable() or char == "\n" for char in text)
    (sealed / "again.toml").write_text(text)
    assert load(Flags(config=Path("again.toml")), {}, sealed).settings == loaded.settings


def test_what_is_shown_has_its_origin(sealed: Path) -> None:
    lines = describe(load(Flags(config=VALID / "rows.toml"), {}, sealed), {}).splitlines()
    assert "# 2 rows of customer, city" in lines
    assert f'file = "{VALID}/rows.csv"' in "\n".join(lines)
    lines = describe(load(Flags(config=VALID / "prompts.toml"), {}, sealed), {}).splitlines()
    origins = {line.partition("  # ")[0].strip(): line.partition("  # ")[2] for line in lines}
    assert origins['user = "And at night?"'] == f"{VALID}/prompts.toml:11"
    assert origins['user = "Why?"'] == f"{VALID}/prompts.toml:6"


def test_files_of_rows(sealed: Path) -> None:
    rows = load(Flags(config=VALID / "rows.toml"), {}, sealed).settings.variables.rows
    assert rows == ({"customer": "Ada", "city": "London"}, {"customer": "Grace, dear", "city": "New\r\nYork"})
    rows = load(Flags(config=VALID / "lines.toml"), {}, sealed).settings.variables.rows
    assert rows == ({"customer": "Ada", "age": "36"}, {"age": "unknown", "customer": "ש"})
    (row,) = load(Flags(config=VALID / "variables.toml"), {}, sealed).settings.variables.rows
    assert row == {"customer": "Ada", "urgent": "true"}


def test_a_file_that_was_found_and_not_chosen_names_no_other(sealed: Path) -> None:
    (sealed / "latency-tui.toml").write_text('[variables]\nfile = "/etc/passwd"\n')
    loaded = load(Flags(), {}, sealed)
    assert loaded.settings.variables.rows == ()
    assert [str(ignored) for ignored in loaded.ignored] == [
        "./latency-tui.toml, line 2: variables.file is not taken from a file that was found and not chosen: put it "
        "into your own file, or name this one with --config."
    ]


def test_too_many_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a\n" + "1\n" * (MAX_ROWS + 1))
    with pytest.raises(ConfigError, match=f"rows.csv: holds more than {MAX_ROWS} rows"):
        read_rows(path, "rows.csv")
    path.write_text("a\n" + "1\n" * MAX_ROWS)
    assert len(read_rows(path, "rows.csv")) == MAX_ROWS


VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ROWS = st.lists(st.fixed_dictionaries({"a": VALUES, "b c": VALUES}), min_size=1, max_size=5)


def written(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    path.write_bytes("".join(f"{json.dumps(row)}\n" for row in rows).encode())
    return path


@given(ROWS)
def test_any_values_survive_jsonl(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]) -> None:
    path = written(tmp_path_factory.getbasetemp() / "rows.jsonl", rows)
    assert list(read_rows(path, "rows.jsonl")) == rows


@given(ROWS)
def test_any_values_survive_csv(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    path = tmp_path_factory.getbasetemp() / "rows.csv"
    lines = ["a,b c", *(f"{quoted(row['a'])},{quoted(row['b c'])}" for row in rows)]
    path.write_bytes("\r\n".join(lines).encode())
    assert list(read_rows(path, "rows.csv")) == rows
