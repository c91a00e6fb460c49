"""What each part loads, seen in a fresh process: the layers as they are at run time."""

import json
import subprocess
import sys

import pytest

from tui.ui.charts import CHARTS

SDK = {"anthropic", "httpx2", "httpcore2", "pydantic"}
SCREEN = {"textual", "rich", "plotext"}
HEAVY = {"dask", "distributed", "numpy", "opentelemetry"}


def loaded(*modules: str) -> set[str]:
    """Every module there is after importing these."""
    code = f"import importlib, json, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
    process = subprocess.run(
        [sys.executable, "-c", code + "print(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return set(json.loads(process.stdout))


@pytest.mark.parametrize(
    "modules",
    [
        ("tui.core.events", "tui.core.record", "tui.core.plan", "tui.core.statistics", "tui.core.sanitize"),
        ("tui.core.comparison", "tui.core.sequential", "tui.core.regression_limits", "tui.core.decomposition"),
        ("tui.config.load", "tui.config.show", "tui.config.remembered", "tui.config.known_models"),
        ("tui.history.record_file", "tui.history.recorder", "tui.history.store"),
        ("tui.export.formats", "tui.export.json_format", "tui.export.otel"),
        ("tui.engine.client", "tui.engine.protocol"),
        ("tui.simulator.process",),
        ("tui.headless.load",),
        ("tui.cli", "tui.__main__"),
    ],
    ids=lambda modules: modules[0],
)
def test_neither_screen_nor_sdk(modules: tuple[str, ...]) -> None:
    assert not (SDK | SCREEN | HEAVY) & loaded(*modules)


def test_the_screen_loads_no_sdk() -> None:
    modules = loaded("tui.ui.app", "tui.ui.start", "tui.session.session", "tui.ui.screens.main")
    assert "textual" in modules
    assert not (SDK | {"numpy"}) & modules


def test_the_first_picture_does_without_what_measures_stores_and_judges() -> None:
    first = (
        "tui.cli",
        "tui.ui.start",
        "tui.ui.app",
        "tui.session.session",
        "tui.session.draft_on_disk",
        "tui.session.drafts",
    )
    modules = loaded(*first, CHARTS[0].module)
    assert "tui.ui.charts" in modules
    assert not {"plotext", "sqlite3", *(kind.module for kind in CHARTS[1:])} & modules
    later = ("tui.advice.", "tui.engine.", "tui.export.", "tui.history.", "tui.ui.controllers.dispatcher")
    assert [module for module in modules if module.startswith(later)] == []


def test_charts_load_no_screen() -> None:
    assert not (SDK | SCREEN | HEAVY) & loaded(*(kind.module for kind in CHARTS))


def test_the_engine_loads_no_screen() -> None:
    modules = loaded("tui.engine.server")
    assert modules >= {"anthropic", "httpx2"}
    assert not SCREEN & modules


def test_the_simulator_loads_nothing_of_what_it_checks() -> None:
    modules = loaded("tui.simulator.command")
    assert not (SDK | SCREEN) & modules
    assert not [name for name in modules if name.startswith(("tui.engine", "tui.core", "tui.ui"))]
