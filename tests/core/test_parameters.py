"""Shared parameters and a target's own."""

import msgspec
import pytest

from tui.core.parameters import Parameters


def test_overrides_win_and_the_rest_is_inherited() -> None:
    shared = Parameters(max_tokens=512, stop_sequences=("END",), temperature=0.5)
    own = Parameters(max_tokens=10)
    assert shared.overridden_by(own) == Parameters(max_tokens=10, stop_sequences=("END",), temperature=0.5)


def test_zero_and_empty_are_values_and_not_absent() -> None:
    shared = Parameters(stop_sequences=("END",), temperature=0.5)
    own = Parameters(stop_sequences=(), temperature=0.0)
    assert shared.overridden_by(own) == own


def test_nothing_set_changes_nothing() -> None:
    shared = Parameters(max_tokens=7)
    assert shared.overridden_by(Parameters()) == shared
    assert Parameters().overridden_by(shared) == shared


@pytest.mark.parametrize("values", [{"max_tokens": 0}, {"max_tokens": 1_000_001}, {"temperature": 2.1}])
def test_limits_hold_on_the_wire(values: dict[str, float]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(values, Parameters)


def test_a_dropped_field_is_not_set() -> None:
    assert Parameters(max_tokens=5, effort="low", cache=True).without(["effort", "cache"]) == Parameters(max_tokens=5)


def test_the_sampling_parameters_that_are_set() -> None:
    assert Parameters(max_tokens=5).sampling == ()
    assert Parameters(top_k=0, temperature=0.0).sampling == ("temperature", "top_k")
