"""The six layers: who wins, where each value came from, and what variables and flags may say."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tui.config import paths
from tui.config.load import Flags, Layer, Origin, load
from tui.errors import ConfigError


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _error(flags: Flags, environ: Mapping[str, str], cwd: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(flags, environ, cwd)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_defaults_alone(sealed: Path) -> None:
    loaded = load(Flags(), {}, sealed)
    settings = loaded.settings
    assert [target.model for target in settings.targets] == ["claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"]
    assert settings.parameters.max_tokens == 512
    assert settings.parameters.temperature is None
    assert settings.endpoint == "auto"
    assert settings.prompt.user
    assert [place.path for place in loaded.places if place.was_read] == [paths.builtin_config("default.toml")]
    assert {source.layer for source in loaded.provenance.values()} == {Layer.BUILT_IN}


def test_each_layer_beats_the_one_below(sealed: Path) -> None:
    """Raise the layers one by one: each takes `max_tokens` over, and keeps its own key afterwards."""
    flags, environ = Flags(), dict[str, str]()

    def look() -> tuple[int | None, Origin]:
        loaded = load(flags, environ, sealed)
        return loaded.settings.parameters.max_tokens, loaded.provenance["parameters.max_tokens"]

    assert look()[0] == 512
    user = paths.user_config_file()
    _write(user, "[parameters]\nmax_tokens = 11\n[timeouts]\nconnect = 1\n")
    assert look() == (11, Origin(Layer.USER, str(user), 2))
    _write(sealed / "latency-tui.toml", "[parameters]\n\nmax_tokens = 12\n[timeouts]\nfirst_token = 2\n")
    assert look() == (12, Origin(Layer.PROJECT, "./latency-tui.toml", 3))
    _write(sealed / "plan.toml", "[parameters]\nmax_tokens = 13\n[timeouts]\nrequest = 3\n")
    flags = Flags(config=Path("plan.toml"))
    assert look() == (13, Origin(Layer.CONFIG, "plan.toml", 2))
    environ["LATENCY_TUI_PARAMETERS_MAX_TOKENS"] = "14"
    assert look() == (14, Origin(Layer.ENVIRONMENT, "LATENCY_TUI_PARAMETERS_MAX_TOKENS"))
    flags = Flags(config=Path("plan.toml"), max_tokens=15)
    assert look() == (15, Origin(Layer.FLAG, "--max-tokens"))

    loaded = load(flags, environ, sealed)
    timeouts = loaded.settings.timeouts
    assert (timeouts.connect, timeouts.first_token, timeouts.between_tokens, timeouts.request) == (1, 2, 60, 3)
    assert [loaded.provenance[f"timeouts.{key}"].layer for key in ("connect", "first_token", "request")] == [
        Layer.USER,
        Layer.PROJECT,
        Layer.CONFIG,
    ]
    assert sum(place.was_read for place in loaded.places) == 4


def test_targets_are_replaced_as_a_whole(sealed: Path) -> None:
    _write(paths.user_config_file(), '[[targets]]\nmodel = "a"\nname = "n"\n[[targets]]\nmodel = "b"\n')
    _write(sealed / "latency-tui.toml", '[[targets]]\nmodel = "c"\n')
    loaded = load(Flags(), {}, sealed)
    assert [target.model for target in loaded.settings.targets] == ["c"]
    assert [path for path in loaded.provenance if path.startswith("targets")] == ["targets", "targets.0.model"]
    loaded = load(Flags(models=("d", "e")), {}, sealed)
    assert [target.model for target in loaded.settings.targets] == ["d", "e"]
    assert loaded.provenance["targets"] == loaded.provenance["targets.1.model"] == Origin(Layer.FLAG, "--model")


def test_endpoints_merge_key_by_key(sealed: Path) -> None:
    _write(
        paths.user_config_file(), '[endpoints.anthropic]\napi_key_env = "OTHER"\n[endpoints.x]\nbase_url="http://x"\n'
    )
    plan = _write(sealed / "plan.toml", '[endpoints.x]\napi_key_env = "X_KEY"\n')
    endpoints = load(Flags(config=plan), {}, sealed).settings.endpoints
    assert (endpoints["anthropic"].base_url, endpoints["anthropic"].api_key_env) == (
        "https://api.anthropic.com",
        "OTHER",
    )
    assert (endpoints["x"].base_url, endpoints["x"].api_key_env) == ("http://x", "X_KEY")


NO_CHANGE = "and not changed by a file that was found and not chosen: put it into your own file, or name this one "


@pytest.mark.parametrize(
    "line", ['base_url = "https://evil.example"', 'headers = { x-a = "b" }', "timeouts.connect = 1"]
)
def test_a_file_that_nobody_chose_changes_no_endpoint(line: str, sealed: Path) -> None:
    project = _write(sealed / "latency-tui.toml", f"[endpoints.anthropic]\n{line}\n")
    sentence = _error(Flags(), {}, sealed)
    assert sentence.startswith("./latency-tui.toml, line 1: endpoints.anthropic is defined in ")
    assert sentence.endswith(f"{NO_CHANGE}with --config.")
    # The remedy that it names: chosen, it may say what it likes.
    load(Flags(config=Path(project.name)), {}, sealed)


def test_nor_does_it_when_a_chosen_file_comes_after_it(sealed: Path) -> None:
    """Else the later file's key would go to the earlier file's server."""
    _write(sealed / "latency-tui.toml", '[endpoints.team]\nbase_url = "https://evil.example"\n')
    plan = _write(sealed / "plan.toml", '[endpoints.team]\napi_key_env = "TEAM_KEY"\n')
    assert NO_CHANGE in _error(Flags(config=plan), {}, sealed)


def test_it_may_define_a_new_one_without_a_key(sealed: Path) -> None:
    _write(sealed / "latency-tui.toml", '[endpoints.here]\nbase_url = "http://127.0.0.1:8080"\n')
    here = load(Flags(), {"ANTHROPIC_API_KEY": "x"}, sealed).settings.endpoints["here"]
    assert (here.api_key_env, here.key_command) == (None, ())


def test_base_url_variable(sealed: Path) -> None:
    name = "ANTHROPIC_BASE_URL"
    loaded = load(Flags(), {name: "http://localhost:9/"}, sealed)
    assert loaded.settings.endpoints["anthropic"].base_url == "http://localhost:9"
    assert loaded.provenance["endpoints.anthropic.base_url"] == Origin(Layer.ENVIRONMENT, name)
    assert load(Flags(), {name: " "}, sealed).settings.endpoints["anthropic"].base_url == "https://api.anthropic.com"
    sentence = _error(Flags(), {name: "http://localhost:9/v1"}, sealed)
    assert sentence.startswith(f"{name}: endpoints.anthropic.base_url must end before /v1")


def test_variables_for_every_single_value(sealed: Path) -> None:
    environ = {
        "LATENCY_TUI_ENDPOINT": "simulator",
        "LATENCY_TUI_PROMPT_SYSTEM": "",
        "LATENCY_TUI_PROMPT_USER": "hi",
        "LATENCY_TUI_PARAMETERS_MAX_TOKENS": "9",
        "LATENCY_TUI_PARAMETERS_TEMPERATURE": "0.5",
        "LATENCY_TUI_TIMEOUTS_CONNECT": "1.5",
        "LATENCY_TUI_TIMEOUTS_FIRST_TOKEN": "2",
        "LATENCY_TUI_TIMEOUTS_BETWEEN_TOKENS": "3",
        "LATENCY_TUI_TIMEOUTS_REQUEST": "4",
        "LATENCY_TUI_UI_FRAME_RATE": "5",
    }
    loaded = load(Flags(), environ, sealed)
    settings = loaded.settings
    assert (settings.endpoint, settings.prompt.user, settings.ui.frame_rate) == ("simulator", "hi", 5)
    assert (settings.parameters.max_tokens, settings.parameters.temperature) == (9, 0.5)
    assert settings.timeouts.connect == 1.5
    assert sum(source.layer is Layer.ENVIRONMENT for source in loaded.provenance.values()) == len(environ)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "LATENCY_TUI_PARAMETERS_MAX_TOKEN",
            "1",
            "LATENCY_TUI_PARAMETERS_MAX_TOKEN: unknown variable; did you mean LATENCY_TUI_PARAMETERS_MAX_TOKENS?",
        ),
        (
            "LATENCY_TUI_PARAMETERS_MAX_TOKENS",
            "many",
            "LATENCY_TUI_PARAMETERS_MAX_TOKENS: parameters.max_tokens must be a whole number from 1 to 1000000, "
            'but is "many".',
        ),
        (
            "LATENCY_TUI_PARAMETERS_MAX_TOKENS",
            "",
            "LATENCY_TUI_PARAMETERS_MAX_TOKENS: parameters.max_tokens must be a whole number from 1 to 1000000, "
            "but is an empty text.",
        ),
        (
            "LATENCY_TUI_UI_FRAME_RATE",
            "nan",
            'LATENCY_TUI_UI_FRAME_RATE: ui.frame_rate must be a number from 1 to 30, or "auto", but is "nan".',
        ),
        (
            "LATENCY_TUI_ENDPOINT",
            "simulater",
            'LATENCY_TUI_ENDPOINT: endpoint names "simulater", which is not an endpoint; did you mean simulator?',
        ),
        ("LATENCY_TUI_PROMPT_USER", "\udcff", "LATENCY_TUI_PROMPT_USER: prompt.user must be UTF-8 text."),
    ],
)
def test_variables_that_cannot_be_used(name: str, value: str, sentence: str, sealed: Path) -> None:
    assert _error(Flags(), {name: value}, sealed) == sentence


def test_unknown_variable_never_repeats_its_value(sealed: Path) -> None:
    assert "CANARY" not in _error(Flags(), {"LATENCY_TUI_API_KEY": "CANARY"}, sealed)
    assert "CANARY" not in _error(Flags(), {"LATENCY_TUI_ENDPOINT": "sk-ant-CANARY"}, sealed)


def test_flags(sealed: Path) -> None:
    loaded = load(Flags(prompt="p", system="s", models=("m",), base_url="https://h/x/"), {}, sealed)
    settings = loaded.settings
    assert (settings.prompt.user, settings.prompt.system, settings.endpoint) == ("p", "s", "custom")
    custom = settings.endpoints["custom"]
    assert (custom.base_url, custom.api_key_env) == ("https://h/x", None)
    assert loaded.provenance["endpoint"] == Origin(Layer.FLAG, "--base-url")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (Flags(max_tokens=0), "--max-tokens: must be a whole number from 1 to 1000000, but is 0."),
        (Flags(models=("",)), "--model: must be 1 to 256 printable characters, but is an empty text."),
        (Flags(models=("a",) * 257), "--model: there must be at most 256 targets, but there are 257."),
        (
            Flags(base_url="http://h/v1"),
            "--base-url: must end before /v1, which is added to every request; a server of OpenAI's protocols has "
            'kind = "openai".',
        ),
        (
            Flags(base_url="http://h", demo=True),
            "--demo and --base-url exclude each other: --demo asks the simulator.",
        ),
        (Flags(prompt="\udcff"), "PROMPT: must be UTF-8 text."),
    ],
    ids=["max_tokens", "model", "models", "base_url", "demo", "prompt"],
)
def test_flags_that_cannot_be_used(flags: Flags, sentence: str, sealed: Path) -> None:
    assert _error(flags, {}, sealed) == sentence


def test_demo_reaches_no_real_server_even_where_a_target_names_one(sealed: Path) -> None:
    _write(sealed / "latency-tui.toml", 'endpoint = "anthropic"\n[[targets]]\nmodel = "a"\nendpoint = "anthropic"\n')
    settings = load(Flags(demo=True), {"LATENCY_TUI_ENDPOINT": "anthropic"}, sealed).settings
    assert settings.endpoint == "simulator"
    assert settings.targets[0].endpoint is None


def test_project_file_that_is_a_directory(sealed: Path) -> None:
    (sealed / "latency-tui.toml").mkdir()
    assert _error(Flags(), {}, sealed) == "./latency-tui.toml: cannot be read: is a directory."


def test_nothing_is_created(sealed: Path) -> None:
    load(Flags(), {}, sealed)
    assert sorted(path.name for path in sealed.parent.rglob("*")) == ["cwd"]


@pytest.mark.parametrize("name", ["session_usd", "sitting_usd"])
def test_the_cap_of_a_session_is_read_under_its_old_name_too(name: str, sealed: Path) -> None:
    _write(sealed / "plan.toml", f"[budget]\n{name} = 0.5\n")
    loaded = load(Flags(config=Path("plan.toml")), {}, sealed)
    assert loaded.settings.budget.session_usd == 0.5
    assert loaded.provenance["budget.session_usd"].line == 2
    assert load(Flags(), {f"LATENCY_TUI_BUDGET_{name.upper()}": "0.5"}, sealed).settings.budget.session_usd == 0.5
    _write(sealed / "plan.toml", f"[budget]\n{name} = -1\n")
    assert f"budget.{name} must be" in _error(Flags(config=Path("plan.toml")), {}, sealed)


def test_the_new_name_wins_over_the_old_one(sealed: Path) -> None:
    both = {"LATENCY_TUI_BUDGET_SESSION_USD": "1", "LATENCY_TUI_BUDGET_SITTING_USD": "2"}
    assert load(Flags(), both, sealed).settings.budget.session_usd == 1
    _write(sealed / "plan.toml", "[budget]\nsession_usd = 1\nsitting_usd = 2\n")
    assert "unknown key budget.sitting_usd" in _error(Flags(config=Path("plan.toml")), {}, sealed)
