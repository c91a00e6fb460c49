"""A plan: what is asked, how, and of whom; and the requests that one run of it sends."""

import msgspec

from tui.core.parameters import Parameters
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

    def requests(self, first_id: int) -> tuple[RequestSpec, ...]:
        """One request per target, in the targets' order, with ids counted up from `first_id`."""
        return tuple(
            RequestSpec(
                request_id=request_id,
                target=target.label,
                model=target.model,
                endpoint=self.endpoint_of(target),
                prompt=self.prompt,
                parameters=self.parameters.overridden_by(target.parameters),
                timeouts=self.timeouts,
                retries=self.retries,
            )
            for request_id, target in enumerate(self.targets, first_id)
        )
