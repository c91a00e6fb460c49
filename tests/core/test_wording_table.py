"""Tables of plain text."""

from tui.core.wording import aligned, cells_of


def test_wide_and_combining_characters_take_the_cells_that_a_terminal_gives_them() -> None:
    assert cells_of("a漢e\u0301") == 4


def test_names_stand_to_the_left_and_figures_to_the_right() -> None:
    rows = [("name", "n", ""), ("漢字 1", "12", "x"), ("b", "3", "")]
    assert aligned(rows) == ["name     n", "漢字 1  12  x", "b        3"]
    assert aligned(rows, labels=2, gap=" ")[0] == "name   n"
