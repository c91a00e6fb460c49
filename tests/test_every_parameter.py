"""Every parameter everywhere: one that is set is sent, and it is in the fingerprint, form, keys, heads and records."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from export.samples import simple_run

from tui.config import schema
from tui.config.load import Flags, load
from tui.config.show import describe, toml
from tui.core.lanes import own
from tui.core.parameters import PARAMETERS, Parameters
from tui.core.plan import Plan, RequestSpec
from tui.core.prompt import Prompt
from tui.core.refusals import refusals, refused_parameter
from tui.core.target import Endpoint, Target, Timeouts
from tui.engine.wires.messages.request_body import arguments, body
from tui.export.document import schema as export_schema
from tui.export.formats import Format, render
from tui.session.lane import Lane, fingerprint_of
from tui.simulator.message_request import message_request
from tui.simulator.profiles import load as load_profiles
from tui.ui.viewmodel.form_rows import PARAMETER_ROWS

HERE = Endpoint(name="here", base_url="http://127.0.0.1:1")
COMPANIONS: dict[str, dict[str, Any]] = {
    "thinking_budget": {"thinking": "enabled", "max_tokens": 4096},
    "thinking_display": {"thinking": "adaptive"},
}
"""Parameters without which another one means nothing."""
MODELS = {"thinking_budget": "claude-haiku-4-5", **dict.fromkeys(("temperature", "top_p", "top_k"), "claude-haiku-4-5")}
"""Models that take what the newest refuses."""

each_parameter = pytest.mark.parametrize("name", Parameters.__struct_fields__)


def around(name: str, **value: Any) -> Parameters:
    return Parameters(**{"max_tokens": 512} | COMPANIONS.get(name, {}) | value)


def with_example(name: str) -> Parameters:
    return around(name, **{name: PARAMETERS[name].example})


def spec(parameters: Parameters, model: str) -> RequestSpec:
    return RequestSpec(
        request_id=1,
        target="lane",
        model=model,
        endpoint=HERE,
        prompt=Prompt(user="Hello"),
        parameters=parameters,
        timeouts=Timeouts(),
    )


def at(path: str, table: dict[str, Any]) -> Any:
    for part in path.split("."):
        table = table[part]
    return table


def as_json(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_every_field_is_declared() -> None:
    assert tuple(PARAMETERS) == Parameters.__struct_fields__
    for name, declared in PARAMETERS.items():
        assert declared.help.endswith("."), name
        assert msgspec.convert({name: declared.example}, Parameters) == Parameters(**{name: declared.example})


@each_parameter
def test_one_that_is_set_is_sent(name: str) -> None:
    sent, unset = body(spec(with_example(name), "a")), body(spec(around(name), "a"))
    assert sent != unset
    if name == "extra":
        assert sent == unset | PARAMETERS[name].example
    elif name == "thread":
        assert sent["thread"] == {"type": "create"}
    elif name == "cache":
        assert sent["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    else:
        assert at(PARAMETERS[name].wire, sent) == as_json(PARAMETERS[name].example)


@each_parameter
def test_the_simulator_takes_it(name: str) -> None:
    profile = load_profiles()[model := MODELS.get(name, "claude-opus-5-5")]
    asked = spec(with_example(name), model)
    betas = {profile.fast_beta} if profile.fast_beta else set()
    message_request(body(asked), asked.api_version or "2026-10-21", profile, betas)


@each_parameter
def test_the_sdk_is_given_all_of_it(name: str) -> None:
    asked = spec(with_example(name), "a")
    given = arguments(asked)
    given.pop("extra_headers", None)
    assert given.pop("extra_body", {}) | given == body(asked)


@each_parameter
def test_it_is_in_the_fingerprint(name: str) -> None:
    def fingerprint(parameters: Parameters) -> str:
        plan = Plan(
            prompt=Prompt(user="Hello"),
            parameters=parameters,
            targets=(target := Target(model="a"),),
            endpoints=(HERE,),
            default_endpoint="here",
        )
        return fingerprint_of(plan, Lane(target), None)

    assert fingerprint(with_example(name)) != fingerprint(around(name, **{name: None}))


@each_parameter
def test_it_is_in_the_form(name: str) -> None:
    row = next(row for row in PARAMETER_ROWS if row.name == name)
    example = PARAMETERS[name].example
    assert row.read(row.write(example)) == example
    assert row.choices or row.hint, "nothing says what may be typed"


@each_parameter
def test_it_is_a_key_of_the_configuration(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    example = with_example(name)
    (tmp_path / "plan.toml").write_text(f"[parameters]\n{_toml(msgspec.to_builtins(example))}")
    loaded = load(Flags(config=Path("plan.toml")), {}, tmp_path)
    assert loaded.settings.parameters == Parameters(stop_sequences=()).overridden_by(example)
    (tmp_path / "again.toml").write_text(describe(loaded, {}))
    assert load(Flags(config=Path("again.toml")), {}, tmp_path).settings == loaded.settings
    assert PARAMETERS[name].help in {key.help for key in schema.TABLES["parameters"]}


@each_parameter
def test_a_lane_is_told_by_it(name: str) -> None:
    (text,) = own(Target(model="a", parameters=Parameters(**{name: PARAMETERS[name].example})))
    assert text.startswith(PARAMETERS[name].word)


@cache
def described() -> dict[str, Any]:
    """The parameters in the schema of exports."""
    found: dict[str, Any] = msgspec.json.decode(export_schema())["$defs"]["Parameters"]["properties"]
    return found


@each_parameter
def test_it_is_in_records_and_exports(name: str) -> None:
    asked = spec(with_example(name), "a")
    assert msgspec.json.decode(msgspec.json.encode(asked), type=RequestSpec) == asked
    run = simple_run()
    run.requests[0].spec = asked
    (exported, *_) = msgspec.json.decode("".join(render([run], Format.JSON, environ={})))["requests"]
    assert exported["parameters"][name] == as_json(PARAMETERS[name].example)
    assert described()[name]["description"] == PARAMETERS[name].help


@each_parameter
def test_a_refusal_that_names_it_is_understood(name: str) -> None:
    wire = "metadata" if name == "extra" else PARAMETERS[name].wire
    assert refused_parameter(f"{wire}: Input should be something else", with_example(name)) == name
    assert not refusals(with_example(name), None), "of a model that is not known nothing is refused"


def _toml(values: dict[str, Any]) -> str:
    return "".join(f"{name} = {toml(value)}\n" for name, value in values.items())
