"""A plan: what is asked, how, and of whom; and the requests that one run of it sends."""

import msgspec

from tui.core.parameters import OLDER_API_VERSION, Parameters
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Retries, Target, Timeouts

MAX_TARGETS = 128
"""Most targets a plan may have."""


class RequestSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One request, complete: everything the engine needs to send it, except the key."""

    request_id: int
    """Unique within the sitting."""
    target: str
    """The target's label."""
    model: str
    endpoint: Endpoint
    prompt: Prompt
    parameters: Parameters
    timeouts: Timeouts
    retries: Retries = Retries()

    @property
    def api_version(self) -> str | None:
        """The API version it asks for; `None` is the SDK's own.

        The endpoint's if that names one, else the older one for parameters that only that one takes.
        """
        return self.endpoint.api_version or (OLDER_API_VERSION if self.parameters.sampling else None)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, how, and of whom."""

    prompt: Prompt
    parameters: Parameters
    targets: tuple[Target, ...]
    endpoints: tuple[Endpoint, ...]
    default_endpoint: str
    """Name of the endpoint for targets that name none."""
    timeouts: Timeouts = Timeouts()
    retries: Retries = Retries()

    def endpoint_of(self, target: Target) -> Endpoint:
        """The endpoint that `target` is asked at. Raises KeyError for a name the plan does not have."""
        name = target.endpoint or self.default_endpoint
        for endpoint in self.endpoints:
            if endpoint.name == name:
                return endpoint
        raise KeyError(name)

    def parameters_of(self, target: Target) -> Parameters:
        """What `target` is asked with: the shared parameters without those it drops, under its own."""
        return self.parameters.without(target.drop).overridden_by(target.parameters)

    def requests(self, first_id: int) -> tuple[RequestSpec, ...]:
        """One request per target, in the targets' order, with ids counted up from `first_id`."""
        return tuple(
            RequestSpec(
                request_id=request_id,
                target=target.label,
                model=target.model,
                endpoint=(endpoint := self.endpoint_of(target)),
                prompt=self.prompt,
                parameters=self.parameters_of(target),
                timeouts=endpoint.timeouts.over(self.timeouts),
                retries=self.retries,
            )
            for request_id, target in enumerate(self.targets, first_id)
        )
