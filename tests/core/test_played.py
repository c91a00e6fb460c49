"""Conversations that are played: what follows an answer, how they end, and what they ask at most."""

import msgspec
import pytest

from tui.core.checks import AnswerCheck
from tui.core.events import Kind, Status
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.played import first_turn, next_turn, requests_at_most, user_turns
from tui.core.prompt import Conversation, KeptAnswer, Prompt, ToolCall, ToolResult, Turn, turn_name
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts

WHOLE = RequestSpec(
    request_id=1,
    target="a lane",
    model="m",
    endpoint=Endpoint(name="local", base_url="http://127.0.0.1:1"),
    prompt=Prompt(
        system="Be short.",
        turns=(Turn(role="user", text="one"), Turn(role="assistant", text="unsaid"), Turn(role="user", text="two")),
        user="three",
        prefill="{",
        checks=(AnswerCheck(contains="a"),),
    ),
    parameters=Parameters(max_tokens=100),
    timeouts=Timeouts(),
)
PLAYED = Conversation(play=True)
WITH_TOOL = Conversation(play=True, results={"weather": "rain"}, most_calls=2)
CALL = (ToolCall(id="t1", name="weather"),)


def answered(
    spec: RequestSpec, text: str = "yes", *, calls: tuple[ToolCall, ...] = (), status: Status = Status.DONE
) -> RequestRecord:
    kept = KeptAnswer(said=f'"{text}"', calls=calls)
    return RequestRecord(spec=spec, status=status, pieces=[(Kind.TEXT, text)], kept=kept)


def followed(record: RequestRecord, conversation: Conversation = PLAYED) -> RequestSpec:
    found = next_turn(WHOLE, record, conversation)
    assert isinstance(found, RequestSpec)
    return found


def test_each_turn_stands_behind_the_models_own_answers() -> None:
    first = first_turn(WHOLE)
    assert (first.turn, first.prompt.user, first.prompt.turns, first.prompt.system) == (1, "one", (), "Be short.")
    second = followed(answered(first, "mine"))
    said = [(turn.role, turn.text, turn.said) for turn in second.prompt.turns]
    assert (second.turn, second.prompt.user) == (2, "two")
    assert said == [("user", "one", ""), ("assistant", "mine", '"mine"')]
    third = followed(answered(second, "too"))
    assert [turn.text for turn in third.prompt.turns] == ["one", "mine", "two", "too"]
    assert next_turn(WHOLE, answered(third), PLAYED) is None


def test_only_the_last_turn_has_the_checks_and_the_prefill() -> None:
    first = first_turn(WHOLE)
    third = followed(answered(followed(answered(first))))
    assert (first.prompt.checks, first.prompt.prefill) == ((), "")
    assert (third.prompt.checks, third.prompt.prefill) == (WHOLE.prompt.checks, "{")


def test_results_of_tools_go_back_within_the_turn() -> None:
    called = answered(first_turn(WHOLE), "", calls=CALL)
    result = followed(called, WITH_TOOL)
    assert (result.turn, result.call, result.prompt.user) == (1, 1, "")
    assert result.prompt.turns[-1].results == (ToolResult(call="t1", text="rain"),)
    after = followed(answered(result, "wet"), WITH_TOOL)
    assert (after.turn, after.call, after.prompt.user) == (2, 0, "two")
    assert [turn.text for turn in after.prompt.turns] == ["one", "[weather]", "rain", "wet"]


def test_a_tool_called_in_the_last_turn_is_answered_too() -> None:
    third = msgspec.structs.replace(first_turn(WHOLE), turn=3)
    assert followed(answered(third, calls=CALL), WITH_TOOL).call == 1


@pytest.mark.parametrize(
    ("record", "conversation", "why"),
    [
        (answered(first_turn(WHOLE), calls=CALL), PLAYED, "the tool weather was called, which has no result"),
        (
            answered(msgspec.structs.replace(first_turn(WHOLE), call=2), calls=CALL),
            WITH_TOOL,
            "tools were called more than 2 times (most_calls)",
        ),
        (answered(first_turn(WHOLE), status=Status.REFUSED), PLAYED, "it was refused"),
        (answered(first_turn(WHOLE), status=Status.FAILED), PLAYED, "that request failed"),
        (RequestRecord(spec=first_turn(WHOLE), status=Status.DONE), PLAYED, "it cannot be sent back"),
        (RequestRecord(spec=first_turn(WHOLE), status=Status.TRUNCATED), PLAYED, "was cut where"),
    ],
)
def test_what_cannot_go_on_ends_with_a_sentence(record: RequestRecord, conversation: Conversation, why: str) -> None:
    said = next_turn(WHOLE, record, conversation)
    assert isinstance(said, str)
    assert said.startswith("a lane: the conversation ended at turn 1")
    assert "of 3" in said
    assert why in said
    assert said.endswith(".")


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.INTERRUPTED])
def test_what_was_ended_by_hand_ends_without_a_word(status: Status) -> None:
    assert next_turn(WHOLE, answered(first_turn(WHOLE), status=status), PLAYED) is None


def test_a_last_turn_that_failed_ends_nothing() -> None:
    third = msgspec.structs.replace(first_turn(WHOLE), turn=3)
    assert next_turn(WHOLE, answered(third, status=Status.FAILED), PLAYED) is None


def test_what_it_asks_at_most_counts_the_growing_transcript() -> None:
    asked = requests_at_most(WHOLE, PLAYED)
    awaited = [sum(turn.awaited_tokens for turn in spec.prompt.turns) for spec in asked]
    assert [spec.turn for spec in asked] == [1, 2, 3]
    assert awaited == [0, 100, 200]
    assert [sum(turn.awaited_tokens for turn in spec.prompt.turns) for spec in requests_at_most(WHOLE, PLAYED, 7)] == [
        0,
        7,
        14,
    ]


def test_calls_of_tools_are_among_the_most() -> None:
    asked = requests_at_most(WHOLE, WITH_TOOL)
    assert [(spec.turn, spec.call) for spec in asked] == [(turn, call) for turn in (1, 2, 3) for call in (0, 1, 2)]
    assert sum(turn.awaited_tokens for turn in asked[-1].prompt.turns) == 800


def test_the_users_turns_and_their_names() -> None:
    assert user_turns(WHOLE.prompt) == ("one", "two", "three")
    assert [turn_name(None), turn_name(2), turn_name(2, 1)] == ["", "turn 2", "turn 2, tool result 1"]
