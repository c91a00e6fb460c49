"""Every test has one kind, and a unit test keeps to what its kind promises."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import KINDS, pytest_ignore_collect, pytest_xdist_auto_num_workers


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


@pytest.mark.parametrize(
    ("wanted", "module", "is_left_out"),
    [
        ("unit", "ui/screens/test_help_menu.py", True),
        ("unit", "headless/test_run.py", True),
        ("unit", "test_markers.py", False),
        ("screen", "ui/screens/test_help_menu.py", False),
        ("screen or unit", "headless/test_run.py", False),
        ("", "headless/test_run.py", False),
    ],
)
def test_what_has_no_test_of_the_only_kind_is_not_imported(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch, wanted: str, module: str, is_left_out: bool
) -> None:
    monkeypatch.setattr(pytestconfig.option, "markexpr", wanted)
    assert bool(pytest_ignore_collect(Path(__file__).parent / module, pytestconfig)) is is_left_out
    workers = (1 if wanted == "unit" else 2) * (os.cpu_count() or 1)
    assert pytest_xdist_auto_num_workers(pytestconfig) == workers
