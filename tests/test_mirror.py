"""Tests mirror `tui/`: what `tui/x/y.py` does is tested in `tests/x/test_y.py` or `tests/x/test_y_<aspect>.py`.

Two lists of exceptions, each entry with its reason. They may shrink: a name that no longer stands for anything fails.
"""

from functools import cache
from pathlib import Path

import pytest
from counts import ROOT

TUI, TESTS = ROOT / "tui", ROOT / "tests"

TESTED_ELSEWHERE: dict[str, str] = {
    **dict.fromkeys(
        [
            "advice/citations",  # sources and types of what the rules and the report say
            "advice/evidence",
            "advice/suggestion",
        ],
        "advice/test_advise.py",
    ),
    **dict.fromkeys(["config/environment", "config/variables"], "config/test_load.py"),
    **dict.fromkeys(["config/endpoints", "config/keys"], "config/test_schema.py"),
    "config/paths": "config/test_remembered.py",
    # Plain data: their meaning is that of the functions that take them.
    "core/figure_row": "core/test_figures.py",
    "core/plan_contents": "export/test_plan_file.py",
    "core/finished": "session/test_live.py",
    "core/model": "config/test_known_models.py",
    "core/protocol": "simulator/test_openai.py",
    "core/run": "export/test_json_round_trip.py",
    "core/target": "core/test_plan.py",
    "engine/pinger": "engine/test_client.py",
    "engine/files": "core/test_attachment_files.py",
    "engine/warmup": "engine/test_bad_streams.py",
    # Answers out of the ordinary, through the real engine.
    **dict.fromkeys(["core/remarks", "simulator/odd_answers"], "engine/test_odd_answers.py"),
    "engine/wires/messages/events": "engine/wires/messages/test_answer.py",
    **dict.fromkeys(["arguments", "errors"], "test_cli.py"),
    "streams": "headless/test_endings.py",
    # All formats of one set of runs, side by side: `golden`, `json_round_trip`, `secrets` and `untrusted`.
    **dict.fromkeys(
        [
            "export/csv_export",
            "export/document",
            "export/escape",
            "export/html_report",
        ],
        "export/test_golden.py",
    ),
    **dict.fromkeys(["export/json_format", "export/portable"], "export/test_json_round_trip.py"),
    # The command as a job runs it.
    **dict.fromkeys(
        ["headless/measure", "headless/prompt_source", "headless/narration", "headless/results"], "headless/test_run.py"
    ),
    # The session as screen and command use it.
    "session/session": "session/test_preview.py",
    "session/archive": "ui/screens/test_history.py",
    "session/lane": "session/test_live.py",
    "session/spending": "session/test_preview.py",
    **dict.fromkeys(["session/draft_on_disk", "ui/controllers/plans"], "ui/screens/test_dialogs_open_plan.py"),
    "session/plan_files": "export/test_plan_file.py",
    "ui/widgets/files_view": "ui/screens/test_dialogs_open_plan.py",
    "session/trial_runner": "ui/screens/test_advice.py",
    "simulator/replies": "simulator/test_script.py",
    # The screen as a person uses it, by keys and mouse, in a real app.
    "ui/bindings": "ui/test_keymap.py",
    "ui/charts/scatter": "ui/charts/test_charts.py",
    "ui/controllers/advice": "ui/screens/test_advice.py",
    **dict.fromkeys(
        [
            "ui/controllers/charts",
            "ui/screens/chart",
            "ui/widgets/chart_painters",
        ],
        "ui/screens/test_main_charts.py",
    ),
    **dict.fromkeys(
        ["ui/controllers/context", "ui/controllers/dispatcher", "ui/controllers/reasons", "ui/widgets/key_bar"],
        "ui/screens/test_main_reasons.py",
    ),
    **dict.fromkeys(
        ["ui/controllers/history", "ui/screens/replay", "ui/widgets/history_view", "ui/widgets/runs_list"],
        "ui/screens/test_history.py",
    ),
    **dict.fromkeys(
        ["ui/controllers/lanes", "ui/screens/painter", "ui/widgets/lane_view", "ui/widgets/lanes_pane"],
        "ui/screens/test_main_lanes.py",
    ),
    **dict.fromkeys(
        [
            "ui/widgets/prompt_part",
            "ui/widgets/turns_view",
            "ui/widgets/variables_view",
            "ui/widgets/variants_view",
        ],
        "ui/screens/test_prompts.py",
    ),
    "ui/controllers/runs": "ui/screens/test_main_run.py",
    **dict.fromkeys(
        [
            "ui/controllers/drafting",
            "ui/widgets/choice_line",
        ],
        "ui/screens/test_target.py",
    ),
    "ui/widgets/target_picker": "ui/screens/test_main_targets.py",
    **dict.fromkeys(
        [
            "ui/controllers/screen",
            "ui/view_bindings",
        ],
        "ui/screens/test_main_screen.py",
    ),
    "ui/palette": "ui/screens/test_help_menu.py",
    "ui/viewmodel/verdicts": "ui/screens/test_compare.py",
    # What meets the terminal needs one.
    **dict.fromkeys(["ui/crash", "ui/start"], "pty/test_program.py"),
    **dict.fromkeys(["ui/driver"], "pty/test_stall.py"),
    "ui/page_driver": "ui/test_serve.py",
}
"""Modules without a test module of their name, and the one that tests them."""

MIRRORS_NOTHING = {
    # Directories of a way of looking instead of a package.
    "docs",
    "field",
    "pty",
    "ssh",
    # The tree as a whole, and the tests themselves.
    "test_canary.py",
    "test_every_parameter.py",
    "test_layers.py",
    "test_markers.py",
    "test_mirror.py",
    "test_structure.py",
    "test_warm.py",
    "ui/test_textual_private.py",
    # Whole programs at work: the engine, the advice on a real simulator, a killed program, all exports of one run.
    "advice/test_levers_found.py",
    "headless/test_endings.py",
    "engine/test_bad_streams.py",
    "engine/test_odd_answers.py",
    "engine/test_right_by_definition.py",
    "engine/wires/messages/test_cache_and_delivery.py",
    "export/test_golden.py",
    "export/test_json_round_trip.py",
    "export/test_secrets.py",
    "export/test_untrusted.py",
    "history/test_crash.py",
    "ui/screens/test_snapshots.py",
}
"""Test modules, or directories of them, that stand for no module of the tree."""


@cache
def modules() -> set[str]:
    """The modules of the tree, as `x/y`; packages stand for what they hold in `__init__`."""
    found = {path.relative_to(TUI).with_suffix("").as_posix() for path in TUI.rglob("*.py") if path.stem != "__main__"}
    return {name.removesuffix("/__init__") for name in found} - {"__init__"}


@cache
def found_tests() -> set[Path]:
    return {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}


@cache
def has_package(module: str) -> bool:
    return (TUI / module).is_dir()


def is_for(test: Path, module: str) -> bool:
    """Whether a test module is named after this module, or an aspect of it."""
    name = test.stem.removeprefix("test_")
    place, _, last = module.rpartition("/")
    if not name.startswith(last):
        return False
    # The tests of a package's own module may stand beside it or in it.
    places = (place, module) if has_package(module) else (place,)
    return test.parent.as_posix().removeprefix(".") in places and (name == last or name.startswith(f"{last}_"))


def test_every_module_is_tested_by_one_of_its_name_or_one_that_is_named() -> None:
    files = {name for name in modules() if (TUI / f"{name}.py").is_file()}
    alone = {name for name in files if not any(is_for(test, name) for test in found_tests())}
    assert alone - TESTED_ELSEWHERE.keys() == set(), "a module without a test module of its name"
    assert TESTED_ELSEWHERE.keys() - alone == set(), "these need no exception any more"


def test_every_test_module_stands_for_a_module() -> None:
    strange = {test for test in found_tests() if not any(is_for(test, name) for name in modules())}
    allowed = {test for test in strange if {test.as_posix(), test.parts[0]} & MIRRORS_NOTHING}
    assert {test.as_posix() for test in strange - allowed} == set(), "test modules that mirror nothing"
    used = {name for name in MIRRORS_NOTHING if any(name in (test.as_posix(), test.parts[0]) for test in allowed)}
    assert used == MIRRORS_NOTHING, "these need no exception any more"


@pytest.mark.parametrize("where", sorted(set(TESTED_ELSEWHERE.values())))
def test_the_test_module_named_instead_exists(where: str) -> None:
    assert (TESTS / where).is_file()
