"""Plan: a prompt, its parameters and its targets; and the requests that one run of it sends."""

import secrets
from typing import Annotated

import msgspec

from tui.core.attachment import Attachment
from tui.core.host import Host, endpoint_at
from tui.core.parameters import OLDER_API_VERSION, Parameters
from tui.core.prompt import Conversation, Prompt, undefined_sentence
from tui.core.setting import open_setting
from tui.core.target import Endpoint, Retries, Target, Timeouts

MAX_TARGETS = 256
"""Most targets a plan may have."""


class RequestSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One request, complete: everything the engine needs to send it, except the key."""

    request_id: int
    """Unique within the session."""
    target: str
    """The target's label."""
    model: str
    endpoint: Endpoint
    prompt: Prompt
    """With its variables filled in."""
    parameters: Parameters
    timeouts: Timeouts
    retries: Retries = Retries()
    betas: tuple[str, ...] = ()
    """Values for the header `anthropic-beta`, besides those of the endpoint's headers."""
    host: str | None = None
    """Name of the host that it is sent from; `None` where the plan names no hosts."""
    turn: int | None = None
    """Number of the user's turn that it plays, from 1; `None` outside of a conversation that is played."""
    call: int = 0
    """Results of tools that came before it within its turn; 0 for the answer to the user's words."""
    previous_message: str | None = None
    """Id of the answer before in a thread that the server keeps: only what came after it is sent. The prompt has it all
    the same, in case that the thread is gone."""
    warms_cache: bool = False
    """True for a request that only fills the prompt cache. It counts in no statistics, and goes out with
    `max_tokens = 0`, whatever its parameters say."""

    @property
    def api_version(self) -> str | None:
        """The API version it asks for; `None` is the SDK's own.

        The endpoint's if that names one, else the older one for parameters that only that one takes.
        """
        return api_version(self.endpoint, self.parameters)


def api_version(endpoint: Endpoint, parameters: Parameters) -> str | None:
    """The API version that a request of these asks for; see `RequestSpec.api_version`."""
    return endpoint.api_version or (OLDER_API_VERSION if parameters.sampling else None)


_Dollars = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]


class Budget(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Caps on what may be spent, in US dollars at list prices; `None` is no cap."""

    session_usd: Annotated[
        _Dollars | None,
        open_setting(
            "Most that a session, from start to end of the program, may cost; absent: no cap.",
            "USD",
            old_name="sitting_usd",
            is_cap=True,
        ),
    ] = None
    plan_usd: Annotated[
        _Dollars | None, open_setting("Most that one run or series may cost; absent: no cap.", "USD", is_cap=True)
    ] = None
    ask_from_usd: Annotated[
        _Dollars | None,
        open_setting(
            "Highest cost from which on what is more than one run is begun after a question; absent: at once.",
            "USD",
            is_cap=True,
        ),
    ] = None
    sitting_usd: _Dollars | None = None
    """Old name of `session_usd`: read for one version, never written."""

    def __post_init__(self) -> None:
        if self.sitting_usd is not None:
            msgspec.structs.force_setattr(self, "session_usd", self.sitting_usd)
            msgspec.structs.force_setattr(self, "sitting_usd", None)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Prompt, parameters and targets of a run, with the endpoints and limits that they need."""

    prompt: Prompt
    """The prompt in use, with its variables as they were written."""
    parameters: Parameters
    targets: tuple[Target, ...]
    endpoints: tuple[Endpoint, ...]
    default_endpoint: str
    """Name of the endpoint for targets that name none."""
    timeouts: Timeouts = Timeouts()
    retries: Retries = Retries()
    budget: Budget = Budget()
    speed_betas: dict[str, str] = msgspec.field(default_factory=dict)
    """Value for `anthropic-beta` with the parameter `speed`, by the id of the models that need it."""
    variants: tuple[Prompt, ...] = ()
    """Prompts held side by side, each with a name, the one in use among them; empty when there is only that one."""
    ask_all: bool = False
    """True to ask every target every variant, and not only the one in use."""
    hosts: tuple[Host, ...] = ()
    """Machines that every target is asked from; without any it is this one."""
    hosts_share_cache: bool = False
    """True to let hosts find each other's prompts in the cache: else each begins its own with a text of its own."""
    cache_buster: str = ""
    """That text, before it is made another one for every host; empty where there is none. Set by `racing`."""
    rows: tuple[dict[str, str], ...] = ()
    """The variables' values: rows with the same names each."""
    row: int = 0
    """The row in use, from 0; past the last one it begins again."""
    files: dict[str, Attachment] = msgspec.field(default_factory=dict)
    """The files that the prompts attach, by path as it is written in them."""
    conversation: Conversation = Conversation()
    """Says whether the user's turns are asked one after another, each a request of its own."""

    @property
    def simulated(self) -> bool:
        """True if any target is asked at the simulator."""
        return any(self.endpoint_of(target).simulated for target in self.targets)

    @property
    def lanes(self) -> tuple[Target, ...]:
        """The targets as they are asked, one per lane: from every host, and with `ask_all` once for every variant."""
        replace, lanes = msgspec.structs.replace, self.targets
        if self.ask_all and self.variants:
            lanes = tuple(
                replace(target, name=f"{target.label} · {variant.name}", variant=variant.name)
                for target in lanes
                for variant in self.variants
            )
        if not self.hosts or any(target.host is not None for target in lanes):
            return lanes
        return tuple(
            replace(target, name=f"{target.label} · {host.name}", host=host.name)
            for target in lanes
            for host in self.hosts
        )

    def prompt_of(self, target: Target) -> Prompt:
        """The prompt that `target` is asked, with its variables as they were written: its variant, or the one in use.

        Raises KeyError for a variant that the plan does not have.
        """
        if target.variant is None:
            return self.prompt
        for variant in self.variants:
            if variant.name == target.variant:
                return variant
        raise KeyError(target.variant)

    def values(self) -> dict[str, str]:
        """The values of the row in use."""
        return self.rows[self.row % len(self.rows)] if self.rows else {}

    def undefined(self) -> str | None:
        """The first variable of what is asked that has no value in the row in use; None when all have one."""
        values = self.values()
        prompts = [self.prompt_of(target) for target in self.lanes]
        return next((name for prompt in prompts for name in prompt.variables() if name not in values), None)

    def problem(self) -> str | None:
        """Reason that nothing of it can be sent, in one sentence; None when it can."""
        if (missing := self.missing_endpoint()) is not None:
            return f"There is no endpoint {missing}: choose another target."
        if not all(self.prompt_of(target).user.strip() for target in self.lanes):
            return "The user prompt is empty: write one, then run it."
        if len(self.lanes) > MAX_TARGETS:
            lanes = f"{len(self.targets)} targets with {max(1, len(self.variants))} variants"
            if self.hosts:
                lanes += f" from {len(self.hosts)} hosts"
            return f"{lanes} make more than the {MAX_TARGETS} lanes there can be: ask fewer."
        if (name := self.undefined()) is not None:
            return undefined_sentence(name)
        paths = (path for target in self.lanes for path in self.prompt_of(target).filled(self.values()).attach)
        unread = next((path for path in paths if path not in self.files), None)
        return None if unread is None else f"The file {unread} was not read: open the plan that attaches it."

    def of_run(self, row: int | None = None) -> "Plan":
        """Plan of one run: the targets as they are asked, and only one of the rows.

        `row` is the one to use in place of the plan's own, from 0; past the last one it begins again.
        """
        values = msgspec.structs.replace(self, row=self.row if row is None else row).values()
        named = {target.variant for target in self.lanes}
        return msgspec.structs.replace(
            self,
            targets=self.lanes,
            variants=tuple(variant for variant in self.variants if variant.name in named),
            ask_all=False,
            rows=(values,) if values else (),
            row=0,
        )

    def racing(self) -> "Plan":
        """The same for one run, whose hosts do not find their prompts in the cache; for one host as it is."""
        is_race = len({target.host for target in self.lanes}) > 1 and not self.hosts_share_cache
        return msgspec.structs.replace(self, cache_buster=f"[{secrets.token_hex(8)}]") if is_race else self

    def missing_endpoint(self) -> str | None:
        """Name of an endpoint that a target is asked at and the plan does not have; None when it has all."""
        known = {endpoint.name for endpoint in self.endpoints}
        names = (target.endpoint or self.default_endpoint for target in self.targets)
        return next((name for name in names if name not in known), None)

    def extra_fields(self) -> tuple[str, ...]:
        """Names of the fields that `extra` adds to the body of a request."""
        given = (self.parameters, *(target.parameters for target in self.targets))
        return tuple(dict.fromkeys(name for parameters in given for name in parameters.extra or {}))

    def without_extra(self) -> "Plan":
        """This plan without those fields."""
        targets = (msgspec.structs.replace(one, parameters=one.parameters.without(["extra"])) for one in self.targets)
        return msgspec.structs.replace(self, parameters=self.parameters.without(["extra"]), targets=tuple(targets))

    def endpoint_of(self, target: Target) -> Endpoint:
        """The endpoint that `target` is asked at. Raises KeyError for a name the plan does not have."""
        name = target.endpoint or self.default_endpoint
        for endpoint in self.endpoints:
            if endpoint.name == name:
                return endpoint
        raise KeyError(name)

    def asked_at(self, target: Target) -> Endpoint:
        """The same, as it is asked from the target's host."""
        endpoint = self.endpoint_of(target)
        host = next((host for host in self.hosts if host.name == target.host), None)
        return endpoint if host is None else endpoint_at(host, endpoint)

    def parameters_of(self, target: Target) -> Parameters:
        """Parameters of a target: the shared ones without those it drops, overridden by its own."""
        return self.parameters.without(target.drop).overridden_by(target.parameters)

    def requests(self, first_id: int) -> tuple[RequestSpec, ...]:
        """One request per lane, in the order of `lanes`, with ids counted up from `first_id`.

        Raises KeyError with the name of a variable that has no value.
        """
        values = self.values()
        return tuple(
            RequestSpec(
                request_id=request_id,
                target=target.label,
                model=target.model,
                endpoint=(endpoint := self.asked_at(target)),
                host=target.host,
                prompt=self._with_files(self.prompt_of(target).filled(values)),
                parameters=(parameters := self.parameters_of(target)),
                timeouts=endpoint.timeouts.over(self.timeouts),
                retries=self.retries,
                betas=self._betas(target.model, parameters),
            )
            for request_id, target in enumerate(self.lanes, first_id)
        )

    def _with_files(self, prompt: Prompt) -> Prompt:
        """The prompt with the files that it attaches."""
        return msgspec.structs.replace(prompt, attached=tuple(self.files[path] for path in prompt.attach))

    def warming_requests(self, first_id: int) -> tuple[RequestSpec, ...]:
        """The requests that put the prompt into the cache of every target that caches it, with ids from `first_id`.

        They ask for no answer, and come in one piece: there is nothing to stream.
        """
        return tuple(
            msgspec.structs.replace(
                spec, parameters=msgspec.structs.replace(spec.parameters, stream=False), warms_cache=True
            )
            for spec in self.requests(first_id)
            if spec.parameters.cache
        )

    def _betas(self, model: str, parameters: Parameters) -> tuple[str, ...]:
        beta = self.speed_betas.get(model) if parameters.speed is not None else None
        return () if beta is None else (beta,)
