"""Endpoints that are clouds, and keys in other headers: the SDK's own clients over our sockets to a local server."""

import asyncio
import importlib
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from canary import KEY

from engine.scripted import send_one
from tui.core.events import FailureKind, RequestEnded, Status
from tui.core.parameters import Parameters
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Timeouts
from tui.engine.redaction import Redactor
from tui.engine.request import RequestSender

from .test_wire import Received, serving


@pytest_asyncio.fixture
async def sender() -> AsyncIterator[RequestSender]:
    made = RequestSender({"CLOUD_KEY": KEY})
    yield made
    await made.aclose()


async def ask(sender: RequestSender, url: str, **endpoint: Any) -> RequestRecord:
    spec = RequestSpec(
        request_id=1,
        target="lane",
        model="claude-opus-5-5",
        endpoint=Endpoint(name="cloud", base_url=url, api_key_env="CLOUD_KEY", **endpoint),
        prompt=Prompt(user="Hello"),
        parameters=Parameters(max_tokens=10),
        timeouts=Timeouts(first_token=20, request=20),
    )
    record = RequestRecord(spec=spec)
    redactor = Redactor(sender.keys.known, record.apply)
    async with asyncio.timeout(30):
        ended: RequestEnded = await send_one(sender, spec, redactor.put)
    redactor.put(ended)
    return record


async def test_foundry(sender: RequestSender) -> None:
    received = Received()
    async with serving(received) as port:
        record = await ask(sender, f"http://127.0.0.1:{port}/anthropic", kind="foundry")
    assert (record.status, record.text()) == (Status.DONE, "x")
    assert record.ttft_ns is not None
    assert record.instrument is not None
    assert received.lines == ["POST /anthropic/v1/messages HTTP/1.1"]
    assert KEY in {received.headers[0].get("api-key"), received.headers[0].get("x-api-key")}


async def test_vertex(sender: RequestSender) -> None:
    received = Received()
    async with serving(received) as port:
        url = f"http://127.0.0.1:{port}"
        record = await ask(sender, url, kind="vertex", region="us-east5", project="mine")
    assert (record.status, record.text()) == (Status.DONE, "x")
    route = "/v1/projects/mine/locations/us-east5/publishers/anthropic/models/claude-opus-5-5:streamRawPredict"
    assert received.lines == [f"POST {route} HTTP/1.1"]
    assert received.headers[0]["authorization"] == f"Bearer {KEY}"
    assert "model" not in received.bodies[0]
    assert received.bodies[0]["anthropic_version"]


async def test_bedrock_with_a_key_of_its_own(sender: RequestSender) -> None:
    received = Received()
    async with serving(received) as port:
        record = await ask(sender, f"http://127.0.0.1:{port}/anthropic", kind="bedrock", region="us-east-1")
    assert (record.status, record.text()) == (Status.DONE, "x")
    assert received.lines == ["POST /anthropic/v1/messages HTTP/1.1"]
    assert received.headers[0]["authorization"] == f"Bearer {KEY}"


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """AWS's own credentials in the environment, and nothing else of AWS's on this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIACANARY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-canary")
    boto3_session = importlib.import_module("anthropic.lib.aws._auth")._get_session
    boto3_session.cache_clear()
    yield monkeypatch
    boto3_session.cache_clear()


async def ask_signed(url: str, environ: Mapping[str, str]) -> RequestRecord:
    sender = RequestSender(environ)
    try:
        return await ask(sender, url, kind="bedrock", region="us-east-1", aws_credentials=True)
    finally:
        await sender.aclose()


@pytest.mark.usefixtures("aws")
async def test_bedrock_signed_with_the_credentials_of_aws() -> None:
    received = Received()
    async with serving(received) as port:
        url = f"http://127.0.0.1:{port}/anthropic"
        record = await ask_signed(url, {})
    assert (record.status, record.text()) == (Status.DONE, "x")
    sent = received.headers[0]
    credential, names, signature = sent["authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(", ")
    assert credential == f"Credential=AKIACANARY/{sent['x-amz-date'][:8]}/us-east-1/bedrock-mantle/aws4_request"
    assert sent["x-amz-security-token"] == "session-canary"
    assert not any(KEY in value for value in sent.values())
    # The signature is what AWS would work out from what arrived.
    again = AWSRequest(
        "POST",
        f"{url}/v1/messages",
        {name: sent[name] for name in names.removeprefix("SignedHeaders=").split(";")},
        received.raw[0],
    )
    again.context["timestamp"] = sent["x-amz-date"]
    signer = SigV4Auth(Credentials("AKIACANARY", KEY, "session-canary"), "bedrock-mantle", "us-east-1")
    wanted = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    assert signature == f"Signature={wanted}"


@pytest.mark.usefixtures("aws")
async def test_a_bearer_token_of_bedrock_goes_before_a_signature() -> None:
    received = Received()
    async with serving(received) as port:
        record = await ask_signed(f"http://127.0.0.1:{port}", {"AWS_BEARER_TOKEN_BEDROCK": "bearer-canary"})
    assert record.status is Status.DONE
    assert received.headers[0]["authorization"] == "Bearer bearer-canary"


async def test_bedrock_without_credentials_is_not_asked(aws: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        aws.delenv(name)
    received = Received()
    async with serving(received) as port:
        record = await ask_signed(f"http://127.0.0.1:{port}", {})
    assert record.failure is not None
    assert record.failure.kind is FailureKind.NO_KEY
    assert "could not be signed" in record.failure.message
    assert received.lines == []


async def test_bedrock_without_its_library_says_what_to_install(aws: pytest.MonkeyPatch) -> None:
    aws.setitem(sys.modules, "boto3", None)
    received = Received()
    async with serving(received) as port:
        record = await ask_signed(f"http://127.0.0.1:{port}", {})
    assert record.failure is not None
    assert "pip install 'latency-tui[bedrock]'" in record.failure.message
    assert received.lines == []


@pytest.mark.usefixtures("aws")
async def test_a_signed_request_goes_over_plain_http_to_this_machine_only() -> None:
    record = await ask_signed("http://192.0.2.1:8080", {})
    assert record.failure is not None
    assert record.failure.kind is FailureKind.BAD_KEY
    assert "plain http" in record.failure.message


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "api-key", "ocp-apim-subscription-key"])
async def test_the_key_goes_into_the_header_that_is_named(sender: RequestSender, header: str) -> None:
    received = Received()
    async with serving(received) as port:
        record = await ask(sender, f"http://127.0.0.1:{port}", key_header=header)
    assert record.status is Status.DONE
    sent = received.headers[0]
    assert sent[header].removeprefix("Bearer ") == KEY
    assert [name for name, value in sent.items() if KEY in value] == [header]


@pytest.mark.parametrize("kind", ["anthropic", "openai"])
async def test_a_gateway_gets_a_key_of_its_own_beside_the_apis(kind: str) -> None:
    headers = {"authorization": "GATEWAY_TOKEN", "x-portkey-api-key": "PORTKEY"}
    sender = RequestSender({"CLOUD_KEY": KEY, "GATEWAY_TOKEN": "gateway-canary-1", "PORTKEY": "portkey-canary-1"})
    received = Received()
    async with serving(received) as port:
        url = f"http://127.0.0.1:{port}"
        await ask(sender, url, kind=kind, key_header="x-api-key", secret_headers=headers)
        failure = (await ask(sender, url, kind=kind, secret_headers={"x-other": "NOT_SET"})).failure
    await sender.aclose()
    sent = received.headers[0]
    assert sent["authorization"] == "Bearer gateway-canary-1"
    assert sent["x-portkey-api-key"] == "portkey-canary-1"
    assert sent["x-api-key"] == KEY
    assert {"gateway-canary-1", "portkey-canary-1"} <= sender.keys.known
    assert len(received.headers) == 1
    assert failure is not None
    assert failure.kind is FailureKind.NO_KEY
    assert "header x-other" in failure.message
    assert "set NOT_SET" in failure.message


@pytest.mark.parametrize("kind", ["bedrock", "foundry", "vertex"])
async def test_a_cloud_that_refuses_the_key_does_not_get_it_shown(sender: RequestSender, kind: str) -> None:
    received = Received()
    received.refuse_with = f'{{"error": {{"type": "authentication_error", "message": "no: {KEY}"}}}}'.encode()
    async with serving(received) as port:
        record = await ask(sender, f"http://127.0.0.1:{port}", kind=kind, region="r", project="p")
    assert record.failure is not None
    assert record.failure.kind is FailureKind.BAD_KEY
    assert KEY not in record.failure.message
