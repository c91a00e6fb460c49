"""Keys of endpoints, from the environment or from the person's command. They stay in this process.

A command runs once for all who need its key, and again only after it failed or the server refused the key.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable, Mapping

import msgspec

from tui.config.endpoints import custom_headers, is_open
from tui.core.events import Failure
from tui.core.host import Host, lent_variable
from tui.core.target import Endpoint, as_header, keys_in
from tui.engine import failures
from tui.secret_names import is_secret_name

COMMAND_WITHIN_S = 30.0
"""Time for a command, s: a password manager may ask its owner first."""
BEDROCK_KEYS = ("AWS_BEARER_TOKEN_BEDROCK", "ANTHROPIC_AWS_API_KEY")
"""Variables that may hold a key for Bedrock instead; the SDK would take them unseen by us."""
_LONGEST_KEY = 16 * 1024
_ENDED_WITHIN_S = 1.0
"""Time for reading a killed command's output, s: a child that left its group may hold it open endlessly."""


class Keys:
    """The keys of all endpoints."""

    def __init__(self, environ: Mapping[str, str], command_within_s: float = COMMAND_WITHIN_S) -> None:
        self._environ = dict(environ)
        self._command_within_s = command_within_s
        self.known = set(keys_in(environ))
        """Every key that is known by now, and whatever else the environment holds under a name like a key's."""
        self._outputs: dict[tuple[str, ...], asyncio.Task[str | Failure]] = {}

    def lend(self, keys: Mapping[str, str]) -> None:
        """Take keys from elsewhere, by the variables that would hold them. They come before this machine's."""
        self._environ |= keys
        self.known.update(value.strip() for value in keys.values())

    async def of(self, endpoint: Endpoint) -> str | Failure | None:
        """The endpoint's key, None if it needs none, or the reason why there is none that can be used.

        A key that could be read on the way is not even looked for.
        """
        variable = self._variable(endpoint)
        has_source = bool(variable or endpoint.key_command)
        if (missing := self._missing(endpoint)) is not None:
            return failures.no_secret_header(endpoint, *missing)
        if not has_source and not endpoint.aws_credentials and not endpoint.secret_headers:
            return failures.no_key(endpoint) if endpoint.api_key_env else None
        if is_open(endpoint):
            return failures.open_key(endpoint)
        if not has_source and endpoint.api_key_env and not endpoint.aws_credentials:
            return failures.no_key(endpoint)
        if not has_source:
            return None  # the SDK signs
        key = variable or await self._from_command(endpoint)
        if isinstance(key, str) and not (key.isascii() and key.isprintable()):
            return failures.unusable_key(endpoint, from_command=not variable)
        if isinstance(key, str):
            self.known.add(key)
        return key

    def with_headers(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with the headers that the environment holds: those added to the API's own, and the secret ones
        of any; nowhere where they could be read on the way."""
        added = custom_headers(endpoint, self._environ)
        values = {name: self._environ.get(variable, "").strip() for name, variable in endpoint.secret_headers.items()}
        values = {name: value for name, value in values.items() if value.isascii() and value.isprintable()}
        if not (added or values) or is_open(endpoint):
            return endpoint
        self.known.update(value for name, value in added.items() if is_secret_name(name))
        self.known.update(values.values())
        secret = {name: as_header(name, value) for name, value in values.items()}
        return msgspec.structs.replace(endpoint, headers=added | endpoint.headers | secret)

    def _missing(self, endpoint: Endpoint) -> tuple[str, str] | None:
        """A secret header whose variable holds nothing that can be sent, and that variable."""
        for name, variable in endpoint.secret_headers.items():
            value = self._environ.get(variable, "").strip()
            if not (value and value.isascii() and value.isprintable()):
                return name, variable
        return None

    def _variable(self, endpoint: Endpoint) -> str:
        names = (endpoint.api_key_env or "", *(BEDROCK_KEYS if endpoint.aws_credentials else ()))
        values = (self._environ.get(name, "").strip() for name in names)
        return next(filter(None, values), "")

    def forget(self, endpoint: Endpoint) -> None:
        """The server refused the key: the next request runs its command again."""
        self._outputs.pop(endpoint.key_command, None)

    async def _from_command(self, endpoint: Endpoint) -> str | Failure:
        command = endpoint.key_command
        if (task := self._outputs.get(command)) is None:
            task = asyncio.create_task(self._run(endpoint), name=f"key of {endpoint.name}")
            self._outputs[command] = task
        # Shielded: a request that is cancelled must not take the key from the others.
        outcome = await asyncio.shield(task)
        if isinstance(outcome, Failure) and self._outputs.get(command) is task:
            del self._outputs[command]
        return outcome

    async def _run(self, endpoint: Endpoint) -> str | Failure:
        try:
            process = await asyncio.create_subprocess_exec(
                *endpoint.key_command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                # What it says there may quote the key, and standard error is read by our parent.
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            return failures.no_key_from_command(endpoint, f"cannot be run: {(error.strerror or 'unknown').lower()}")
        try:
            async with asyncio.timeout(self._command_within_s):
                output = await _output(process)
                status = await process.wait() if output is not None else 0
        except TimeoutError:
            return failures.no_key_from_command(endpoint, f"did not end within {self._command_within_s:g} s")
        finally:
            if process.returncode is None:
                await _kill(process)
        if output is None:
            return failures.unusable_key(endpoint, from_command=True)
        if status != 0:
            how = f"ended with exit status {status}" if status > 0 else f"was ended by signal {-status}"
            return failures.no_key_from_command(endpoint, how)
        key = output.decode("latin-1").strip()
        return key or failures.no_key_from_command(endpoint, "printed nothing")


async def _output(process: asyncio.subprocess.Process) -> bytes | None:
    """All of its standard output; None if it is longer than any key."""
    assert process.stdout is not None
    output = b""
    while part := await process.stdout.read(_LONGEST_KEY):
        output += part
        if len(output) > _LONGEST_KEY:
            return None
    return output


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End the command and its children."""
    assert process.stdout is not None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ENDED_WITHIN_S):
            # asyncio sees the end of a process only once its output is read to the end (CPython issue 119710).
            while await process.stdout.read(_LONGEST_KEY):
                pass
            await process.wait()


async def lent_to(host: Host, endpoints: Iterable[Endpoint], environ: Mapping[str, str]) -> dict[str, str]:
    """Keys of this machine that a host is to have, by their variables; none unless its entry says `forward_key`.

    Those of the environment as they are, and those of the endpoints' commands, which run here.
    """
    if not host.forward_key:
        return {}
    keys = Keys(environ)
    lent: dict[str, str] = {}
    for endpoint in endpoints:
        lent |= {name: environ[name] for name in endpoint.key_variables if environ.get(name, "").strip()}
        variable = lent_variable(endpoint)
        if endpoint.key_command and variable not in lent and isinstance(key := await keys.of(endpoint), str):
            lent[variable] = key
    return lent
