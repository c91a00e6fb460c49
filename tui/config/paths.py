"""Where configuration and state live. Nothing is created here."""

from pathlib import Path

import platformdirs

import tui

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
    """What the program leaves behind for itself: the platform's state directory (XDG_STATE_HOME)."""
    return platformdirs.user_state_path(APP_NAME, appauthor=False)


def state_file() -> Path:
    """What the program remembers of the last session."""
    return state_dir() / "targets.json"


def history_file() -> Path:
    """The history of all runs, in the platform's data directory (XDG_DATA_HOME is honoured)."""
    return platformdirs.user_data_path(APP_NAME, appauthor=False) / "history.db"


def model_lists_file() -> Path:
    """The models that endpoints listed, in the platform's state directory."""
    return state_file().with_name("models.json")
