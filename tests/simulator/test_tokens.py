"""Tokens, and the limits that end an answer."""

from hypothesis import given
from hypothesis import strategies as st

from tui.simulator import tokens
from tui.simulator.tokens import Stop, limited

_TEXT = st.text(alphabet="ab \n!日👩\u200d\u0301", max_size=40)


@given(
    text=_TEXT, most=st.integers(0, 50), stops=st.lists(st.text(alphabet="ab !日", min_size=1, max_size=5), max_size=4)
)
def test_an_answer_is_the_text_up_to_the_first_stop_sequence_or_the_token_limit(
    text: str, most: int, stops: list[str]
) -> None:
    whole = tokens.split(text)
    ending = Stop()
    sent = list(limited(whole, most, stops, ending))
    within = "".join(whole[:most])
    met = [(within.find(stop) + len(stop), within.find(stop), stop) for stop in stops if stop in within]

    assert all(sent)
    assert ending.tokens == len(sent) <= most
    assert not any(stop in "".join(sent) for stop in stops)
    if ending.reason == "stop_sequence":
        assert ending.sequence == min(met)[2]
        assert "".join(sent) == within[: min(met)[1]]
    else:
        assert not met
        assert ending.sequence is None
        assert "".join(sent) == within
        assert ending.reason == ("max_tokens" if len(whole) > most else "end_turn")


def test_nothing_is_looked_ahead_of_without_a_reason() -> None:
    source = iter(["one", "two", "three"])
    assert next(limited(source, 3, (), Stop())) == "one"
    assert next(source) == "two"


@given(st.text())
def test_the_tokens_of_a_text_are_the_text(text: str) -> None:
    assert "".join(tokens.split(text)) == text
    assert tokens.count(text) == len(tokens.split(text))
    assert all(tokens.split(text))
