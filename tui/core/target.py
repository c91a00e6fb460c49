"""Endpoints, and targets: a model at an endpoint with the parameters in which it differs."""

import ipaddress
import socket
from collections.abc import Collection, Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from tui.core.parameters import Parameters
from tui.core.protocol import KINDS_HELP, MESSAGES_KIND, PROTOCOLS, EndpointKind, Protocol
from tui.core.setting import open_setting, setting
from tui.secret_names import is_secret_variable

_SHORTEST_KEY = 8


ANTHROPIC_HOST = "api.anthropic.com"

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Longest waits before a request counts as failed, in seconds."""

    connect: Annotated[Seconds, open_setting("Name look-up, TCP and TLS together.", "seconds")] = 10.0
    first_token: Annotated[Seconds, open_setting("From the request sent to the first content token.", "seconds")] = (
        120.0
    )
    between_tokens: Annotated[Seconds, open_setting("Silence between two events of a stream.", "seconds")] = 60.0
    request: Annotated[Seconds, open_setting("The whole request.", "seconds")] = 600.0


class TimeoutOverrides(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The timeouts of one endpoint, in seconds; `None` is the general one."""

    connect: Seconds | None = None
    first_token: Seconds | None = None
    between_tokens: Seconds | None = None
    request: Seconds | None = None

    def over(self, general: Timeouts) -> Timeouts:
        """The general timeouts with those of the endpoint in their place."""
        return msgspec.structs.replace(
            general, **{name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}
        )


LONGEST_BACK_OFF_S = 8.0
"""Longest wait between attempts where the server names none, s: the SDK's own."""


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """Repetition of requests that the server turned away. Every attempt has its own timeline."""

    max: Annotated[
        int,
        msgspec.Meta(ge=0, le=10),
        open_setting(
            "Most attempts after the first when the server turns a request away; each is shown apart.",
            "attempts",
            is_cap=True,
        ),
    ] = 0
    longest_wait: Annotated[
        Seconds,
        open_setting(
            "Longest wait for another attempt that a server may ask for; a longer one ends the request.", "seconds"
        ),
    ] = 60.0


Price = Annotated[float, msgspec.Meta(ge=0, le=10_000)]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A server, and how it is asked."""

    name: str
    base_url: Annotated[
        str,
        open_setting("Scheme, host and port of a server, without /v1; for OpenAI's kinds with the path, such as /v1."),
    ]
    api_key_env: Annotated[
        str | None,
        setting(
            "Name of the environment variable that holds the key; empty or absent: no key is sent.",
            set_by="chosen files",
        ),
    ] = None
    """The key itself is never stored."""
    key_command: Annotated[
        tuple[str, ...],
        setting(
            "Command whose standard output is the key, run when the variable is not set; no shell sees it.",
            set_by="chosen files",
        ),
    ] = ()
    """Program and arguments; the engine runs it."""
    key_header: Annotated[
        str,
        open_setting(
            "Header that holds the key, of any name: as a bearer token where it ends in authorization, else bare."
        ),
    ] = "authorization"
    """In lower case."""
    secret_headers: Annotated[
        dict[str, str],
        setting("Further secret headers, each with the name of the variable that holds it.", set_by="chosen files"),
    ] = msgspec.field(default_factory=dict)
    """Names of headers in lower case. The values themselves are never stored."""
    plain_http: Annotated[
        bool, setting("Lets the key go over plain http to a host of a private network.", set_by="chosen files")
    ] = False
    kind: Annotated[EndpointKind, open_setting(KINDS_HELP)] = MESSAGES_KIND
    quirks: Annotated[
        tuple[Literal["max_tokens", "no_stream_options"], ...],
        open_setting(
            "Deviations of a server of kind openai: max_tokens (it knows no max_completion_tokens), no_stream_options."
        ),
    ] = ()
    region: Annotated[str | None, open_setting("Region of Bedrock or Vertex, such as us-east-1.")] = None
    project: Annotated[str | None, open_setting("Project of Vertex.")] = None
    aws_credentials: Annotated[
        bool,
        setting(
            "Without a key, sign for Bedrock with AWS's own credentials: environment, profile or role.",
            set_by="chosen files",
        ),
    ] = False
    api_version: Annotated[
        str | None, open_setting("Version sent as anthropic-version; absent: the newest that takes the parameters.")
    ] = None
    """`None` is chosen per request (`RequestSpec.api_version`)."""
    headers: Annotated[dict[str, str], open_setting("Further request headers.")] = msgspec.field(default_factory=dict)
    """Names in lower case; none of them secret."""
    ca_file: Annotated[
        str | None,
        setting("PEM file of certificate authorities to trust besides the usual ones.", set_by="chosen files"),
    ] = None
    """`~` is the home directory."""
    proxy: Annotated[
        str | None,
        setting("URL of the proxy; empty: none; absent: what HTTPS_PROXY and its like say.", set_by="chosen files"),
    ] = None
    """That of the environment is not used for this machine; one that stands here is."""
    prices: Annotated[
        tuple[Price, Price] | None,
        setting(
            "US dollars for a million input and output tokens there, of all models; [0, 0] for a server of your own.",
            set_by="chosen files",
        ),
    ] = None
    """Absent: those that the endpoint lists, else the model's maker's."""
    timeouts: TimeoutOverrides = TimeoutOverrides()
    simulated: bool = False
    """True for the built-in simulator; everything measured there is marked SIMULATED."""

    @property
    def protocol(self) -> Protocol:
        """The protocol that it speaks."""
        return PROTOCOLS[self.kind]

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The environment variables that hold its key and its secret headers."""
        return (*([self.api_key_env] if self.api_key_env else []), *self.secret_headers.values())

    @property
    def is_anthropic(self) -> bool:
        """True for Anthropic's own API and the simulator, which alone know some of its fields."""
        return self.simulated or urlsplit(self.base_url).hostname == ANTHROPIC_HOST


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A model at an endpoint, with the parameters in which it differs from the shared ones."""

    model: Annotated[str, open_setting("The model's id.")]
    endpoint: Annotated[str | None, open_setting("Endpoint to ask; absent: the default one.")] = None
    name: Annotated[str | None, open_setting("Name of the lane; absent: the model's id.")] = None
    drop: Annotated[tuple[str, ...], open_setting("Shared parameters that it does not send.")] = ()
    parameters: Parameters = Parameters()
    variant: str | None = None
    """Name of its prompt variant; `None` is the one in use. Set by `Plan.lanes`."""
    host: str | None = None
    """Name of the host that it is asked from; `None` where the plan names no hosts. Set by `Plan.lanes`."""
    against: str | None = None
    """Label of the target that is asked in turn with it, to be compared within every run. Set by `core.interleaved`."""

    @property
    def label(self) -> str:
        """The name on the lane."""
        return self.name or self.model

    @property
    def single(self) -> "Target":
        """The target as it was before `Plan.lanes` made one of it for every variant and every host."""
        if self.variant is None and self.host is None:
            return self
        label = self.label
        for part in (self.host, self.variant):
            label = label.removesuffix(f" · {part}") if part is not None else label
        name = None if label == self.model else label
        return msgspec.structs.replace(self, name=name, variant=None, host=None)


def is_this_machine(host: str) -> bool:
    """True for a name or an address by which this machine reaches itself, as `localhost.`, `127.1` or `0.0.0.0`."""
    name = host.lower().rstrip(".").strip("[]")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        try:
            address = ipaddress.IPv4Address(socket.inet_aton(name))  # forms that only the resolver knows
        except (OSError, ValueError):
            return name == "localhost"
    return (
        address.is_unspecified
        or address == ipaddress.IPv6Address("::1")
        or (address.version == 4 and address.is_loopback)
    )


def as_header(name: str, value: str) -> str:
    """A secret as the header of this name has it: a bearer token where the name says so and nothing else is said."""
    return f"Bearer {value}" if name.endswith("authorization") and " " not in value else value


def is_key(value: str) -> bool:
    """True for what can be a key: what is shorter than eight characters or all letters is a word, as "disabled"."""
    return len(value) >= _SHORTEST_KEY and not value.isalpha()


def keys_in(environ: Mapping[str, str], named: Collection[str | None] = ()) -> list[str]:
    """Values of the environment variables that are `named`, or named like keys, longest first."""
    values = {value for name, value in environ.items() if name in named or is_secret_variable(name)}
    return sorted(filter(is_key, values), key=lambda key: (-len(key), key))
