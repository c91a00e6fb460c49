"""Words of servers in the shapes in which they were seen to send errors."""

import json

import pytest

from tui.engine.server_words import error_in


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ({"type": "error", "error": {"type": "api_error", "message": "words"}}, "api_error", "words"),
        ({"error": {"message": "words", "code": 4}}, "", "words"),
        ({"error": "words"}, "", "words"),
        ({"error": "Not Found", "message": "Cannot POST /v1/messages"}, "", "Not Found: Cannot POST /v1/messages"),
        ({"status": "failure", "message": "words"}, "", "words"),
        ({"detail": "words"}, "", "words"),
        ({"detail": [{"loc": ["body", "model"], "msg": "Field required"}]}, "", "body.model: Field required"),
        ({"Message": "words", "__type": "Throttled"}, "Throttled", "words"),
        ({"object": "error", "message": "words", "type": "BadRequestError"}, "BadRequestError", "words"),
        ([{"error": {"code": 400, "message": "words", "status": "INVALID_ARGUMENT"}}], "", "words"),
        ({"errors": [{"message": "one"}, {"message": "two"}]}, "", "one; two"),
        ({"type": "about:blank", "title": "Bad Request", "detail": "words"}, "", "Bad Request: words"),
        ({"error": {"error": {"message": "words"}}}, "", "words"),
        ("words", "", "words"),
        ({}, "", ""),
        ({"error": None}, "", ""),
        (5, "", ""),
    ],
)
def test_json(body: object, kind: str, said: str) -> None:
    assert error_in(json.dumps(body).encode()) == (kind, said)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\n upstream connect error \n more", "upstream connect error"),
        (b"<html><head><title>502 Bad\nGateway &amp; more</title></head><body>x", "502 Bad\nGateway & more"),
        (b"<!doctype html><p>Sign in</p>", "Sign in"),
        (b"", ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"[" * 100_000, "[" * 4096),
    ],
)
def test_text(body: bytes, said: str) -> None:
    assert error_in(body) == ("", said)
