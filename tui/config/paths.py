"""Places of configuration and state, and the writing of files and directories that only their owner can read."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

import platformdirs

import tui
from tui.errors import ConfigError, reason_of

APP_NAME = "latency-tui"
PROJECT_FILE = "latency-tui.toml"
"""The file read from the directory in which the program is started."""


def builtin_config(name: str) -> Path:
    """The file `name` of `configs/`: inside the package when installed from a wheel, else beside it in the checkout."""
    package = Path(tui.__file__).parent
    shipped = package / "configs"
    return (shipped if shipped.is_dir() else package.parent / "configs") / name


def user_config_file() -> Path:
    """The person's own settings, in the platform's configuration directory (XDG_CONFIG_HOME is honoured)."""
    return platformdirs.user_config_path(APP_NAME, appauthor=False) / "config.toml"


def state_dir() -> Path:
    """The platform's state directory, for what the program keeps for itself (XDG_STATE_HOME)."""
    return platformdirs.user_state_path(APP_NAME, appauthor=False)


def state_file() -> Path:
    """The targets of the last session."""
    return state_dir() / "targets.json"


def history_file() -> Path:
    """The history of all runs, in the platform's data directory (XDG_DATA_HOME is honoured)."""
    return platformdirs.user_data_path(APP_NAME, appauthor=False) / "history.db"


def model_lists_file() -> Path:
    """The models that endpoints listed, in the platform's state directory."""
    return state_file().with_name("models.json")


def write_private(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Replace `path` by `data` or its pieces in one step: on the disk before it gets its name, mode 0600.

    Raises OSError; then `path` is what it was, and nothing lies beside it.
    """
    handle, beside = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)  # makes it 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)  # noqa: PTH105 - mkstemp gave a text
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)  # noqa: PTH108 - as above
        raise


def save_state(path: Path, data: bytes, what: str) -> None:
    """Write a file of the state directory, for its owner only. Raises ConfigError: that `what` cannot be saved."""
    try:
        private_directory(path.parent)
        write_private(path, data)
    except OSError as problem:
        raise ConfigError(f"{path}: {what} cannot be saved: {reason_of(problem)}.") from None


def open_private(path: Path, flags: int) -> int:
    """A handle of the file at `path`, made with mode 0600 where it is missing. Raises OSError."""
    return os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)


def private_directory(path: Path) -> None:
    """Make the directory `path` with mode 0700, or tighten the mode of one that is ours. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        with contextlib.suppress(PermissionError):
            path.chmod(mode & 0o700)
