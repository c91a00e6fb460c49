"""Which keys do what, after the configuration's preset and its own choices."""

from collections.abc import Mapping, Sequence

import msgspec
from textual.binding import Binding
from textual.keys import Keys, _character_to_key

from tui.config.keys import nearest, shown
from tui.config.schema import KeySettings
from tui.errors import ConfigError
from tui.ui.bindings import ACTIONS, Action, KeyNames

TEXT_KEYS: dict[str, tuple[str, ...]] = {
    "text.up": ("up",),
    "text.down": ("down",),
    "text.page_up": ("pageup",),
    "text.page_down": ("pagedown",),
    "text.start": ("home",),
    "text.follow": ("end",),
    "text.select_up": ("shift+up",),
    "text.select_down": ("shift+down",),
    "text.select_left": ("shift+left",),
    "text.select_right": ("shift+right",),
    "text.select_all": ("a", "ctrl+a"),
}
"""What moves and selects in a lane's text, with its usual keys; they act while the text has the focus."""

THERE = ".there"
"""Ends the id of a binding by which an action's key does what fits it on a screen of its own, such as close it."""

PRESETS: dict[str, dict[str, tuple[str, ...]]] = {
    "default": {},
    # Leaves the keys of emacs to whoever edits or reads.
    "emacs": {
        "run": ("f5", "alt+enter"),
        "next_lane": ("f6", "alt+shift+n"),
        "maximise": ("f9", "alt+shift+o"),
        "copy": ("alt+c",),
        "search": ("f3", "ctrl+s"),
        "command_palette": ("alt+x",),
        "cancel_lane": ("f7", "alt+shift+x"),
        "variants": ("alt+shift+v",),
        "text.up": ("up", "ctrl+p"),
        "text.down": ("down", "ctrl+n"),
        "text.page_up": ("pageup", "alt+v"),
        "text.page_down": ("pagedown", "ctrl+v"),
        "text.start": ("home", "alt+<"),
        "text.follow": ("end", "alt+>"),
        "text.select_all": ("a",),
    },
    # Letters act where nothing is typed: in the lanes, not in the editors.
    "vi": {
        "search": ("f3", "alt+shift+f", "/"),
        "copy": ("ctrl+t", "alt+c", "y"),
        "next_lane": ("f6", "ctrl+n", "l"),
        "previous_lane": ("shift+f6", "alt+p", "h"),
        "maximise": ("f9", "ctrl+o", "z"),
        "help": ("f1", "alt+h", "?"),
        "quit": ("f10", "ctrl+q", "alt+q", "q"),
        "text.up": ("up", "k"),
        "text.down": ("down", "j"),
        "text.page_up": ("pageup", "ctrl+u"),
        "text.page_down": ("pagedown", "ctrl+d"),
        "text.start": ("home", "g"),
        "text.follow": ("end", "G"),
    },
}

_MODIFIERS = ("ctrl", "alt", "shift", "super", "hyper", "meta")
_NAMED = frozenset(key.value for key in Keys if "+" not in key.value and not key.value.startswith("<"))


class Keymap(msgspec.Struct, frozen=True, kw_only=True):
    """The keys in effect."""

    actions: tuple[Action, ...] = ACTIONS
    """The table of actions with the keys that they have now."""
    text: dict[str, str] = {}
    """Keys within a lane's text that differ from the usual ones, and those of actions on screens over the main one, as
    Textual writes a keymap."""

    def bindings(self) -> list[Binding]:
        """The actions' keys as Textual's bindings; they go before the focused widget's, save where a key types."""
        return [
            Binding(key, action.method, action.title, show=False, priority=not _types(key), id=action.id)
            for action in self.actions
            for key in action.keys
        ]

    def names(self) -> KeyNames:
        """The names of all keys in effect."""
        text = {name: tuple(self.text[name].split(",")) if name in self.text else TEXT_KEYS[name] for name in TEXT_KEYS}
        return KeyNames({action.id: action.keys for action in self.actions} | text)


def keymap_of(settings: KeySettings, source: str) -> Keymap:
    """The keys that `settings` ask for. Raises ConfigError, which names `source`, for an unknown action or key, and
    for a key with two meanings."""
    usual = {action.id: action.keys for action in ACTIONS} | TEXT_KEYS
    chosen = {action_id: _keys(action_id, keys, usual, source) for action_id, keys in settings.actions.items()}
    preset = {action_id: tuple(map(_normal, keys)) for action_id, keys in PRESETS[settings.preset].items()}
    effective = usual | preset | chosen
    _refuse_conflicts(effective, chosen, source)
    return Keymap(
        actions=tuple(msgspec.structs.replace(action, keys=effective[action.id]) for action in ACTIONS),
        text={name: ",".join(effective[name]) for name in TEXT_KEYS if effective[name] != TEXT_KEYS[name]}
        | {f"{action.id}{THERE}": ",".join(effective[action.id]) for action in ACTIONS},
    )


def _keys(action_id: str, keys: Sequence[str], known: Mapping[str, object], source: str) -> tuple[str, ...]:
    if action_id not in known:
        similar = nearest(action_id, known)
        rest = f"did you mean {similar}?" if similar else f"known are {', '.join(known)}."
        raise ConfigError(f"{source}: keys.actions names {shown(action_id)}, which is no action; {rest}")
    for key in keys:
        if not _is_key(_normal(key)):
            raise ConfigError(
                f"{source}: keys.actions.{action_id} names {shown(key)}, which is no key; "
                "keys are written like f5, ctrl+r, alt+x, shift+f6, pageup or /."
            )
    return tuple(dict.fromkeys(map(_normal, keys)))


def _refuse_conflicts(
    effective: Mapping[str, tuple[str, ...]], chosen: Mapping[str, tuple[str, ...]], source: str
) -> None:
    owner: dict[str, str] = {}
    # What was chosen comes last, so that the sentence names it as the newcomer.
    for action_id in sorted(effective, key=lambda name: name in chosen):
        for key in effective[action_id]:
            other = owner.setdefault(key, action_id)
            if other != action_id:
                raise ConfigError(
                    f"{source}: keys.actions gives {key} to {action_id}, but {other} has it; give one of them another."
                )


def _normal(key: str) -> str:
    """A key in Textual's spelling: modifiers in its order, and characters by name."""
    *modifiers, last = key.split("+") if not key.endswith("+") else [*key[:-1].rstrip("+").split("+"), "+"]
    modifiers = [part.lower() for part in modifiers if part]
    last = _character_to_key(last) if len(last) == 1 else last.lower()
    return "+".join([*sorted(modifiers, key=_place), last])


def _place(modifier: str) -> int:
    order = ("alt", "ctrl", "hyper", "meta", "shift", "super")
    return order.index(modifier) if modifier in order else len(order)


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+")
    known = last in _NAMED or len(last) == 1 or last in _CHARACTER_NAMES
    return known and all(modifier in _MODIFIERS for modifier in modifiers)


_CHARACTER_NAMES = frozenset(_character_to_key(chr(code)) for code in range(0x21, 0x7F))


def _types(key: str) -> bool:
    """Whether the key means something else to an editor: a character, or undoing."""
    return key in _CHARACTER_NAMES or len(key) == 1 or key in ("ctrl+z", "space")
