"""The schema is complete, documented, and light."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tui.config import paths, schema
from tui.config.endpoints import ENDPOINT
from tui.config.load import Flags, load
from tui.config.schema import HistorySettings, KeySettings, UiSettings
from tui.config.show import comment_of
from tui.core.target import Endpoint, TimeoutOverrides, Timeouts


@pytest.mark.parametrize("table", schema.STRUCTS)
def test_every_field_has_a_key(table: str) -> None:
    # Of an earlier name, and what the files of `attach` turn out to be.
    without = ("sitting_usd", "attached")
    fields = [name for name in schema.STRUCTS[table].__struct_fields__ if name not in without]
    assert [key.name for key in schema.TABLES[table]] == fields


def test_every_key_is_explained() -> None:
    for table in (schema.keys_by_path(), *({key.name: key for key in keys} for keys in (schema.TARGET, ENDPOINT))):
        helps = {name: key.help for name, key in table.items()}
        for name, text in helps.items():
            assert re.fullmatch(r"\w+\W.+ .+\.", text), f"{name}: {text!r} is no sentence"
        said = [text for text in helps.values() if list(helps.values()).count(text) > 1]
        assert said == [], "one key's meaning stands beside another"


def test_every_field_of_an_endpoint_has_a_key() -> None:
    others = {"name", "simulated", "timeouts"}
    assert [key.name for key in ENDPOINT] == [name for name in Endpoint.__struct_fields__ if name not in others]
    assert TimeoutOverrides.__struct_fields__ == Timeouts.__struct_fields__


def test_default_file_has_every_key_under_its_meaning_and_limits() -> None:
    comments: dict[str, str] = {}
    table, above = "", list[str]()
    for line in paths.builtin_config("default.toml").read_text().splitlines():
        if header := re.match(r"(?:# )?\[+([a-z]+)", line):
            table, above = header[1], []
        elif key_line := re.match(r"(?:# )?([a-z_]+) = ", line):
            comments.setdefault(f"{table}.{key_line[1]}".removeprefix("."), " ".join(above))
            above = []
        else:
            above = [*above, line[2:]] if line.startswith("# ") else []
    for dotted, key in schema.keys_by_path().items():
        assert comments[dotted].startswith(comment_of(key)), f"{dotted}: {comments[dotted]!r}"


def test_defaults_of_the_file_are_those_of_the_types(sealed: Path) -> None:
    settings = load(Flags(), {}, sealed).settings
    assert settings.timeouts == Timeouts()
    assert settings.history == HistorySettings()
    assert settings.ui == UiSettings()
    assert settings.keys == KeySettings()


def test_configuration_in_a_wheel_is_found_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages/tui"
    (package / "configs").mkdir(parents=True)
    monkeypatch.setattr("tui.__file__", str(package / "__init__.py"))
    assert paths.builtin_config("default.toml") == package / "configs/default.toml"


def test_xdg_directories_are_honoured(tmp_path: Path) -> None:
    assert paths.user_config_file() == tmp_path / "config/latency-tui/config.toml"
    assert paths.state_file() == tmp_path / "state/latency-tui/targets.json"
    assert paths.history_file() == tmp_path / "data/latency-tui/history.db"


@pytest.mark.process
def test_importing_stays_light() -> None:
    code = "import sys, tui.config.load, tui.config.show, tui.config.known_models; print(*sys.modules)"
    modules = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not modules & {"asyncio", "anthropic", "textual", "rich", "pydantic", "sqlite3", "httpx2"}
    assert not {name for name in modules if name.startswith(("tui.engine", "tui.ui"))}
