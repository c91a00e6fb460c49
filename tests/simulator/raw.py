"""Asking the simulator without the SDK: bytes in, bytes out."""

import json
import os
import socket
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
from waiting import WITHIN_S

from tui.simulator.message_request import NEW_VERSION, MessageRequest, message_request
from tui.simulator.profiles import Profile, load
from tui.simulator.replies import PlannedEvent

PROFILES = load()


def body(model: str = "sim-fast", **fields: Any) -> dict[str, Any]:
    """A good request body."""
    prompt = [{"role": "user", "content": "Explain how a token bucket limits requests in a gateway."}]
    return {"model": model, "max_tokens": 50, "messages": prompt, **fields}


def asked(model: str = "sim-fast", **fields: Any) -> tuple[Profile, MessageRequest]:
    """A good request as the script takes it."""
    profile = PROFILES[model]
    return profile, message_request(body(model, **fields), NEW_VERSION, profile)


def texts(events: list[PlannedEvent], field: str = "text") -> list[str]:
    """Texts of the deltas of one kind."""
    deltas = [
        event.body["delta"]
        for event in events
        if isinstance(event.body, dict) and "index" in event.body and event.name == "content_block_delta"
    ]
    return [delta[field] for delta in deltas if delta["type"] == f"{field}_delta"]


class Wire:
    """One connection to a simulator."""

    def __init__(self, base_url: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", urlsplit(base_url).port or 0), WITHIN_S)
        self._read = b""

    def send(self, data: bytes) -> None:
        """Send as is."""
        self._socket.sendall(data)

    def post(self, fields: dict[str, Any], **headers: str) -> None:
        """Send a request for a message. Underscores in header names stand for hyphens."""
        content = json.dumps(fields).encode()
        lines = [
            "POST /v1/messages HTTP/1.1",
            "host: localhost",
            f"anthropic-version: {NEW_VERSION}",
            f"content-length: {len(content)}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + content)

    def until(self, mark: bytes) -> bytes:
        """Everything up to and including `mark`, from where the last call ended."""
        while mark not in self._read:
            data = self._received(repr(mark))
            assert data, f"closed before {mark!r}, after {self._read[-200:]!r}"
            self._read += data
        found, _, self._read = self._read.partition(mark)
        return found + mark

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        while data := self._received("the end of the connection"):
            self._read += data
        return self._read

    def _received(self, what: str) -> bytes:
        try:
            return self._socket.recv(65536)
        except TimeoutError:
            pytest.fail(f"waited {WITHIN_S:g} s in vain for {what}, after {self._read[-200:]!r}")

    def close(self) -> None:
        """Close our side."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Truth:
    """The reading end of a truth log that is a pipe."""

    def __init__(self, fd: int) -> None:
        self._file = os.fdopen(fd, "rb", buffering=0)
        self._read = b""

    def line(self) -> dict[str, Any]:
        """The next line, once it is there."""
        while b"\n" not in self._read:
            self._read += self._file.read(65536)
        line, _, self._read = self._read.partition(b"\n")
        return json.loads(line)  # type: ignore[no-any-return]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
