"""Every parameter and every setting of an endpoint from a plan file, and the sentence for each that cannot be."""

from pathlib import Path

import pytest

from tui.config.load import Flags, build_plan, default_endpoint, load
from tui.config.remembered import TargetList, load_targets, save_targets
from tui.config.schema import Settings
from tui.config.show import describe
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.target import Endpoint, Target, TimeoutOverrides
from tui.errors import ConfigError

HERE = Path(__file__).parent
PLAN = HERE / "valid/levers.toml"
ENDPOINT = '[endpoints.far]\nbase_url = "https://example.org"\n'


def settings(cwd: Path, text: str = "", *, name: str = "plan.toml") -> Settings:
    (cwd / name).write_text(text)
    flags = Flags(config=Path(name)) if name == "plan.toml" else Flags()
    return load(flags, {}, cwd).settings


def complaint(cwd: Path, text: str, *, name: str = "plan.toml") -> str:
    with pytest.raises(ConfigError) as caught:
        settings(cwd, text, name=name)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert "CANARY" not in sentence
    return sentence


@pytest.fixture
def requests(sealed: Path) -> dict[str, RequestSpec]:
    plan = build_plan(load(Flags(config=PLAN), {}, sealed).settings, {}, "http://127.0.0.1:1")
    return {spec.target: spec for spec in plan.requests(1)}


def test_shared_parameters_own_ones_and_dropped_ones(requests: dict[str, RequestSpec]) -> None:
    shared = Parameters(
        max_tokens=4096,
        stop_sequences=("END",),
        effort="low",
        thinking="adaptive",
        thinking_display="omitted",
        speed="standard",
        cache="5m",
        service_tier="standard_only",
        inference_geo="us",
        extra={"metadata": {"user_id": "someone"}, "list": [1, 2.5, True]},
    )
    assert requests["all shared"].parameters == shared
    own = Parameters(effort="max", thinking="enabled", thinking_budget=2048, speed="fast", cache=False, extra={})
    assert requests["its own"].parameters == shared.overridden_by(own)
    sampled = shared.without(["effort", "thinking", "thinking_display", "cache", "speed", "extra"])
    own = Parameters(temperature=0.2, top_p=0.9, top_k=40)
    assert requests["sampled"].parameters == sampled.overridden_by(own)


def test_the_api_version_follows_from_parameters_and_endpoint(requests: dict[str, RequestSpec]) -> None:
    assert requests["all shared"].api_version is None
    assert requests["sampled"].api_version == "2023-06-01"
    assert requests["elsewhere"].api_version == "2024-01-01"


def test_everything_of_an_endpoint(requests: dict[str, RequestSpec]) -> None:
    spec = requests["elsewhere"]
    assert spec.endpoint == Endpoint(
        name="gateway",
        base_url="https://gateway.example",
        api_key_env="GATEWAY_KEY",
        key_command=("pass", "show", "team api"),
        api_version="2024-01-01",
        headers={"x-team": "search", "anthropic-beta": "fast-mode-2026-02-01"},
        ca_file="~/ca.pem",
        proxy="socks5://127.0.0.1:1080",
        timeouts=TimeoutOverrides(first_token=300.0, request=900.0),
    )
    assert (spec.timeouts.connect, spec.timeouts.first_token, spec.timeouts.request) == (10.0, 300.0, 900.0)
    assert requests["all shared"].timeouts.first_token == 120.0


def test_the_listing_loads_to_the_same_settings(sealed: Path) -> None:
    loaded = load(Flags(config=PLAN), {}, sealed)
    text = describe(loaded, {})
    assert 'extra = { metadata = { user_id = "someone" }, list = [1, 2.5, true] }' in text
    assert "GATEWAY_KEY is not set" not in text
    assert "key_command is asked for the key" in text
    assert settings(sealed, text) == loaded.settings


def test_the_choice_of_targets_is_remembered_with_all_their_parameters(sealed: Path) -> None:
    targets = load(Flags(config=PLAN), {}, sealed).settings.targets
    save_targets(targets)
    assert load_targets() == TargetList(targets=targets)


def test_a_command_for_the_key_is_a_key(sealed: Path) -> None:
    known = settings(sealed, '[endpoints.anthropic]\nkey_command = ["print-key", "--for me"]\n')
    assert default_endpoint(known, {}) == "anthropic"
    assert known.endpoints["anthropic"].key_command == ("print-key", "--for me")
    open_one = settings(sealed, '[endpoints.far]\nbase_url = "http://example.org"\nkey_command = "print-key"\n')
    with pytest.raises(ConfigError, match=r"the key of key_command could be read .* or remove key_command\.$"):
        build_plan(open_one, {}, "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ('effort = "hihg"', 'parameters.effort must be "low", "medium", "high", "xhigh" or "max", but is "hihg".'),
        ("thinking_budget = 1023", "thinking_budget must be a whole number from 1024 to 1000000, but is 1023."),
        ('cache = "2m"', 'parameters.cache must be true, false, "5m" or "1h", but is "2m".'),
        ("cache = 5", 'parameters.cache must be true, false, "5m" or "1h", but is 5.'),
        ('speed = "slow"', 'parameters.speed must be "standard" or "fast", but is "slow".'),
        ("top_p = 1.5", "parameters.top_p must be a number from 0 to 1, but is 1.5."),
        ("top_k = -1", "parameters.top_k must be a whole number from 0 to 1000000, but is -1."),
        ('inference_geo = ""', "parameters.inference_geo must be a text of 1 to 64 characters, but is an empty text."),
        ('inference_geo = "a b"', 'parameters.inference_geo must be the name of a region, such as us, but is "a b".'),
        ('extra = "x"', 'parameters.extra must be a table, but is "x".'),
        ("extra = { stream = false }", "parameters.extra must not set stream: it is a parameter of its own."),
        ("extra = { top_k = 1 }", "parameters.extra must not set top_k: it is a parameter of its own."),
        ("extra = { a = [nan] }", "parameters.extra must hold what JSON can say, but holds nan."),
        ("extra = { a = 2026-11-22 }", "parameters.extra must hold what JSON can say, but holds a date or time."),
        ("extra = { a = 9223372036854775808 }", "parameters.extra must hold whole numbers of at most 64 bits."),
        ("thinking_budget = 2048", 'targets.0: thinking_budget is for thinking = "enabled", which is not set.'),
    ],
)  # fmt: skip
def test_a_parameter_that_cannot_be(text: str, end: str, sealed: Path) -> None:
    assert complaint(sealed, f"[parameters]\n{text}\n").endswith(end)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ('drop = ["efort"]', 'targets.0.drop names "efort", which cannot be dropped; did you mean effort?'),
        ('drop = ["max_tokens"]', ", extra."),
        ('thinking = "enabled"', 'line 2: targets.0: thinking = "enabled" needs a thinking_budget.'),
        (
            'thinking = "enabled"\nthinking_budget = 2000\nmax_tokens = 2000',
            "targets.0: thinking_budget must be less than max_tokens, but 2000 is not less than 2000.",
        ),
        (
            'thinking_display = "omitted"',
            'thinking_display is for thinking = "adaptive" or "enabled", which is not set.',
        ),
    ],
)
def test_a_target_that_cannot_be(text: str, end: str, sealed: Path) -> None:
    assert complaint(sealed, f'[[targets]]\nmodel = "a"\n{text}\n').endswith(end)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("key_command = 5", "endpoints.far.key_command must be a text or a list of texts, but is 5."),
        ("key_command = \"pass 'show\"", "endpoints.far.key_command must be a command, but its quotes are not closed."),
        ('key_command = ""', "endpoints.far.key_command must be a program and its arguments."),
        ("key_command = []", "endpoints.far.key_command must be a program and its arguments."),
        ('key_command = "echo sk-ant-CANARY"', "a key itself never belongs in a file."),
        (f'key_command = "echo {"CANARY" * 6}"', "a key itself never belongs in a file."),
        (f'key_command = ["x", "--key={"CANARY" * 6}"]', "a key itself never belongs in a file."),
        ('api_version = "new"', 'endpoints.far.api_version must be a text such as 2026-10-21, but is "new".'),
        ('headers = "x"', 'endpoints.far.headers must be a table, but is "x".'),
        ('headers = { "x y" = "a" }', 'must have names of letters, digits and -, but one is "x y".'),
        ('headers = { Anthropic-Version = "a" }', "must not set anthropic-version: set api_version."),
        ('headers = { Host = "a" }', "must not set host: it belongs to the connection."),
        (
            'headers = { X-Auth = "CANARY" }',
            "must not set x-auth; a key itself never belongs in a file: name its variable, as "
            'secret_headers = { x-auth = "VARIABLE" }.',
        ),
        ('headers = { Authorization = "CANARY" }', 'secret_headers = { authorization = "VARIABLE" }.'),
        ('secret_headers = { x-auth = "sk-ant-CANARY" }', "a key itself never belongs in a file."),
        ('secret_headers = { x-auth = "" }', "a key itself never belongs in a file."),
        ('secret_headers = { Host = "A" }', "holds a name that must not be host: it belongs to the connection."),
        ('secret_headers = { x-a = "A", X-A = "B" }', "must not set x-a twice."),
        ('secret_headers = { authorization = "A" }', "is for the key, a secret header or a header."),
        ('headers = { x-a = "1" }\nsecret_headers = { X-A = "A" }', "is for the key, a secret header or a header."),
        ('key_header = "x y"', 'must be the name of a header, such as api-key, but is "x y".'),
        ('key_header = "content-type"', "must not be content-type: it belongs to the connection."),
        (f'key_header = "{"CANARY" * 6}"', "because it looks like a key."),
        ('headers = { x-a = "1", X-A = "2" }', "must not set x-a twice."),
        ('headers = { x-a = "ü" }', "must hold printable ASCII texts, but x-a does not."),
        ("headers = { x-a = 1 }", "must hold printable ASCII texts, but x-a does not."),
        ('ca_file = " "', "endpoints.far.ca_file must be the path of a PEM file."),
        ('proxy = "proxy:3128"', 'or empty for none, but is "proxy:3128".'),
        ('proxy = "http://me:CANARY@proxy:1"', "leave it out and set HTTPS_PROXY in the environment."),
        ("timeouts.connect = 0", "endpoints.far.timeouts.connect must be a number above 0 and up to 86400, but is 0."),
        ("timeouts.conect = 1", "endpoints.far.timeouts.conect; did you mean endpoints.far.timeouts.connect?"),
        ("timeouts = 5", "endpoints.far.timeouts must be a table, but is a single value."),
    ],
)  # fmt: skip
def test_an_endpoint_that_cannot_be(text: str, end: str, sealed: Path) -> None:
    assert complaint(sealed, ENDPOINT + text + "\n").endswith(end)


@pytest.mark.parametrize(
    "text", ['api_key_env = "KEY"', 'key_command = "print-key"', 'ca_file = "ca.pem"', 'proxy = "http://proxy:1"']
)
def test_a_file_that_nobody_chose_runs_nothing_and_reroutes_nothing(text: str, sealed: Path) -> None:
    (sealed / "latency-tui.toml").write_text(ENDPOINT + text)
    (ignored,) = (loaded := load(Flags(), {}, sealed)).ignored
    assert str(ignored).startswith("./latency-tui.toml, line 3: endpoints.far.")
    assert str(ignored).endswith("put it into your own file, or name this one with --config.")
    (sealed / "latency-tui.toml").unlink()
    assert loaded.settings.endpoints["far"] == settings(sealed, ENDPOINT).endpoints["far"]
    assert settings(sealed, ENDPOINT + text).endpoints["far"].base_url == "https://example.org"


def test_an_empty_proxy_is_none_at_all(sealed: Path) -> None:
    assert settings(sealed, ENDPOINT + 'proxy = ""').endpoints["far"].proxy == ""
    assert settings(sealed, ENDPOINT).endpoints["far"].proxy is None


def test_single_values_come_from_variables_too(sealed: Path) -> None:
    environ = {"LATENCY_TUI_PARAMETERS_CACHE": "1h", "LATENCY_TUI_PARAMETERS_EFFORT": "low"}
    assert load(Flags(), environ, sealed).settings.parameters == Parameters(
        max_tokens=512, stop_sequences=(), cache="1h", effort="low"
    )
    assert load(Flags(), {"LATENCY_TUI_PARAMETERS_CACHE": "true"}, sealed).settings.parameters.cache is True


def test_a_target_keeps_what_is_false_and_empty() -> None:
    target = Target(model="a", parameters=Parameters(cache=False, extra={}))
    save_targets((target,))
    assert load_targets() == TargetList(targets=(target,))


def test_vertex_needs_to_know_where_and_for_whom(sealed: Path) -> None:
    sentence = complaint(sealed, ENDPOINT + 'kind = "vertex"\nregion = "us-east5"\n')
    assert sentence.endswith('endpoints.far has kind = "vertex", which needs a region and a project.')
    far = settings(sealed, ENDPOINT + 'kind = "vertex"\nregion = "us-east5"\nproject = "mine"\n').endpoints["far"]
    assert (far.kind, far.region, far.project) == ("vertex", "us-east5", "mine")


def test_bedrock_needs_to_know_where_and_signs_only_where_it_is_told_to(sealed: Path) -> None:
    assert complaint(sealed, ENDPOINT + 'kind = "bedrock"\n').endswith(
        'endpoints.far has kind = "bedrock", which needs a region.'
    )
    bedrock = ENDPOINT + 'kind = "bedrock"\nregion = "us-east-1"\n'
    assert not settings(sealed, bedrock).endpoints["far"].aws_credentials
    assert settings(sealed, bedrock + "aws_credentials = true\n").endpoints["far"].aws_credentials
    assert complaint(sealed, ENDPOINT + "aws_credentials = true\n").endswith(
        'endpoints.far has aws_credentials, which only kind = "bedrock" can use.'
    )


@pytest.mark.parametrize("kind", ["openai", "openai-responses"])
def test_a_range_is_that_of_the_endpoints_protocol(kind: str, tmp_path: Path) -> None:
    head = f'[endpoints.mine]\nbase_url = "http://127.0.0.1:1/v1"\nkind = "{kind}"\n[parameters]\ntemperature = 1.5\n'
    (tmp_path / "plan.toml").write_text(f'{head}[[targets]]\nmodel = "m"\nendpoint = "mine"\n')
    loaded = load(Flags(config=Path("plan.toml")), {}, tmp_path)
    assert loaded.settings.parameters.temperature == 1.5
    (tmp_path / "plan.toml").write_text(f'{head}[[targets]]\nmodel = "m"\n')
    with pytest.raises(
        ConfigError, match=r"line 5: parameters\.temperature: The Messages API takes temperature up to 1"
    ):
        load(Flags(config=Path("plan.toml")), {}, tmp_path)
