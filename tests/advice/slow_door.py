"""A door to a server that is slow to open: TLS begins only after a while, and every answer closes it."""

import asyncio
import contextlib
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


def certificate(base: Path) -> Path:
    """A certificate for this machine, with its key beside it."""
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    about = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(base / "key.pem"), "-out", str(base / "cert.pem")]
    subprocess.run([*made, *about, *files], check=True, capture_output=True)
    return base / "cert.pem"


@asynccontextmanager
async def slow_door(behind: str, certified: Path, delay_s: float) -> AsyncIterator[str]:
    """The address of a door to the plain server at `behind`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certified, certified.with_name("key.pem"))
    port = int(behind.rpartition(":")[2])
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        async with asyncio.TaskGroup() as tasks:

            async def accept() -> None:
                while True:
                    connection, _ = await loop.sock_accept(listener)
                    tasks.create_task(through(connection))

            async def through(connection: socket.socket) -> None:
                await asyncio.sleep(delay_s)
                reader = asyncio.StreamReader()
                protocol = asyncio.StreamReaderProtocol(reader)
                transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=context)
                writer = asyncio.StreamWriter(transport, protocol, reader, loop)
                inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
                with contextlib.closing(writer), contextlib.closing(inner_writer):
                    request = asyncio.create_task(_pass_on(reader, inner_writer))
                    await _pass_on(inner_reader, writer)
                    request.cancel()

            accepting = asyncio.create_task(accept())
            yield f"https://localhost:{listener.getsockname()[1]}"
            accepting.cancel()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data.replace(b"keep-alive", b"close"))
        await writer.drain()
