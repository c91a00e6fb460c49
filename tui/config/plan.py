"""From settings to the plan that a run sends: who is asked where, and that no key goes where it could be read."""

from collections.abc import Mapping

from tui.config import urls
from tui.config.models import load_models
from tui.config.schema import ANTHROPIC, AUTO, SIMULATOR, Settings
from tui.config.wording import hint, shown
from tui.core.lanes import with_own_labels
from tui.core.plan import Plan
from tui.core.target import Endpoint
from tui.errors import ConfigError


def has_key(endpoint: Endpoint, environ: Mapping[str, str]) -> bool:
    """True when the endpoint's key variable is set to more than blanks, or a command would give a key."""
    return bool(endpoint.key_command) or is_key_set(endpoint, environ)


def is_key_set(endpoint: Endpoint, environ: Mapping[str, str]) -> bool:
    """True when the endpoint's key variable is set to more than blanks."""
    return endpoint.api_key_env is not None and bool(environ.get(endpoint.api_key_env, "").strip())


def default_endpoint(settings: Settings, environ: Mapping[str, str]) -> str:
    """Name of the endpoint for targets that name none: `auto` is anthropic when its key is set, else the simulator."""
    if settings.endpoint != AUTO:
        return settings.endpoint
    anthropic = settings.endpoints.get(ANTHROPIC)
    return ANTHROPIC if anthropic is not None and has_key(anthropic, environ) else SIMULATOR


def needs_simulator(settings: Settings, environ: Mapping[str, str]) -> bool:
    """True when at least one target is asked at the simulator."""
    default = default_endpoint(settings, environ)
    return any((target.endpoint or default) == SIMULATOR for target in settings.targets)


def build_plan(settings: Settings, environ: Mapping[str, str], simulator_url: str | None) -> Plan:
    """The plan of these settings. `simulator_url` is the running simulator's; None when there is none.

    Every lane gets a label of its own (see `with_own_labels`).

    Raises ConfigError for an endpoint that does not exist, and for a key that would travel unencrypted; ValueError
    when a target needs the simulator and there is none.
    """
    default = default_endpoint(settings, environ)
    known = [*settings.endpoints, SIMULATOR]
    for name in [default, *(target.endpoint for target in settings.targets if target.endpoint)]:
        if name not in known:
            raise ConfigError(f"{shown(name)} is not an endpoint; {hint(name, known)}")
    for endpoint in settings.endpoints.values():
        _refuse_open_key(endpoint, environ)
    endpoints = list(settings.endpoints.values())
    if simulator_url is not None:
        endpoints.append(Endpoint(name=SIMULATOR, base_url=simulator_url, simulated=True))
    elif needs_simulator(settings, environ):
        raise ValueError("the plan needs the simulator, and no URL of one was given")
    return Plan(
        prompt=settings.variants[0] if settings.variants else settings.prompt,
        variants=settings.variants,
        rows=settings.variables.rows,
        parameters=settings.parameters,
        targets=with_own_labels(settings.targets),
        endpoints=tuple(endpoints),
        default_endpoint=default,
        timeouts=settings.timeouts,
        retries=settings.retries,
        budget=settings.budget,
        speed_betas={model.id: model.speed_beta for model in load_models() if model.speed_beta is not None},
    )


def _refuse_open_key(endpoint: Endpoint, environ: Mapping[str, str]) -> None:
    if has_key(endpoint, environ) and urls.is_plain_and_remote(endpoint.base_url):
        variable = endpoint.api_key_env if is_key_set(endpoint, environ) else None
        key, remedy = (f"in {variable}", f"unset {variable}") if variable else ("of key_command", "remove key_command")
        raise ConfigError(
            f"endpoints.{endpoint.name}.base_url is plain http to another machine, so the key {key} could be read "
            f"on the way: use https, or {remedy}."
        )
