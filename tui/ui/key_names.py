"""Names of the keys for the action mixins, until they are controllers that get them handed in."""

from tui.ui.bindings import KeyNames
from tui.ui.keymap import Keymap

_names = [Keymap().names]


def use(names: KeyNames) -> None:
    """From now on name these."""
    _names[0] = names


def key(action_id: str) -> str:
    """See `KeyNames`."""
    return _names[0](action_id)
