"""New endpoints of a file that was found and not chosen: nothing goes there before the person has said so, once."""

from collections.abc import Iterable, Mapping

import msgspec

from tui.config import paths
from tui.config.load import Loaded, default_endpoint
from tui.config.paths import private_directory, write_private
from tui.core.target import Endpoint
from tui.errors import ConfigError

_NAME = "confirmed.json"


def unconfirmed(loaded: Loaded) -> tuple[Endpoint, ...]:
    """The endpoints that nothing may be sent to yet."""
    found = () if loaded.is_demo else loaded.found_endpoints
    confirmed = _confirmed() if found else frozenset()
    return tuple(endpoint for endpoint in found if endpoint.base_url not in confirmed)


def confirm(endpoints: Iterable[Endpoint]) -> None:
    """Remember that the person lets prompts go to these. Raises ConfigError when that cannot be saved."""
    path = paths.state_file().with_name(_NAME)
    urls = sorted(_confirmed() | {endpoint.base_url for endpoint in endpoints})
    try:
        private_directory(path.parent)
        write_private(path, msgspec.json.format(msgspec.json.encode(urls)))
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise ConfigError(f"{path}: that the endpoint may be used cannot be saved: {reason}.") from None


def refuse_unconfirmed(loaded: Loaded, environ: Mapping[str, str]) -> None:
    """Raise ConfigError if a target is asked at an endpoint that the person has not confirmed: a command without a
    screen cannot ask."""
    settings = loaded.settings
    used = {target.endpoint or default_endpoint(settings, environ) for target in settings.targets}
    for endpoint in unconfirmed(loaded):
        if endpoint.name in used:
            origin = loaded.provenance[f"endpoints.{endpoint.name}"]
            raise ConfigError(
                f"{origin}: endpoints.{endpoint.name} is a new endpoint of a file that was found and not chosen, so "
                f"nothing is sent to {endpoint.base_url}: name the file with --config, or confirm the endpoint on the "
                "screen."
            )


def _confirmed() -> frozenset[str]:
    """The base URLs that the person has confirmed; none when the file is not there or cannot be read."""
    try:
        return msgspec.json.decode(paths.state_file().with_name(_NAME).read_bytes(), type=frozenset[str])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return frozenset()
