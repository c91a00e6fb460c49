"""What the keys in effect are called, for every sentence that names one: a preset or a person may have changed them."""

from collections.abc import Mapping

from tui.ui.bindings import ACTIONS, spelled

_TITLES = {action.id: action.title for action in ACTIONS}
_keys: dict[str, tuple[str, ...]] = {action.id: action.keys for action in ACTIONS}


def use(keys: Mapping[str, tuple[str, ...]]) -> None:
    """From now on name these: keys by action, and by what moves in a lane's text."""
    _keys.update(keys)


def key(action_id: str) -> str:
    """An action's first key as a person reads it; where it has none, how else to get at it."""
    keys = _keys[action_id]
    return spelled(keys[0]) if keys else f"“{_TITLES.get(action_id, action_id)}” in the palette"


def keys(action_id: str) -> tuple[str, ...]:
    """All keys of an action, as a person reads them."""
    return tuple(map(spelled, _keys[action_id]))
