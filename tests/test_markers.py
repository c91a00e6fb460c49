"""Every test has one kind, and a unit test keeps to what its kind promises."""

import subprocess
import sys

import pytest
from conftest import KINDS


def test_every_test_has_one_kind(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        kinds = [mark.name for mark in item.iter_markers() if mark.name in KINDS]
        assert len(kinds) == 1, f"{item.nodeid} is marked {kinds}"


def test_the_kinds_are_those_of_the_configuration(pytestconfig: pytest.Config) -> None:
    described = [line.partition(":")[0] for line in pytestconfig.getini("markers")]
    assert [name for name in described if name in KINDS] == list(KINDS)


def test_a_unit_test_that_starts_a_process_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match="a unit test starts a process"):
        subprocess.run([sys.executable, "-c", ""], check=False)
