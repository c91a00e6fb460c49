"""Of whom it is asked: endpoints, and targets (a model at an endpoint with overrides)."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from tui.core.parameters import Parameters

ANTHROPIC_HOST = "api.anthropic.com"

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait before a request counts as failed, in seconds."""

    connect: Seconds = 10.0
    """Name look-up, TCP and TLS together."""
    first_token: Seconds = 120.0
    """Request sent to the first content token."""
    between_tokens: Seconds = 60.0
    """Silence between two events of a stream."""
    request: Seconds = 600.0
    """The whole request."""


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


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a request that the server turned away is sent again. Every attempt has a timeline of its own."""

    max: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0
    """Most attempts after the first."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A server that speaks the Messages API."""

    name: str
    base_url: str
    """Scheme, host and port, without `/v1`."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key. The key itself is never stored."""
    key_command: tuple[str, ...] = ()
    """Program and arguments whose standard output is the key, run by the engine when the variable is not set.

    With neither, no key is sent.
    """
    key_header: Literal["authorization", "x-api-key"] = "authorization"
    """The header that holds the key: as a bearer token, or bare."""
    kind: Literal["anthropic", "bedrock", "foundry", "vertex"] = "anthropic"
    """How it is spoken to: as the API itself, or as a cloud that serves the same messages under routes of its own."""
    region: str | None = None
    project: str | None = None
    """Where Bedrock and Vertex serve, and for whom Vertex does; unused elsewhere."""
    aws_credentials: bool = False
    """Without a key, sign for Bedrock with AWS's own credentials: of the environment, the profile or the machine."""
    api_version: str | None = None
    """What goes out as `anthropic-version`; `None` is chosen per request (`RequestSpec.api_version`)."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    """Further request headers, names in lower case; none of them secret."""
    ca_file: str | None = None
    """PEM file of certificate authorities to trust besides the usual ones; `~` is the home directory."""
    proxy: str | None = None
    """URL of the proxy; empty for none; `None` is what the environment says. This machine is reached directly."""
    timeouts: TimeoutOverrides = TimeoutOverrides()
    simulated: bool = False
    """True for the built-in simulator; everything measured there is marked SIMULATED."""

    @property
    def is_anthropic(self) -> bool:
        """True for Anthropic's own API and the simulator: what only those know may be asked of them."""
        return self.simulated or urlsplit(self.base_url).hostname == ANTHROPIC_HOST


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A model at an endpoint, with the parameters in which it differs from the shared ones."""

    model: str
    endpoint: str | None = None
    """Name of an endpoint; `None` is the default endpoint of the session."""
    name: str | None = None
    """What the lane is called; `None` shows the model's id."""
    drop: tuple[str, ...] = ()
    """Names of shared parameters that this target does not send."""
    parameters: Parameters = Parameters()
    variant: str | None = None
    """Name of the prompt variant it is asked; `None` is the one in use. Set by `Plan.asked`."""

    @property
    def label(self) -> str:
        """The name on the lane."""
        return self.name or self.model
