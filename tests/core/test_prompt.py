"""Variables in prompts."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tui.core.prompt import Prompt, Turn, is_variable_name

names = st.from_regex(r"[A-Za-zà-öЀ-я_][A-Za-z0-9à-öЀ-я_-]{0,20}", fullmatch=True)
plain = st.text(st.characters(exclude_characters="{}\\", exclude_categories=["Cs"]))
values = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(plain, names, st.sampled_from(["", " ", "\t "]))), plain, st.data())
def test_every_variable_is_filled_and_nothing_else(
    parts: list[tuple[str, str, str]], end: str, data: st.DataObject
) -> None:
    text = "".join(f"{before}{{{{{blank}{name}{blank}}}}}" for before, name, blank in parts) + end
    prompt = Prompt(user=text)
    given_values = {name: data.draw(values) for _, name, _ in parts}
    assert prompt.variables() == tuple(given_values)
    expected = "".join(before + given_values[name] for before, name, _ in parts) + end
    assert prompt.filled(given_values | {"other": "x"}).user == expected


@given(values)
def test_a_text_without_double_braces_stays_as_it_is(text: str) -> None:
    assume("{{" not in text)
    prompt = Prompt(system=text, user=text, prefill=text, turns=(Turn(role="user", text=text),), name=text)
    assert prompt.variables() == ()
    assert prompt.filled({}) == prompt


@given(names, plain)
def test_a_backslash_keeps_a_variable_as_it_is_written(name: str, before: str) -> None:
    prompt = Prompt(user=f"{before}\\{{{{{name}}}}}")
    assert prompt.variables() == ()
    assert prompt.filled({name: "x"}).user == f"{before}{{{{{name}}}}}"


@given(names)
def test_values_are_not_filled_again(name: str) -> None:
    value = f"{{{{{name}}}}} \\1 \\g<0>"
    assert Prompt(user=f"<{{{{{name}}}}}>").filled({name: value}).user == f"<{value}>"


@pytest.mark.parametrize(
    "text",
    ['{"a":{"b":{}}}', '{{"a": 1}}', "{{}}", "{{ }}", "{{#each x}}", "{{1}}", "{{a", "{a}", "{{a\nb}}", "{{a}b}}",
     "{{" + "a" * 65 + "}}"],
)  # fmt: skip
def test_what_is_no_variable(text: str) -> None:
    assert Prompt(user=text).variables() == ()
    assert Prompt(user=text).filled({}).user == text


def test_all_parts_are_looked_at_in_the_order_in_which_they_are_read() -> None:
    turns = (Turn(role="user", text="{{b}}"), Turn(role="assistant", text="{{ c }} {{a}}"))
    prompt = Prompt(system="{{a}}", user="{{d}}", turns=turns, prefill="{{e}}", name="{{f}}")
    assert prompt.variables() == ("a", "b", "c", "d", "e")
    filled = prompt.filled({name: name.upper() for name in "abcde"})
    assert filled == Prompt(
        system="A",
        user="D",
        turns=(Turn(role="user", text="B"), Turn(role="assistant", text="C A")),
        prefill="E",
        name="{{f}}",
    )


def test_a_variable_without_a_value() -> None:
    with pytest.raises(KeyError, match="city"):
        Prompt(user="{{name}} {{city}}").filled({"name": "Ada"})


@given(st.text(string.printable, max_size=70))
def test_names_are_those_that_are_found(name: str) -> None:
    assume(name == name.strip(" \t"))
    assert is_variable_name(name) == (Prompt(user=f"{{{{{name}}}}}").variables() == (name,))
