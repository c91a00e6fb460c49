"""Redaction at the engine's boundary: every string of every event, every form of a key, every cut of a text."""

import asyncio
import base64
import json
import sys
from collections.abc import Iterable
from urllib.parse import quote

import msgspec
import pytest
from canary import KEY
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.core.events import (
    Answered,
    AttemptFailed,
    CacheMiss,
    Content,
    Event,
    Failure,
    FailureKind,
    Kind,
    Mark,
    Marked,
    MessageOpened,
    ModelsListed,
    RequestEnded,
    Responded,
    Response,
    Status,
    Usage,
    UsageReported,
)
from tui.core.model import ListedModel
from tui.engine.redaction import REDACTED, Redactor

from .driver import Driver
from .hostile import START, STOP, delta
from .hostile import event as sse

FORMS = {
    "as it is": KEY,
    "upper case": KEY.upper(),
    "lower case": KEY.lower(),
    "with zero-width spaces": "\u200b".join(KEY),
    "with soft hyphens": "\xad".join(KEY),
    "with selectors": "\ufe0f".join(KEY),
    "percent-encoded": "".join(f"%{ord(char):02X}" for char in KEY),
    "with hyphens encoded": KEY.replace("-", "%2D"),
    "with one letter encoded": KEY.replace("C", "%43"),
    "as in a form": quote(KEY, safe=""),
    "in hexadecimal": KEY.encode().hex(),
    **{
        f"in base64, shifted by {shift}": base64.b64encode(b"x" * shift + KEY.encode() + b"!").decode()
        for shift in range(3)
    },
}
FAILURE = Failure(kind=FailureKind.BAD_REQUEST, message="<>")
SAYING = [
    Responded(request_id=1, t_ns=1, http_status=200, api_request_id="<>"),
    Responded(
        request_id=1,
        t_ns=1,
        http_status=200,
        response=Response(proxy="<>", redirected_to="<>", headers={"via": "<>", "server": "<>"}),
    ),
    MessageOpened(request_id=1, message_id="<>", cache_miss=CacheMiss(reason="<>")),
    UsageReported(request_id=1, usage=Usage(service_tier="<>", speed="<>", inference_geo="<>")),
    RequestEnded(request_id=1, t_ns=1, status=Status.FAILED, stop_reason="<>", failure=FAILURE),
    Answered(ask_id=-1, text="<>", usage=Usage(speed="<>"), failure=FAILURE),
    AttemptFailed(request_id=1, t_ns=1, failure=FAILURE, wait_s=0),
    ModelsListed(endpoint="e", models=(ListedModel(id="<>", display_name="<>"),), failure=FAILURE),
    Content(request_id=1, kind=Kind.TEXT, t_ns=[1], texts=["<>"]),
]


def redacted(events: Iterable[Event], keys: Iterable[str] = (KEY,)) -> list[Event]:
    found: list[Event] = []
    redactor = Redactor(set(keys), found.append)
    for event in [*events, Marked(request_id=1, mark=Mark.MESSAGE_STOP, t_ns=9)]:
        redactor.put(event)
    assert isinstance(found.pop(), Marked)
    return found


def texts(pieces: Iterable[str], keys: Iterable[str] = (KEY,), kind: Kind = Kind.TEXT) -> list[str]:
    sent = [Content(request_id=1, kind=kind, t_ns=[number], texts=[piece]) for number, piece in enumerate(pieces)]
    found = redacted(sent, keys)
    contents = [event for event in found if isinstance(event, Content)]
    assert [event.t_ns for event in contents] == [event.t_ns for event in sent], "stamps and pieces stay"
    return [text for event in contents for text in event.texts]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("event", SAYING, ids=lambda event: type(event).__name__)
def test_no_string_of_no_event_holds_a_key(event: Event, form: str) -> None:
    written = msgspec.json.encode(event).decode()
    said = msgspec.json.decode(written.replace("<>", f"the key {FORMS[form]} of yours"), type=type(event))
    (found,) = redacted([said])
    if isinstance(event, Content) and form == "with one letter encoded":
        pytest.skip("a text is searched for whole encodings only")
    out = msgspec.json.encode(found).decode()
    assert out.count(REDACTED) == written.count("<>")
    assert "Canary" not in out.replace("\u200b", "")


@pytest.mark.parametrize("form", [form for form in FORMS if form != "with one letter encoded"])
@settings(max_examples=25)  # of each form
@given(data=st.data())
def test_a_text_in_any_pieces_holds_at_most_the_beginning_of_a_key(form: str, data: st.DataObject) -> None:
    text = f"It is {FORMS[form]}, as you know."
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    found = "".join(texts(text[start:end] for start, end in zip([0, *places], [*places, None], strict=True)))
    assert REDACTED in found
    assert FORMS[form][12:-6] not in found
    assert found.startswith("It is ")
    assert found.endswith(", as you know.")


@given(st.lists(st.text(KEY + "abc \u200b", max_size=12), max_size=12))
def test_what_is_no_key_comes_out_as_it_came(pieces: list[str]) -> None:
    if KEY.lower() not in "".join(pieces).replace("\u200b", "").lower():
        assert texts(pieces) == pieces


def test_a_text_that_only_begins_like_a_key_is_whole_in_the_end() -> None:
    pieces = ["Keys begin with ", "sk-ant-api03-", "Canary7f3K", "x, ", "sk-ant-api03-Canary7f3"]
    assert texts(pieces) == pieces


def test_thinking_is_searched_apart_from_text() -> None:
    half = len(KEY) // 2
    sent = [
        Content(request_id=1, kind=kind, t_ns=[1], texts=[part])
        for part in (KEY[:half], KEY[half:])
        for kind in (Kind.THINKING, Kind.TEXT)
    ]
    found = redacted(sent)
    assert KEY[half:] not in str(found)
    assert str(found).count(REDACTED) == 2


def test_several_keys_and_words_that_are_none() -> None:
    assert texts(["the word disabled and key-2-of-two, sesame1"], [KEY, "disabled", "key-2-of-two", "sesame1"]) == [
        f"the word disabled and {REDACTED}, sesame1"
    ]


def test_a_key_that_becomes_known_later_is_one_from_then_on() -> None:
    found: list[Event] = []
    keys: set[str] = set()
    redactor = Redactor(keys, found.append)
    event = Responded(request_id=1, t_ns=1, http_status=200, api_request_id=KEY)
    redactor.put(event)
    keys.add(KEY)
    redactor.put(event)
    assert [event.api_request_id for event in found if isinstance(event, Responded)] == [KEY, REDACTED]


COMMANDED = "key-of-a-command-Xy7Qw93LmZ"
ECHOES = {
    "error type": ("400 No", json.dumps({"error": {"type": COMMANDED, "message": "m"}})),
    "error message": ("400 No", json.dumps({"error": {"type": "t", "message": f"You sent {COMMANDED.upper()}"}})),
    "status line": (f"400 {COMMANDED}", "{}"),
    "error in the stream": ("200 OK", sse("error", error={"type": "t", "message": "\u200b".join(COMMANDED)}).decode()),
    "usage": ("200 OK", sse("message_start", message={"id": COMMANDED, "usage": {"speed": COMMANDED}}).decode()),
    "text": ("200 OK", (START + b"".join(delta(char) for char in COMMANDED) + STOP).decode()),
}


@pytest.mark.process
@pytest.mark.asyncio
async def test_a_server_that_repeats_the_key_of_a_command_tells_nobody() -> None:
    engine = Driver()
    await engine.connect()
    for status, body in ECHOES.values():

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            assert COMMANDED.encode() in head
            kind = "text/event-stream" if status.startswith("200") else "application/json"  # noqa: B023 - one at a time
            lines = [f"HTTP/1.1 {status}", f"content-type: {kind}", f"request-id: {COMMANDED}", "connection: close"]  # noqa: B023
            writer.write("\r\n".join([*lines, "", body]).encode())  # noqa: B023
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        spec = engine.spec(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        endpoint = msgspec.structs.replace(spec.endpoint, key_command=(sys.executable, "-c", PRINT))
        await engine.run(msgspec.structs.replace(spec, endpoint=endpoint))
        server.close()
        told = str([event for event in engine.events if not isinstance(event, Marked)])
        assert REDACTED in told
        assert COMMANDED[10:] not in told.replace("\u200b", "").replace("', '", "")
        assert COMMANDED.upper()[10:] not in told
    await engine.close()


PRINT = "print('-'.join(['key', 'of', 'a', 'command', 'Xy7Qw93LmZ']))"
