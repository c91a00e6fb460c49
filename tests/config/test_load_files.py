"""Whole files: those that load, and those that do not, each with the sentence a person reads."""

import os
from pathlib import Path

import pytest

from tui.config.load import Flags, build_plan, load
from tui.config.paths import builtin_config
from tui.errors import ConfigError

HERE = Path(__file__).parent
VALID = sorted((HERE / "valid").glob("*.toml"))
INVALID = sorted((HERE / "invalid").glob("*.toml"))
EXAMPLES = sorted(builtin_config("examples").glob("*.toml"))


@pytest.mark.parametrize("path", [*VALID, *EXAMPLES], ids=lambda path: path.stem)
def test_valid_file_makes_a_plan(path: Path, sealed: Path) -> None:
    loaded = load(Flags(config=path), {}, sealed)
    assert loaded.places[-1].path == path
    plan = build_plan(loaded.settings, {}, "http://127.0.0.1:1")
    assert len(plan.requests(1)) == len(loaded.settings.targets)


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_invalid_file_is_one_sentence(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(Flags(config=Path(path.name)), {}, path.parent)
    sentence = str(caught.value)
    assert sentence == path.with_suffix(".txt").read_text().removesuffix("\n")
    assert "\n" not in sentence
    assert "CANARY" not in sentence
    assert sentence.isprintable()


def test_inline_tables_and_dotted_keys(sealed: Path) -> None:
    loaded = load(Flags(config=HERE / "valid/inline.toml"), {}, sealed)
    settings = loaded.settings
    assert [target.model for target in settings.targets] == ["a", "b"]
    assert settings.targets[1].parameters.max_tokens == 5
    assert settings.endpoints["here"].base_url == "http://[::1]:8080/gateway"
    assert settings.endpoints["here"].api_key_env is None
    assert settings.parameters.stop_sequences == ("\n\n", "END")
    assert loaded.provenance["targets.1.max_tokens"].line == 3
    assert loaded.provenance["endpoints.here.base_url"].line == 5


def test_windows_file_with_byte_order_mark(sealed: Path) -> None:
    loaded = load(Flags(config=HERE / "valid/windows.toml"), {}, sealed)
    assert loaded.settings.prompt.user == "zwölf Boxkämpfer 🥊\n"
    assert loaded.provenance["parameters.max_tokens"].line == 6


def test_limits_are_inside_the_range_and_an_empty_variable_name_sends_no_key(sealed: Path) -> None:
    settings = load(Flags(config=HERE / "valid/limits.toml"), {}, sealed).settings
    assert settings.parameters.max_tokens == 1_000_000
    assert settings.timeouts.request == 86_400
    assert settings.endpoints["anthropic"].api_key_env is None
    assert settings.endpoints["anthropic"].base_url == "https://api.anthropic.com"


def _error(sealed: Path, config: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(Flags(config=Path(config)), {}, sealed)
    return str(caught.value)


def test_missing_file(sealed: Path) -> None:
    assert _error(sealed, "plans/none.toml") == "plans/none.toml: cannot be read: no such file."


def test_directory(sealed: Path) -> None:
    (sealed / "dir").mkdir()
    assert _error(sealed, "dir") == "dir: cannot be read: is a directory."


def test_loop_of_links(sealed: Path) -> None:
    (sealed / "loop.toml").symlink_to("loop.toml")
    assert _error(sealed, "loop.toml").startswith("loop.toml: cannot be read: ")


def test_no_permission(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sealed / "latency-tui.toml"
    path.touch()

    # Root, as which continuous integration often runs, may read everything: the refusal has to be made.
    real = os.open

    def refusing(opened: Path, flags: int, mode: int = 0o777) -> int:
        if opened == path:
            raise PermissionError(13, "Permission denied")
        return real(opened, flags, mode)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(ConfigError) as caught:
        load(Flags(), {}, sealed)
    assert str(caught.value) == "./latency-tui.toml: cannot be read: permission denied."


def test_endless_file() -> None:
    assert _error(Path("/"), "dev/zero") == "dev/zero: is larger than 8 MiB, which no configuration file is."
