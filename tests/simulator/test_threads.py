"""Threads of the simulator: what they hold, what they refuse, and when they are gone."""

from typing import Any

import msgspec
import pytest

from tui.simulator.api import SimulatedApi
from tui.simulator.profiles import load
from tui.simulator.replies import Reply
from tui.simulator.threads import BETA

HEADERS = {"anthropic-version": "2026-10-21", "anthropic-beta": BETA}
SECOND = 1_000_000_000


class Clock:
    now_ns = 0


def asked(
    api: SimulatedApi, thread: Any, words: str, *, beta: bool = True, **fields: Any
) -> tuple[int, dict[str, Any]]:
    body = {
        "model": "claude-haiku-5-5",
        "max_tokens": 60,
        "messages": [{"role": "user", "content": words}],
        "thread": thread,
        **fields,
    }
    headers = HEADERS if beta else {"anthropic-version": "2026-10-21"}
    reply: Reply = api.answer("POST", "/v1/messages", headers, msgspec.json.encode(body))
    (event,) = reply.events
    assert isinstance(event.body, bytes)
    return reply.status, msgspec.json.decode(event.body)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(clock: Clock) -> SimulatedApi:
    return SimulatedApi(load(), now_ns=lambda: clock.now_ns)


CREATE = {"type": "create"}


def after(message: dict[str, Any]) -> dict[str, Any]:
    return {"type": "continue", "previous_message_id": message["id"]}


def test_a_thread_holds_the_conversation_with_its_answers(api: SimulatedApi) -> None:
    _, first = asked(api, CREATE, "One. " * 50, system="Be short.")
    status, second = asked(api, after(first), "Two.")
    assert status == 200
    held = first["usage"]["input_tokens"] + first["usage"]["output_tokens"]
    assert second["usage"]["input_tokens"] > held
    _, whole = asked(api, CREATE, "Two.", system="Be short.")
    assert whole["usage"]["input_tokens"] < held


def test_a_thread_is_gone_after_five_minutes(api: SimulatedApi, clock: Clock) -> None:
    _, first = asked(api, CREATE, "One.")
    clock.now_ns = 301 * SECOND
    status, error = asked(api, after(first), "Two.")
    assert (status, error["error"]["type"]) == (404, "not_found_error")
    assert error["error"]["details"] == {"error_code": "thread_not_found"}


def test_an_answer_is_continued_once(api: SimulatedApi) -> None:
    _, first = asked(api, CREATE, "One.")
    asked(api, after(first), "Two.")
    status, error = asked(api, after(first), "Two again.")
    assert (status, error["error"]["details"]["error_code"]) == (409, "thread_already_continued")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"beta": False}, "thread: Extra inputs"),
        ({"system": "x"}, "system: may not be sent"),
        ({"tools": []}, "tools: may not be sent"),
    ],
)
def test_what_a_thread_does_not_take_is_refused(api: SimulatedApi, fields: dict[str, Any], words: str) -> None:
    _, first = asked(api, CREATE, "One.")
    status, error = asked(api, after(first), "Two.", **fields)
    assert status == 400
    assert words in error["error"]["message"]
