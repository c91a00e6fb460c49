"""No export ever holds a key, wherever it was."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from canary import KEY

from tui.advice.suggestion import Change, PromptEdit, Trial
from tui.core.events import Failure, FailureKind, Kind
from tui.core.figures import Figure
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt, Turn
from tui.core.run import StoredRun
from tui.core.target import Endpoint
from tui.export.formats import Format
from tui.export.portable import REMOVED, portable

from .samples import all_tried, rendered, simple_run

ENVIRON = {"ANTHROPIC_API_KEY": KEY, "LOCAL": "another-271828", "MODE_KEY": "disabled", "SHORT_KEY": "sky"}
FORMED = "sk-ant-api03-abcdefghijklmnop"


def with_endpoint(**changes: Any) -> Callable[[StoredRun], None]:
    def change(run: StoredRun) -> None:
        endpoint = msgspec.structs.replace(run.plan.endpoints[0], **changes)
        run.plan = msgspec.structs.replace(run.plan, endpoints=(endpoint,))
        for record in run.requests:
            record.spec = msgspec.structs.replace(record.spec, endpoint=endpoint)

    return change


def with_extra(extra: dict[str, Any]) -> Callable[[StoredRun], None]:
    def change(run: StoredRun) -> None:
        run.plan = msgspec.structs.replace(run.plan, parameters=Parameters(extra=extra))
        for record in run.requests:
            record.spec = msgspec.structs.replace(record.spec, parameters=Parameters(extra=extra))

    return change


def with_prompt(text: str) -> Callable[[StoredRun], None]:
    def change(run: StoredRun) -> None:
        run.plan = msgspec.structs.replace(run.plan, prompt=Prompt(user=text))

    return change


def with_conversation(text: str) -> Callable[[StoredRun], None]:
    """`text` in every part of the prompt, in a variant, and as the value of a variable."""
    prompt = Prompt(system=text, user=text, turns=(Turn(role="user", text=text),), prefill=text)

    def change(run: StoredRun) -> None:
        run.plan = msgspec.structs.replace(run.plan, prompt=prompt, variants=(prompt,), rows=({"a": text},))
        for record in run.requests:
            record.spec = msgspec.structs.replace(record.spec, prompt=prompt)

    return change


def with_answer(*pieces: str) -> Callable[[StoredRun], None]:
    def change(run: StoredRun) -> None:
        run.requests[0].pieces = [(Kind.TEXT, piece) for piece in pieces]

    return change


def with_failure(message: str) -> Callable[[StoredRun], None]:
    def change(run: StoredRun) -> None:
        run.requests[0].failure = Failure(kind=FailureKind.PROTOCOL, message=message)

    return change


def with_note(note: str) -> Callable[[StoredRun], None]:
    def change(run: StoredRun) -> None:
        run.note, run.tags = note, (note,)

    return change


HIDING: dict[str, tuple[Callable[[StoredRun], None], str]] = {
    "url": (with_endpoint(base_url="https://me:hunter2@example.com/x"), "hunter2"),
    "user of a url": (with_endpoint(base_url="https://hunter2@example.com/x"), "hunter2"),
    "proxy": (with_endpoint(proxy="http://me:hunter2@proxy:3128"), "hunter2"),
    "user of a proxy": (with_endpoint(proxy="http://hunter2@proxy:3128"), "hunter2"),
    "key header": (with_endpoint(headers={"x-api-key": "hunter2"}), "hunter2"),
    "authorization": (with_endpoint(headers={"authorization": "Bearer hunter2"}), "hunter2"),
    "secret value": (with_endpoint(headers={"x-team": "Basic hunter2"}), "hunter2"),
    "long value": (with_endpoint(headers={"x-team": "hunter2" * 6}), "hunter2"),
    "command": (with_endpoint(key_command=("echo", "hunter2")), "hunter2"),
    "variable": (with_endpoint(api_key_env="hunter2"), "hunter2"),
    "extra": (with_extra({"tools": [{"authorization_token": "hunter2"}]}), "hunter2"),
    "named variable": (with_prompt("is another-271828 good?"), KEY),
    "prompt": (with_prompt(f"is {KEY} good?"), KEY),
    "conversation": (with_conversation(f"is {KEY} good?"), KEY),
    "answer": (with_answer(f"no: {KEY}"), KEY),
    "answer in pieces": (with_answer(f"no: {KEY[:20]}", KEY[20:30], KEY[30:]), KEY),
    "error": (with_failure(f"401: {KEY} is no key"), KEY),
    "error with a url": (with_failure("http://me:hunter2@proxy: refused"), "hunter2"),
    "note": (with_note(KEY), KEY),
    "form": (with_prompt(f"my key is {FORMED}"), FORMED),
    "form in an error": (with_failure(f"bad key {FORMED}"), FORMED),
}


@pytest.mark.parametrize("with_texts", [True, False])
@pytest.mark.parametrize("place", HIDING)
def test_a_key_is_in_no_format(place: str, with_texts: bool) -> None:
    hide, canary = HIDING[place]
    run = simple_run()
    hide(run)
    for wanted in Format:
        text = rendered([run], wanted, with_texts=with_texts, environ=ENVIRON)
        assert canary not in text
        assert "canary-" not in text


def test_no_part_of_a_conversation_is_in_what_is_without_texts() -> None:
    run = simple_run()
    with_conversation("between ourselves")(run)
    for wanted in Format:
        assert "between ourselves" not in rendered([run], wanted, with_texts=False, environ={})
        assert "between ourselves" in rendered([run], wanted, environ={})


def test_the_variable_that_an_endpoint_names_is_a_key() -> None:
    run = simple_run()
    with_endpoint(api_key_env="LOCAL")(run)
    with_prompt("is another-271828 good?")(run)
    for wanted in Format:
        assert "271828" not in rendered([run], wanted, environ=ENVIRON)


@pytest.mark.parametrize("wanted", Format)
def test_a_key_is_in_no_ledger(wanted: Format) -> None:
    entry = msgspec.structs.replace(
        all_tried()[0],
        prompt=f"use {KEY}",
        headline=f"Ask {FORMED}",
        trial=Trial(
            change=Change(
                label="longer",
                parameters=Parameters(extra={"api_key": "hunter2"}),
                edit=PromptEdit(append=f"and {KEY}"),
            ),
            figure=Figure.TOTAL,
        ),
    )
    text = rendered([simple_run()], wanted, tried=[entry], environ=ENVIRON)
    assert not [secret for secret in (KEY, FORMED, "hunter2") if secret in text]


def test_keys_of_this_process_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", KEY)
    run = simple_run()
    with_note(f"used {KEY}")(run)
    assert KEY not in rendered([run], Format.JSON)


def test_what_is_no_key_stays() -> None:
    run = simple_run()
    run.number = None
    run.note = "see https://example.com/a@b and postgres://host/db; a disk-based, task-oriented sk-etch"
    assert list(portable([run], ["unseen-canary"])) == [run]
    assert "Why is the sky blue?" in rendered([run], Format.JSON, environ=ENVIRON)
    assert run.plan.endpoints[1].headers["anthropic-beta"] in rendered([run], Format.JSON, environ=ENVIRON)


def test_it_says_that_something_was_removed() -> None:
    run = simple_run()
    with_endpoint(headers={"x-api-key": "hunter2"}, base_url="https://me:hunter2@example.com:8/x")(run)
    (changed,) = portable([run])
    assert changed.plan.endpoints == (
        Endpoint(
            name="simulator",
            base_url="https://example.com:8/x",
            headers={"x-api-key": REMOVED},
            simulated=True,
        ),
    )


def test_the_runs_given_stay_what_they_are() -> None:
    run = simple_run()
    before = msgspec.json.encode(run)
    list(portable([run], [KEY], with_texts=False))
    assert msgspec.json.encode(run) == before
