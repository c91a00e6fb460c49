"""Editing variants, turns and rows of values."""

import contextlib

import pytest
from attached_files import png
from hypothesis import given
from hypothesis import strategies as st

from tui.core.attachment import MOST_FILES, attachment_of
from tui.core.checks import AnswerCheck
from tui.core.prompt import MAX_VARIANTS, Prompt, Turn
from tui.session.prompt_book import BookError, PromptBook

LONG, SHORT = Prompt(user="Long {{a}}", name="long"), Prompt(user="{{a}} {{b}}", name="short")


def book(*rows: dict[str, str]) -> PromptBook:
    return PromptBook(SHORT, (LONG, SHORT), rows)


def test_the_prompt_in_use_is_the_given_one() -> None:
    assert book().prompt == SHORT
    assert PromptBook(Prompt(user="u")).variants == ()


def test_a_copy_is_named_and_in_use() -> None:
    only = PromptBook(Prompt(user="u"))
    only.add()
    assert only.prompt == Prompt(user="u", name="variant 2")
    only.edit(user="v")
    assert only.variants == (Prompt(user="u", name="variant 1"), Prompt(user="v", name="variant 2"))
    only.delete()
    assert only.prompt.user == "u"
    with pytest.raises(BookError, match="The last prompt stays"):
        only.delete()


@pytest.mark.parametrize("name", ["", "  ", "long", "a\nb", "x" * 257])
def test_names_that_are_refused(name: str) -> None:
    two = book()
    with pytest.raises(BookError):
        two.rename(name)
    assert two.prompt.name == "short"


def test_a_name_may_be_given_again_to_the_same() -> None:
    two = book()
    two.rename(" short ")
    two.rename("brief")
    assert [prompt.name for prompt in two.prompts] == ["long", "brief"]


def test_there_are_not_too_many() -> None:
    many = PromptBook(Prompt(user="u"))
    for _ in range(MAX_VARIANTS - 1):
        many.add()
    assert len({prompt.name for prompt in many.prompts}) == MAX_VARIANTS
    with pytest.raises(BookError, match=f"At most {MAX_VARIANTS}"):
        many.add()


def test_turns_alternate_and_empty_ones_are_left_out() -> None:
    one = PromptBook(Prompt(user="u", prefill="So, "))
    for position in range(3):
        one.add_turn(position)
    assert [turn.role for turn in one.prompt.turns] == ["user", "assistant", "user"]
    one.set_turn(0, Turn(role="user", text="Hello"))
    one.set_turn(1, Turn(role="assistant", text=" "))
    one.set_turn(2, Turn(role="user", text="x"))
    one.delete_turn(2)
    one.tidy()
    assert one.prompt == Prompt(user="u", turns=(Turn(role="user", text="Hello"),), prefill="So,")


def test_a_variable_has_a_column_as_soon_as_a_prompt_names_it() -> None:
    two = book({"c": "1"}, {"c": "2"})
    assert two.names == ("c", "a", "b")
    assert two.value(1, "a") is None
    two.set_value(1, "a", "x")
    assert two.rows == [{"c": "1", "a": ""}, {"c": "2", "a": "x"}]


def test_the_first_value_makes_the_first_row() -> None:
    two = book()
    two.set_value(0, "b", "x")
    assert two.rows == [{"b": "x"}]
    two.add_row(1)
    assert two.rows == [{"b": "x"}, {"b": ""}]
    with pytest.raises(BookError, match="into a prompt first"):
        PromptBook(Prompt(user="u")).add_row(0)


@given(st.lists(st.tuples(st.sampled_from(["add", "delete", "use", "put back"]), st.integers(0, 9)), max_size=30))
def test_the_row_in_use_stays_the_row_in_use(steps: list[tuple[str, int]]) -> None:
    edited = book({"a": "0", "b": ""}, {"a": "1", "b": ""})
    used = edited.rows[edited.row]
    for step, number in steps:
        if step == "add":
            edited.add_row(number % (len(edited.rows) + 1))
        elif step == "use":
            edited.use_row(number)
        elif step == "put back":
            with contextlib.suppress(BookError):
                edited.put_back()
        elif edited.rows:
            gone = edited.rows[number % len(edited.rows)]
            edited.delete_row(number % len(edited.rows))
            if gone is used and edited.rows:
                used = edited.rows[edited.row]
        if not edited.rows:
            assert edited.row == 0
            continue
        if step == "use" or len(edited.rows) == 1:
            used = edited.rows[edited.row]
        assert edited.rows[edited.row] is used


def test_what_was_deleted_can_be_put_back() -> None:
    turns = (Turn(role="user", text="one"), Turn(role="assistant", text="two"))
    book = PromptBook(
        Prompt(name="a", user="A", turns=turns),
        [Prompt(name="a", user="A", turns=turns), Prompt(name="b", user="B")],
        [{"x": "1"}, {"x": "2"}],
    )
    before = (list(book.prompts), list(book.rows))
    book.delete_turn(1)
    book.delete_row(0)
    book.use(1)
    book.delete()
    assert [prompt.name for prompt in book.prompts] == ["a"]
    for _ in range(3):
        book.put_back()
    assert (book.prompts, book.rows) == before
    with pytest.raises(BookError, match="Nothing was deleted"):
        book.put_back()
    book.use_row(1)
    book.load_rows([{"y": "3"}])
    book.put_back()
    assert (book.rows, book.row) == (before[1], 1)


def test_a_name_that_was_taken_meanwhile_is_not_given_twice() -> None:
    book = PromptBook(Prompt(name="a", user="A"), [Prompt(name="a", user="A"), Prompt(name="b", user="B")])
    book.use(1)
    book.delete()
    book.rename("b")
    book.put_back()
    assert sorted(prompt.user for prompt in book.prompts) == ["A", "B"]
    assert len({prompt.name for prompt in book.prompts}) == 2


def test_checks_go_to_every_variant_that_had_the_same() -> None:
    one, other = AnswerCheck(contains="a"), AnswerCheck(json=True)
    book = PromptBook(
        Prompt(user="x", name="a"),
        [Prompt(user="x", name="a"), Prompt(user="y", name="b"), Prompt(user="z", name="c", checks=(other,))],
    )
    book.check((one,))
    assert [prompt.checks for prompt in book.prompts] == [(one,), (one,), (other,)]


def test_files_are_attached_to_the_prompt_in_use_once_and_come_back() -> None:
    file = attachment_of(png(75, 10), "a.png", "/d/a.png")
    edited = book({"which": "a"}, {"which": "b"})
    edited.attach("/d/{{which}}.png", {"/d/a.png": file})
    edited.attach("/d/c.png", {"/d/c.png": file})
    assert list(edited.prompt.attach) == ["/d/{{which}}.png", "/d/c.png"]
    assert edited.attached() == [file, file]
    edited.use_row(1)
    assert (edited.file_at("/d/{{which}}.png"), edited.file_at("/d/{{other}}.png")) == (None, None)
    with pytest.raises(BookError, match="already"):
        edited.attach("/d/c.png", {"/d/c.png": file})
    edited.detach(0)
    assert list(edited.prompt.attach) == ["/d/c.png"]
    edited.put_back()
    assert list(edited.prompt.attach) == ["/d/{{which}}.png", "/d/c.png"]
    edited.detach(0)
    edited.attach("/d/later.png", {})
    edited.put_back()
    assert list(edited.prompt.attach) == ["/d/{{which}}.png", "/d/c.png", "/d/later.png"], (
        "nor is what came meanwhile lost"
    )
    for number in range(MOST_FILES - 3):
        edited.attach(str(number), {})
    with pytest.raises(BookError, match="At most 20 files"):
        edited.attach("one more", {})
