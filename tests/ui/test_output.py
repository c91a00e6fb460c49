"""What stands for the screen's shapes in a terminal without them."""

import ast
from pathlib import Path

import pytest
from rich.cells import cell_len

from tui.ui.output import ASCII_TWINS, encoder

UI = Path(__file__).parents[2] / "tui" / "ui"
_RANGES_OF_LETTERS = {"output.py", "row_breaker.py", "wrapped_text.py", "difference.py", "inputs.py", "steady_cells.py"}
"""They name characters to tell texts or keys apart, not to show them."""


def shown_by(path: Path) -> set[str]:
    """All characters beyond ASCII in a module's texts, its docstrings left out."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]
    return {character for character in "".join(texts) if not character.isascii()}


MODULES = [path for path in sorted(UI.rglob("*.py")) if path.name not in _RANGES_OF_LETTERS and shown_by(path)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(UI)))
def test_every_shape_has_a_twin(path: Path) -> None:
    assert shown_by(path) <= set(ASCII_TWINS)


def test_a_twin_takes_the_room_of_what_it_stands_for() -> None:
    assert all(twin.isascii() and len(twin) == cell_len(shape) == 1 for shape, twin in ASCII_TWINS.items())


def test_what_has_no_twin_keeps_its_width() -> None:
    assert encoder(utf8=False, glyphs=True)("□ ‹a› 日é") == b". <a> ???"


def test_without_shapes_letters_stay() -> None:
    assert encoder(utf8=True, glyphs=False)("□ 日é") == ". 日é".encode()


def test_with_both_nothing_changes() -> None:
    assert encoder(utf8=True, glyphs=True)("□ ‹a› 日é") == "□ ‹a› 日é".encode()
