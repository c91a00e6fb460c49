"""`latency-tui endpoints` names every endpoint and says whether its key is set, without the key."""

import json
from pathlib import Path

import pytest

from tui.config.presets import presets
from tui.headless.endpoints import main


def test_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("GROQ_API_KEY", "gsk-secret")
    monkeypatch.delenv("XAI_API_KEY", raising=False)
    assert main(["--json", "-"]) == 0
    printed = capsys.readouterr().out
    listed = {one["name"]: one for one in json.loads(printed)}
    assert listed.keys() == {*presets(), "anthropic"}
    assert listed["groq"]["key"] == "GROQ_API_KEY is set"
    assert listed["xai"]["key"] == "XAI_API_KEY is not set"
    assert listed["ollama"]["key"] == "none needed"
    assert (listed["groq"]["speaks"], listed["anthropic"]["speaks"]) == ("Chat Completions", "Messages API")
    assert (listed["groq"]["is_configured"], listed["anthropic"]["is_configured"]) == (False, True)
    assert main([]) == 0
    assert "gsk-secret" not in printed + capsys.readouterr().out
