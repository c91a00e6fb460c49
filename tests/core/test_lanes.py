"""What lanes are called, in what they differ, and which of them go on when targets change."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.core.lanes import described, differences, own, successors, with_own_labels
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Target

ENDPOINTS = (
    Endpoint(name="main", base_url="https://a"),
    Endpoint(name="local", base_url="http://b"),
    Endpoint(name="old", base_url="https://c", api_version="2023-01-01"),
)

TARGETS = st.builds(
    Target,
    model=st.sampled_from(["m", "n"]),
    endpoint=st.sampled_from([None, "local"]),
    name=st.sampled_from([None, "mine", "m", "m (2)"]),
    drop=st.sampled_from([(), ("speed",)]),
    parameters=st.builds(
        Parameters, effort=st.sampled_from([None, "low", "high"]), max_tokens=st.sampled_from([None, 5])
    ),
)


def target(model: str = "m", **parameters: Any) -> Target:
    return Target(model=model, parameters=Parameters(**parameters))


def plan(*targets: Target, **shared: Any) -> Plan:
    shared = {"max_tokens": 100} | shared
    return Plan(
        prompt=Prompt(user="x"),
        parameters=Parameters(**shared),
        targets=targets,
        endpoints=ENDPOINTS,
        default_endpoint="main",
    )


def labels(*targets: Target) -> list[str]:
    return [one.label for one in with_own_labels(targets)]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("effort", "low", "effort low"),
        ("effort", None, "no effort"),
        ("cache", "5m", "cache 5m"),
        ("cache", True, "cache on"),
        ("cache", False, "cache off"),
        ("temperature", 0.0, "temperature 0"),
        ("max_tokens", 256, "max tokens 256"),
        ("thinking_budget", 2048, "budget 2048"),
        ("stop_sequences", ("END", "\n\n"), r"stop END, \n\n"),
        ("extra", {"metadata": {"a": 1}, "x": 2}, "extra metadata, x"),
        ("inference_geo", "a-region-with-a-very-long-name", "region a-region-with-a-very-lo…"),
    ],
)
def test_a_parameter_in_few_words(name: str, value: object, words: str) -> None:
    assert described(name, value) == words


def test_what_a_target_says_besides_its_model() -> None:
    assert own(target()) == ()
    whole = Target(model="m", endpoint="local", drop=("speed", "effort"), parameters=Parameters(effort="low"))
    assert own(whole) == ("effort low", "no speed", "@local")


@pytest.mark.parametrize(
    ("one", "shared", "said"),
    [
        (target(), {}, ()),
        (target(max_tokens=100), {}, ()),
        (target(effort="low", cache="5m"), {"effort": "high"}, ("effort low", "cache 5m")),
        (Target(model="m", drop=("effort", "speed")), {"effort": "high"}, ("no effort",)),
        (target(temperature=0.5), {}, ("temperature 0.5", "API 2023-06-01")),
        (target(), {"temperature": 0.5}, ("API 2023-06-01",)),
        (Target(model="m", drop=("temperature",)), {"temperature": 0.5}, ("no temperature",)),
        (Target(model="m", endpoint="main"), {}, ()),
        (Target(model="m", endpoint="local"), {}, ("@local",)),
        (Target(model="m", endpoint="old"), {}, ("API 2023-01-01", "@old")),
    ],
)
def test_a_lane_says_only_what_differs(one: Target, shared: dict[str, Any], said: tuple[str, ...]) -> None:
    assert differences(one, plan(one, **shared)) == said


def test_an_endpoint_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        differences(Target(model="m", endpoint="gone"), plan())


def test_several_of_one_model_are_called_by_what_tells_them_apart() -> None:
    assert labels(target(effort="low")) == ["m"]
    assert labels(target(), target(effort="low")) == ["m", "m, effort low"]
    assert labels(target(effort="low", cache="5m"), target(effort="high", cache="5m")) == [
        "m, effort low",
        "m, effort high",
    ]
    assert labels(target(), Target(model="m", endpoint="local"), target("n", effort="low")) == ["m", "m, @local", "n"]


def test_what_is_alike_in_all_gets_a_number() -> None:
    assert labels(target(), target(), target()) == ["m", "m (2)", "m (3)"]
    named = msgspec.structs.replace(target(), name="m (2)")
    assert labels(target(), target(), named) == ["m", "m (3)", "m (2)"]


def test_a_name_is_left_as_it_is() -> None:
    assert labels(msgspec.structs.replace(target(effort="low"), name="mine"), target()) == ["mine", "m"]


@given(st.lists(TARGETS, max_size=8))
def test_every_lane_has_a_label_of_its_own_and_asks_what_it_asked(targets: list[Target]) -> None:
    labelled = with_own_labels(targets)
    assert len({one.label for one in labelled}) == len(targets)
    assert [msgspec.structs.replace(one, name=None) for one in labelled] == [
        msgspec.structs.replace(one, name=None) for one in targets
    ]
    assert with_own_labels(labelled) == labelled


@given(st.lists(TARGETS, max_size=8), st.lists(TARGETS, max_size=8))
def test_no_target_goes_on_twice_or_as_another_model(before: list[Target], after: list[Target]) -> None:
    found = [index for index in successors(before, after) if index is not None]
    assert len(found) == len(set(found))
    for index, one in zip(successors(before, after), after, strict=True):
        if index is not None:
            assert (before[index].model, before[index].endpoint) == (one.model, one.endpoint)


@given(st.lists(TARGETS, max_size=8).map(with_own_labels), st.randoms())
def test_targets_that_stay_go_on_in_whatever_order(targets: tuple[Target, ...], random: Any) -> None:
    order = list(range(len(targets)))
    random.shuffle(order)
    assert successors(targets, [targets[index] for index in order]) == order


def test_a_target_goes_on_when_its_parameters_change() -> None:
    before = with_own_labels([target(), target(effort="low")])
    after = with_own_labels([target(), target(effort="high")])
    assert successors(before, after) == [0, 1]


def test_of_two_alike_the_one_that_is_left_goes_on() -> None:
    """Alone it is called by the model only, as the one that went was."""
    before = with_own_labels([target(), target(effort="low")])
    assert successors(before, with_own_labels([target(effort="low")])) == [1]


def test_another_model_is_a_new_one() -> None:
    assert successors([target("m")], [target("n")]) == [None]
    assert successors([target("m")], [Target(model="m", endpoint="local")]) == [None]
