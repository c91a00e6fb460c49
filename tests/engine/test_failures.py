"""Every failure is one sentence or two: the cause, and what to do."""

import errno
import ssl

import pytest

from tui.core.events import Failure, FailureKind
from tui.core.target import Endpoint
from tui.engine import failures
from tui.engine.connection_failures import connection_failure
from tui.engine.wires.messages.answer import refusal_of

ENDPOINT = Endpoint(name="local", base_url="http://127.0.0.1:8099", api_key_env="LOCAL_KEY")
API = "Messages API"
HOSTILE = "\x1b]52;c;aGFja2Vk\x07\r\nnext\u202eline\x9b31m"


def refused(status: int, error_type: str = "", message: str = "words", retry: float | None = None) -> Failure:
    return failures.api_failure(
        http_status=status, refusal=refusal_of(error_type, message), endpoint=ENDPOINT, retry_after_s=retry
    )


@pytest.mark.parametrize(
    ("failure", "kind", "cause", "remedy"),
    [
        (failures.no_key(ENDPOINT), FailureKind.NO_KEY, "local", "set LOCAL_KEY"),
        (failures.unusable_key(ENDPOINT, from_command=False), FailureKind.BAD_KEY, "LOCAL_KEY holds", "start again"),
        (failures.unusable_key(ENDPOINT, from_command=True), FailureKind.BAD_KEY, "endpoint local", "print the bare"),
        (failures.no_key_from_command(ENDPOINT, "failed"), FailureKind.NO_KEY, "its key_command failed", "in a shell"),
        (failures.open_key(ENDPOINT), FailureKind.BAD_KEY, "plain http", "Use https"),
        (
            failures.unusable_ca_file(ENDPOINT, FileNotFoundError(errno.ENOENT, "No such file")),
            FailureKind.TLS,
            "no such file",
            "Correct its path",
        ),
        (
            failures.unusable_ca_file(ENDPOINT, ssl.SSLError(1, "[X509] PEM lib")),
            FailureKind.TLS,
            "no certificate in PEM form",
            "Correct its path",
        ),
        (refused(401), FailureKind.BAD_KEY, "refused the key", "Check the key in LOCAL_KEY"),
        (refused(403), FailureKind.FORBIDDEN, "not allow", "Check what this key may use"),
        (refused(404), FailureKind.UNKNOWN_MODEL, "not know this model", "Choose another model"),
        (refused(400), FailureKind.BAD_REQUEST, "refused the request", "Compare the parameters"),
        (refused(400, message="max_tokens: too many"), FailureKind.BAD_REQUEST, "max_tokens", "Change the parameter"),
        (refused(400, message="Unknown 'effort'"), FailureKind.BAD_REQUEST, "effort", "Change the parameter"),
        (refused(400, message="the model is away"), FailureKind.BAD_REQUEST, "away", "Compare the parameters"),
        (
            failures.not_an_answer("application/json", streamed=True, wire=API, refusal=refusal_of("", "too long")),
            FailureKind.PROTOCOL,
            "too long",
            "Check that the base URL",
        ),
        (refused(413), FailureKind.TOO_LARGE, "too large", "Shorten the prompt"),
        (refused(429, retry=7.0), FailureKind.RATE_LIMITED, "Rate limited", "wait 7 s"),
        (refused(429), FailureKind.RATE_LIMITED, "Rate limited", "Wait a little"),
        (refused(529), FailureKind.OVERLOADED, "overloaded", "Run it again"),
        (refused(500), FailureKind.SERVER_ERROR, "server failed", "Run it again"),
        (refused(504), FailureKind.SERVER_ERROR, "server failed", "Run it again"),
        (refused(418, "rate_limit_error"), FailureKind.RATE_LIMITED, "418 rate_limit_error", "Wait a little"),
        (refused(200, "overloaded_error"), FailureKind.OVERLOADED, "overloaded_error in the answer", "Run it again"),
        (failures.unusable_address(ENDPOINT), FailureKind.CONNECTION, "Endpoint local", "ALL_PROXY"),
        (
            failures.not_an_answer("text/html", streamed=True, wire=API),
            FailureKind.PROTOCOL,
            "text/html",
            "Check that the base URL",
        ),
        (
            failures.not_an_answer("", streamed=False, wire=API),
            FailureKind.PROTOCOL,
            "stream = false",
            "Check that the base URL",
        ),
        (failures.timed_out("x", 2.5, "connect"), FailureKind.TIMEOUT, "2.5 s", "raise timeouts.connect"),
        (failures.engine_fault(ValueError("odd")), FailureKind.ENGINE, "ValueError: odd", "report"),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Failure) else "",
)
def test_it_names_cause_and_remedy(failure: Failure, kind: FailureKind, cause: str, remedy: str) -> None:
    assert failure.kind is kind
    assert cause in failure.message
    assert remedy in failure.message
    assert failure.message.endswith(".")
    assert ".." not in failure.message
    assert "\n" not in failure.message


@pytest.mark.parametrize(
    "failure",
    [
        refused(400, HOSTILE, HOSTILE * 1000),
        failures.not_an_answer(HOSTILE * 1000, streamed=True, wire=API),
        failures.engine_fault(ValueError(HOSTILE * 1000)),
        connection_failure(OSError(HOSTILE * 1000), ENDPOINT, in_stream=False),
        connection_failure(OSError(HOSTILE * 1000), ENDPOINT, in_stream=True),
    ],
    ids=lambda failure: failure.kind.value,
)
def test_foreign_words_are_harmless_and_bounded(failure: Failure) -> None:
    assert len(failure.message) < 1000
    assert failure.message.isprintable()
    assert "\u202e" not in failure.message


def test_the_status_and_the_wait_are_kept() -> None:
    assert (refused(429, retry=3.0).http_status, refused(429, retry=3.0).retry_after_s) == (429, 3.0)
    assert refused(200, "overloaded_error").http_status is None


def test_a_page_is_told_from_blanks_without_end() -> None:
    # Blanks that are tried again from each of them take hours at this length.
    blanks = b" " * 2_000_000
    assert not failures.answerer_of(500, {}, blanks, None).is_in_front
    assert failures.answerer_of(500, {}, blanks + b"\xef\xbb\xbf\n<html>", None).is_in_front
