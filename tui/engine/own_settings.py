"""Settings of the host that an engine runs on, for a session on another machine.

A key, the command that gives it, certificates and the way to a proxy are matters of the host that sends. What a session
elsewhere knows of an endpoint is completed here with what this host's own files say of it.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from tui.config.load import Flags, load
from tui.core.target import Endpoint
from tui.engine.api_keys import Keys
from tui.engine.protocol import Command, CountTokens, Examine, ListModels, StartLoad, StartRun


class OwnSettings:
    """This host's endpoints, and keys that were lent to it. Without `settle` they change nothing."""

    def __init__(self, environ: Mapping[str, str], keys: Keys) -> None:
        self._environ = environ
        self._keys = keys
        self._lent: set[str] = set()
        self._endpoints: Mapping[str, Endpoint] = {}

    def settle(self, lent: Mapping[str, str]) -> None:
        """Use this host's own files, and keys that were lent, by their variables. Raises ConfigError."""
        # The working directory is whatever the login left: a file that lies there says nothing.
        self._endpoints = load(Flags(), self._environ, Path("/dev/null")).settings.endpoints
        self._keys.lend(lent)
        self._lent |= lent.keys()

    def completed(self, command: Command) -> Command:
        """The command with this host's settings in the endpoints that it names."""
        replace = msgspec.structs.replace
        match command:
            case StartLoad(plan=plan):
                own = replace(plan, endpoints=tuple(map(self._own, plan.endpoints)))
                return replace(command, plan=own)
            case StartRun() | CountTokens():
                requests = (replace(spec, endpoint=self._own(spec.endpoint)) for spec in command.requests)
                return replace(command, requests=tuple(requests))
            case ListModels() | Examine():
                return replace(command, endpoints=tuple(map(self._own, command.endpoints)))
        return command

    def _own(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint as this host knows it; only where it is the same server, and for what nobody lent or named."""
        own = self._endpoints.get(endpoint.name)
        if own is None or own.base_url != endpoint.base_url or own.kind != endpoint.kind:
            return endpoint
        found: dict[str, object] = {
            "key_command": endpoint.key_command or own.key_command,
            "ca_file": endpoint.ca_file if endpoint.ca_file is not None else own.ca_file,
            "proxy": endpoint.proxy if endpoint.proxy is not None else own.proxy,
            "secret_headers": own.secret_headers | endpoint.secret_headers,
        }
        if endpoint.api_key_env not in self._lent:
            found["api_key_env"] = own.api_key_env or endpoint.api_key_env
        return msgspec.structs.replace(endpoint, **found)
