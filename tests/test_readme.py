"""The README tells the truth where that can be checked."""

import re
from pathlib import Path

import pytest

from tui.ui.bindings import ACTIONS, spelled

README = Path(__file__).parents[1] / "README.md"


def test_the_table_of_keys_is_that_of_the_actions() -> None:
    rows = [f"| {', '.join(map(spelled, action.keys))} | {action.title} | {action.help} |" for action in ACTIONS]
    between = README.read_text().split("<!-- keys -->")[1].split("<!-- /keys -->")[0]
    assert between.strip().splitlines()[2:] == rows


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_path_it_names_exists(document: str) -> None:
    text = (README.parent / document).read_text()
    named = set(re.findall(r"(?:tui|configs|tests|screenshots|\.ci)/[\w./-]*\w", text))
    assert named
    missing = sorted(path for path in named if not (README.parent / path).exists())
    assert not missing
