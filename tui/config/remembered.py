"""Choices kept between sessions: the list of targets, and endpoints of found files that may be asked."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from tui.config import paths
from tui.config.check import check_settings
from tui.config.files import Document
from tui.config.keys import Layer
from tui.config.load import Loaded, default_endpoint, without_endpoints
from tui.config.paths import save_state
from tui.config.presets import presets
from tui.config.schema import SIMULATOR
from tui.core.plan import MAX_TARGETS
from tui.core.target import Endpoint, Target
from tui.errors import ConfigError

_CONFIRMED = "confirmed.json"


class TargetList(msgspec.Struct, frozen=True, kw_only=True):
    """Targets in order, at least one of them chosen."""

    targets: tuple[Target, ...]
    disabled: frozenset[int] = frozenset()
    """Indices of those that are not chosen."""

    @property
    def chosen(self) -> tuple[Target, ...]:
        """Those that get requests."""
        return tuple(target for index, target in enumerate(self.targets) if index not in self.disabled)


def as_table(target: Target) -> dict[str, object]:
    """A target as a configuration file writes it: flat, and only what is set."""
    parameters = {name: getattr(target.parameters, name) for name in target.parameters.__struct_fields__}
    values = {"model": target.model, "endpoint": target.endpoint, "name": target.name, "drop": target.drop or None}
    return {key: value for key, value in (values | parameters).items() if value is not None}


def load_targets() -> TargetList | None:
    """The list last saved; None when there is none, or when the file cannot be used."""
    path = paths.state_file()
    try:
        values = msgspec.json.decode(path.read_bytes(), type=dict[str, object])
        disabled = msgspec.convert(values.pop("disabled", ()), frozenset[int])
        entries = check_settings(Document(values), Layer.USER, str(path)).entries
    except (OSError, UnicodeDecodeError, msgspec.DecodeError, ConfigError):
        return None  # a convenience: what is lost is one choice of targets, not a reason to refuse to start
    saved = entries.get("targets")
    if saved is None:
        return None
    found = TargetList(targets=msgspec.convert(saved.value, tuple[Target, ...]), disabled=disabled)
    return found if found.chosen else None


def save_targets(targets: Sequence[Target], disabled: Collection[int] = ()) -> None:
    """Remember these targets, of which those at the indices `disabled` are not chosen; beyond `MAX_TARGETS` the last
    of those are left out. The file is replaced in one step and readable by its owner only (0600, directory 0700).

    Raises ConfigError when it cannot be written.
    """
    left_out = sorted(disabled, reverse=True)[: max(0, len(targets) - MAX_TARGETS)]
    kept = [index for index in range(len(targets)) if index not in left_out]
    values = {
        "targets": [as_table(targets[index]) for index in kept],
        "disabled": [position for position, index in enumerate(kept) if index in disabled],
    }
    save_state(paths.state_file(), msgspec.json.format(msgspec.json.encode(values)), "the choice of targets")


def target_list(loaded: Loaded) -> TargetList:
    """The targets to start with: those remembered, unless any layer above the built-in one names targets.

    Remembered targets at an endpoint that is no longer configured are set aside together, not one by one: half of
    a comparison is not what was chosen.
    """
    return remembered_targets(loaded) or TargetList(targets=loaded.settings.targets)


def is_own_list(loaded: Loaded) -> bool:
    """True where the targets are the person's own list, to be remembered, and not those of a plan or a flag."""
    return loaded.provenance["targets"].layer is Layer.BUILT_IN


def to_be_remembered(loaded: Loaded) -> bool:
    """True where changes to the list of targets are to be saved: it is the person's own, and it is not shown without
    its endpoints, as in a demo, which would lose them."""
    saved = load_targets() if loaded.is_demo else None
    return is_own_list(loaded) and (saved is None or saved.targets == without_endpoints(saved.targets))


def remembered_targets(loaded: Loaded) -> TargetList | None:
    """The remembered targets, if it is they that apply (see `target_list`)."""
    remembered = load_targets() if is_own_list(loaded) else None
    if remembered is None:
        return None
    if loaded.is_demo:
        return msgspec.structs.replace(remembered, targets=without_endpoints(remembered.targets))
    known = {None, SIMULATOR, *loaded.settings.endpoints, *presets()}
    return remembered if all(target.endpoint in known for target in remembered.targets) else None


def unconfirmed(loaded: Loaded) -> tuple[Endpoint, ...]:
    """Endpoints of a file that was found and not chosen: nothing goes there before the person has said so, once."""
    found = () if loaded.is_demo else loaded.found_endpoints
    confirmed = _confirmed() if found else frozenset()
    return tuple(endpoint for endpoint in found if endpoint.base_url not in confirmed)


def confirm(endpoints: Iterable[Endpoint]) -> None:
    """Remember that the person lets prompts go to these. Raises ConfigError when that cannot be saved."""
    path = paths.state_file().with_name(_CONFIRMED)
    urls = sorted(_confirmed() | {endpoint.base_url for endpoint in endpoints})
    save_state(path, msgspec.json.format(msgspec.json.encode(urls)), "that the endpoint may be used")


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
        return msgspec.json.decode(paths.state_file().with_name(_CONFIRMED).read_bytes(), type=frozenset[str])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return frozenset()
