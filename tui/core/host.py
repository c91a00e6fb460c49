"""Hosts: the machines that requests are sent from, each by an engine of its own."""

import shlex
from typing import Annotated

import msgspec

from tui import __version__
from tui.core.engine_events import ClockOffset, Hello, StampSource
from tui.core.setting import setting
from tui.core.target import Endpoint

MAX_HOSTS = 32
"""Most hosts a plan may have."""
_SSH = (
    "-T", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3",
    "-o", "ClearAllForwardings=yes", "-o", "ForwardAgent=no", "-o", "LogLevel=ERROR", "--",
)  # fmt: skip
"""Options of the system's own client: the person's configuration, agents and known hosts hold. Nothing of theirs is
forwarded, and a link that is dead is given up after 15 s. After `--` no host is an option."""
_ASKING_NOTHING = ("-o", "BatchMode=yes")
_SHARED_FOR_S = 60
"""Time for which a connection that a person has opened stays open without an engine, s."""


_INSTALLED = ".local/latency-tui"
"""Directory below a home where the program is looked for beside the usual ones: Python alone can install it there."""
NO_SUCH_COMMAND = 127
"""Exit status of a shell that does not find a program."""


class Host(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A machine that requests are sent from. With a name alone it is this one."""

    name: Annotated[str, setting("Its name, on lanes and in files; alone it is this machine.", set_by="chosen files")]
    ssh: Annotated[
        str | None,
        setting("Host to reach with the system's ssh, as its configuration knows it.", set_by="chosen files"),
    ] = None
    command: Annotated[
        tuple[str, ...],
        setting(
            "Command that runs `latency-tui engine` there, with a pipe to it, such as kubectl exec -i; no shell sees "
            "it.",
            set_by="chosen files",
        ),
    ] = ()
    forward_key: Annotated[
        bool,
        setting("Sends keys of this machine to it, through the pipe; they are kept in memory.", set_by="chosen files"),
    ] = False
    key_command: Annotated[
        tuple[str, ...],
        setting("Command that gives the key there, in place of the endpoints' own.", set_by="chosen files"),
    ] = ()
    ca_file: Annotated[str | None, setting("PEM file of certificate authorities there.", set_by="chosen files")] = None
    proxy: Annotated[str | None, setting("URL of the proxy from there; empty: none.", set_by="chosen files")] = None

    @property
    def is_here(self) -> bool:
        """True for this machine."""
        return self.ssh is None and not self.command

    @property
    def launch(self) -> tuple[str, ...]:
        """Command whose standard input and output are the engine's; empty for this machine."""
        return self.launch_over(None)

    def launch_over(self, socket: str | None) -> tuple[str, ...]:
        """The same, by ssh over the connection of `socket`, if there is one (see `login`)."""
        if self.ssh is None:
            return self.command
        shared = () if socket is None else ("-S", _unexpanded(socket))
        return ("ssh", *shared, *_ASKING_NOTHING, *_SSH, self.ssh, engine_there())

    def login(self, socket: str) -> tuple[str, ...]:
        """Command of ssh that asks a person, and leaves a connection open that is shared by `socket`."""
        assert self.ssh is not None, "others ask nothing"
        shared = ("-M", "-S", _unexpanded(socket), "-o", f"ControlPersist={_SHARED_FOR_S}")
        return ("ssh", *shared, *_SSH, self.ssh, "true")


class HostFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A host that a run was asked from, and its clock. No figure sets stamps of two hosts side by side."""

    name: str
    app_version: str = ""
    sdk_version: str = ""
    python: str = ""
    platform: str = ""
    stamp_source: StampSource | None = None
    offset_ns: int = 0
    """Its CLOCK_MONOTONIC less that of the machine that the program ran on, at the run."""
    error_ns: int = 0
    """Most that the offset is off."""
    rtt_ns: int = 0
    """Round trip over the pipe to its engine."""

    @staticmethod
    def of(name: str, hello: Hello, clock: ClockOffset) -> "HostFacts":
        """Facts of a host by what its engine has said, and by how its clock was read last."""
        said = {each: getattr(hello, each) for each in HostFacts.__struct_fields__ if hasattr(hello, each)}
        return HostFacts(**said | msgspec.structs.asdict(clock) | {"name": name})


def _unexpanded(path: str) -> str:
    return path.replace("%", "%%")


def engine_there() -> str:
    """Command for any login shell that becomes an engine: the program where it is installed, else by uvx or pipx.

    What is fetched is this version. The shell of a login by ssh often does not look where they install programs.
    """
    package = f"latency-tui=={__version__}"
    ways = (
        ("latency-tui", "latency-tui engine"),
        ("uvx", f"uvx --quiet --from {package} latency-tui engine"),
        ("pipx", f"pipx run --spec {package} latency-tui engine"),
    )
    tried = "; ".join(f"command -v {name} >/dev/null && exec {command}" for name, command in ways)
    path = f"PATH=$PATH:$HOME/.local/bin:$HOME/{_INSTALLED}/bin"
    # No quote, backslash, exclamation mark or line break in it: sh, csh and fish then agree on what the quotes hold.
    return f"exec sh -c '{path}; {tried}; echo no latency-tui, uvx or pipx >&2; exit {NO_SUCH_COMMAND}'"


def how_to_install(host: Host) -> str:
    """The one command to type for a host that has no engine."""
    package = f"latency-tui=={__version__}"
    if host.ssh is None:
        return f"pipx install {package}"
    remote = f"python3 -m venv {_INSTALLED} && {_INSTALLED}/bin/pip install {package}"
    return f"ssh {shlex.quote(host.ssh)} {shlex.quote(remote)}"


def lent_variable(endpoint: Endpoint) -> str:
    """Variable under which a host has an endpoint's key that was lent to it."""
    return endpoint.api_key_env or f"LATENCY_TUI_LENT_{endpoint.name.encode().hex().upper()}"


def endpoint_at(host: Host, endpoint: Endpoint) -> Endpoint:
    """An endpoint as it is asked from a host: what of this machine gives keys, trust and the way stays here."""
    if host.is_here:
        return endpoint
    is_lent = host.forward_key and bool(endpoint.key_command)
    return msgspec.structs.replace(
        endpoint,
        api_key_env=lent_variable(endpoint) if is_lent else endpoint.api_key_env,
        key_command=host.key_command,
        ca_file=host.ca_file,
        proxy=host.proxy,
    )
