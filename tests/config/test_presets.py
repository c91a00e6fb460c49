"""Endpoints known by name: all of them can be used, and only where something names them."""

from pathlib import Path

import pytest

from tui.config.load import Flags, build_plan, load
from tui.config.presets import presets
from tui.core.target import Endpoint

NAMES = {
    "openai", "openrouter", "groq", "together", "fireworks", "gemini", "mistral", "deepseek", "xai", "ollama",
    "lmstudio", "vllm", "llamacpp", "openai-responses",
}  # fmt: skip
KEYS = {"ANTHROPIC_API_KEY": "sk-a", "GROQ_API_KEY": "gsk-b"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    return tmp_path


def asked(here: Path, flags: Flags, text: str = "") -> list[tuple[str, Endpoint]]:
    """Model and endpoint of each target."""
    if text:
        (here / "plan.toml").write_text(text)
        flags = Flags(config=Path("plan.toml"), models=flags.models)
    plan = build_plan(load(flags, KEYS, here).settings, KEYS, "http://127.0.0.1:1")
    return [(target.model, plan.endpoint_of(target)) for target in plan.targets]


def test_all_of_them_can_be_used() -> None:
    assert presets().keys() == NAMES
    for endpoint in presets().values():
        assert endpoint.kind == ("openai-responses" if endpoint.name == "openai-responses" else "openai")
        # A key goes to its own endpoint, and never in the open.
        assert endpoint.base_url.startswith("https://" if endpoint.api_key_env else "http://127.0.0.1:")
    keys = {(endpoint.api_key_env, endpoint.base_url) for endpoint in presets().values() if endpoint.api_key_env}
    assert len({variable for variable, _ in keys}) == len(keys)


def test_none_is_part_of_settings_that_name_none(here: Path) -> None:
    assert load(Flags(), KEYS, here).settings.endpoints.keys() == {"anthropic"}


def test_before_a_model(here: Path) -> None:
    (first, second) = asked(here, Flags(models=("groq/openai/gpt-oss-20b", "claude-opus-5-5")))
    assert (first[0], first[1].base_url) == ("openai/gpt-oss-20b", "https://api.groq.com/openai/v1")
    assert first[1].api_key_env == "GROQ_API_KEY"
    assert (second[0], second[1].name) == ("claude-opus-5-5", "anthropic")


def test_by_its_endpoint_or_as_the_default_one(here: Path) -> None:
    ((model, endpoint),) = asked(here, Flags(), '[[targets]]\nmodel = "openai/x"\nendpoint = "openrouter"')
    assert (model, endpoint.name) == ("openai/x", "openrouter")
    ((model, endpoint),) = asked(here, Flags(), 'endpoint = "vllm"\n[[targets]]\nmodel = "openai/gpt-oss-20b"')
    # At a server that was chosen this is a model's id, and nothing goes to OpenAI.
    assert (model, endpoint.name) == ("openai/gpt-oss-20b", "vllm")


def test_a_prefix_of_no_endpoint_is_part_of_the_model(here: Path) -> None:
    ((model, endpoint),) = asked(here, Flags(models=("meta/llama",)))
    assert (model, endpoint.name) == ("meta/llama", "anthropic")


def test_a_server_that_was_chosen_gets_all_models(here: Path) -> None:
    ((model, endpoint),) = asked(here, Flags(models=("openai/x",), base_url="http://127.0.0.1:9"))
    assert (model, endpoint.name) == ("openai/x", "custom")


def test_an_own_table_takes_its_place(here: Path) -> None:
    own = '[endpoints.groq]\nkind = "openai"\nbase_url = "https://groq.corp/v1"\n[[targets]]\nmodel = "groq/x"\n'
    ((model, endpoint),) = asked(here, Flags(), own)
    assert (model, endpoint.base_url, endpoint.api_key_env) == ("x", "https://groq.corp/v1", None)


def test_a_demo_reaches_none(here: Path) -> None:
    settings = load(Flags(models=("groq/x",), demo=True), KEYS, here).settings
    assert settings.targets[0].endpoint is None
    assert "groq" not in settings.endpoints
