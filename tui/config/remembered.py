"""The last choice of targets, kept between sittings in the state file."""

import msgspec

from tui.config import paths
from tui.config.check import check_settings
from tui.config.files import Document
from tui.config.load import Loaded, without_endpoints
from tui.config.private_file import write_private
from tui.config.schema import SIMULATOR
from tui.config.sources import Layer
from tui.config.write import as_table
from tui.core.target import Target
from tui.errors import ConfigError


def load_targets() -> tuple[Target, ...] | None:
    """The targets last saved; None when there are none, or when the file cannot be used."""
    path = paths.state_file()
    try:
        values = msgspec.json.decode(path.read_bytes(), type=dict[str, object])
        entries = check_settings(Document(values, {}), Layer.USER, str(path))
    except (OSError, UnicodeDecodeError, msgspec.DecodeError, ConfigError):
        return None  # a convenience: what is lost is one choice of targets, not a reason to refuse to start
    saved = entries.get("targets")
    return msgspec.convert(saved.value, tuple[Target, ...]) if saved else None


def save_targets(targets: tuple[Target, ...]) -> None:
    """Remember these targets. The file is replaced in one step and readable by its owner only (0600, directory 0700).

    Raises ConfigError when it cannot be written.
    """
    path = paths.state_file()
    data = msgspec.json.format(msgspec.json.encode({"targets": [as_table(target) for target in targets]}))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)  # it may have been made before, by other means
        write_private(path, data)
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise ConfigError(f"{path}: the choice of targets cannot be saved: {reason}.") from None


def effective_targets(loaded: Loaded) -> tuple[Target, ...]:
    """The targets to start with: those remembered, unless any layer above the built-in one names targets.

    Remembered targets at an endpoint that is no longer configured are set aside together, not one by one: half of
    a comparison is not what was chosen.
    """
    remembered = remembered_targets(loaded)
    return loaded.settings.targets if remembered is None else remembered


def remembered_targets(loaded: Loaded) -> tuple[Target, ...] | None:
    """The remembered targets, if it is they that apply (see `effective_targets`)."""
    if loaded.provenance["targets"].layer is not Layer.BUILT_IN:
        return None
    remembered = load_targets()
    if remembered is None or loaded.is_demo:
        return remembered and without_endpoints(remembered)
    known = {SIMULATOR, *loaded.settings.endpoints}
    return remembered if all(target.endpoint is None or target.endpoint in known for target in remembered) else None
