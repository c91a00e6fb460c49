"""Two answers and the words in which they differ."""

from hypothesis import given
from hypothesis import strategies as st

from tui.core.events import Kind, Status, Usage
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.ui.viewmodel.difference import ComparedAnswer, Difference, Passage, answer_of, differ, marked

SOME = ["the", "sky", "is", "blue.", "\n", "Why?", "—", "[-x-]", "空が青い"]
WORDS = st.lists(st.sampled_from(SOME), max_size=40).map(" ".join)


def compared(first: str, second: str) -> Difference:
    one, other = (ComparedAnswer(label="a", text=text, note="") for text in (first, second))
    return differ(one, other)


def shown(pieces: tuple[Passage, ...]) -> str:
    return "".join(piece.text for piece in marked(pieces, "<", ">"))


def test_only_the_words_that_differ_are_marked() -> None:
    found = compared("The sky is very blue.\nIt is.", "The sky is blue. It surely is.")
    assert shown(found.first) == "The sky is <very> blue.\nIt is."
    assert shown(found.second) == "The sky is blue. It <surely> is."
    assert found.summary == "86 % of the words are the same; 1 only in the first, 1 only in the second"


def test_where_no_space_is_between_words_characters_are_compared() -> None:
    found = compared("空が青いのは", "海が青いのは")
    assert shown(found.first) == "<空>が青いのは"
    assert shown(found.second) == "<海>が青いのは"


@given(WORDS, WORDS)
def test_nothing_of_either_is_lost_and_what_is_not_marked_is_the_same(first: str, second: str) -> None:
    found = compared(first, second)
    for text, pieces in ((first, found.first), (second, found.second)):
        assert "".join(piece.text for piece in pieces) == text
        assert "".join(piece.text for piece in marked(pieces, "", "")) == text
    one, other = (
        " ".join("".join(piece.text for piece in side if not piece.differs).split())
        for side in (found.first, found.second)
    )
    assert one == other


def test_equal_answers_are_said_to_be() -> None:
    assert compared("It  is.", "It is.").summary == "the same, word for word"
    assert compared("", " ").summary == "neither has any text"


def test_long_answers_are_compared_by_the_sentence() -> None:
    long = " ".join(f"Sentence {number} says a word." for number in range(700))
    found = compared(long, long.replace("Sentence 300 says a", "Sentence 300 says one"))
    assert [piece.text.strip() for piece in found.first if piece.differs] == ["Sentence 300 says a word."]
    assert "by the sentence" in found.summary


def test_an_answer_is_clean_and_says_its_length() -> None:
    spec = RequestSpec(
        request_id=1,
        target="lane\x1b",
        model="m",
        endpoint=Endpoint(name="place", base_url="http://127.0.0.1:1"),
        prompt=Prompt(user="Why?"),
        parameters=Parameters(),
        timeouts=Timeouts(),
    )
    record = RequestRecord(
        spec=spec,
        pieces=[(Kind.THINKING, "Hm."), (Kind.TEXT, "It is \x1b[31mred.")],
        usage=Usage(output_tokens=9),
        status=Status.DONE,
    )
    answer = answer_of(record)
    assert answer.text == "It is ␛[31mred."
    assert answer.label == "lane␛"
    assert answer.note.startswith("done · 3 words · 9 tokens")
