"""The keys in effect: the usual ones, the configuration's preset, and single choices."""

from collections.abc import Mapping, Sequence

import msgspec
from textual.binding import Binding, BindingType
from textual.keys import Keys, _character_to_key

from tui.config.keys import shown
from tui.config.schema import KeySettings
from tui.errors import ConfigError, hint
from tui.ui.bindings import ACTIONS, Action, KeyNames, Reach
from tui.ui.view_bindings import VIEW_ACTIONS

TABLE = ACTIONS + VIEW_ACTIONS
"""All actions."""


def _with_borrowed(table: Sequence[Action]) -> list[Action]:
    """The rows with the keys that they borrow from the application, but for those of another row of the part."""
    keys = {row.id: row.keys for row in (*ACTIONS, *table)}
    own = {(row.view, key): row.id for row in table for key in row.keys}
    return [
        msgspec.structs.replace(
            row,
            keys=(*row.keys, *(key for key in keys.get(row.like, ()) if own.get((row.view, key), row.id) == row.id)),
        )
        for row in table
    ]


_USUAL = {row.id: row for row in _with_borrowed(TABLE)}
"""Every action with its usual keys, by id."""

PRESETS: dict[str, dict[str, tuple[str, ...]]] = {
    "default": {},
    # Leaves the keys of emacs to whoever edits or reads.
    "emacs": {
        "run": ("f5", "alt+enter"),
        "next_lane": ("f6", "alt+shift+n"),
        "maximise": ("f9", "alt+shift+i"),
        "copy": ("alt+c",),
        "search": ("f3", "ctrl+s"),
        "save_plan": ("alt+shift+w",),
        "open_plan": ("alt+shift+o",),
        "command_palette": ("alt+x",),
        "cancel_lane": ("f7", "alt+shift+x"),
        "variants": ("alt+shift+v",),
        "edit_outside": ("alt+shift+u",),
        "editor.select_all": (),
        "interrupt": (),
        "text.up": ("up", "ctrl+p"),
        "text.down": ("down", "ctrl+n"),
        "text.page_up": ("pageup", "alt+v"),
        "text.page_down": ("pagedown", "ctrl+v"),
        "text.start": ("home", "alt+<"),
        "text.follow": ("end", "alt+>"),
        "text.select_all": (),
    },
    # Letters act where nothing is typed: in the lanes, not in the editors.
    "vi": {"text.page_up": ("pageup", "ctrl+u"), "text.page_down": ("pagedown", "ctrl+d")},
}

_ON_MAIN = ("text", "targets", "choice", "rows", "editor")
"""Parts of the main screen that have keys."""
_NO_KEY = "f35"
"""Stands for no key in Textual's keymap, which ignores an empty entry; no terminal sends it."""
_MODIFIERS = ("ctrl", "alt", "shift", "super", "hyper", "meta")
_NAMED = frozenset(key.value for key in Keys if "+" not in key.value and not key.value.startswith("<"))


class Keymap(msgspec.Struct, frozen=True):
    """The keys in effect."""

    names: KeyNames = KeyNames(_USUAL)

    @property
    def actions(self) -> tuple[Action, ...]:
        """The actions of the application with the keys that they have now."""
        return self.names.of()

    def bindings(self) -> list[Binding]:
        """The application's keys as Textual's bindings, ahead of the focused widget's except where a key types; and the
        letters, but for those that are keys of something else."""
        taken = {key for row in self.names.rows.values() if row.view in ("", "text") for key in row.keys}
        return [
            Binding(key, f"act('{action.id}')", action.title, show=False, priority=not _types(key), id=action.id)
            for action in self.actions
            for key in (*action.keys, *({_normal(action.letter)} - taken if action.letter else ()))
        ]

    def changed(self) -> dict[str, str]:
        """Keys of screens and widgets that differ from the usual ones, as Textual writes a keymap."""
        return {
            row.id: ",".join(row.keys) or _NO_KEY
            for row in self.names.rows.values()
            if row.view and row.keys != _USUAL[row.id].keys
        }


def bound(*names: str) -> list[BindingType]:
    """The usual keys of these parts of the screen, or of single actions, for a class's BINDINGS."""
    return [
        Binding(",".join(row.keys), row.handler, row.title, show=False, priority=row.priority, id=row.id)
        for row in _USUAL.values()
        if row.view and (row.view in names or row.id in names)
    ]


_KEPT_BY_BROWSERS = ("ctrl+t", "ctrl+n", "ctrl+w", "f11", "f12")


def keymap_of(settings: KeySettings, source: str, *, in_browser: bool = False) -> Keymap:
    """The keys that `settings` ask for. Raises ConfigError, which names `source`, for an unknown action or key, and
    for a key with two meanings. `in_browser`, keys that a browser keeps for itself come last, so that others are
    shown."""
    usual = {row.id: row.keys for row in TABLE}
    chosen = {action_id: _keys(action_id, keys, usual, source) for action_id, keys in settings.actions.items()}
    preset = {action_id: tuple(map(_normal, keys)) for action_id, keys in PRESETS[settings.preset].items()}
    effective = usual | preset | chosen
    _refuse_conflicts(effective, chosen, source)
    if in_browser:
        effective = {name: tuple(sorted(keys, key=_KEPT_BY_BROWSERS.__contains__)) for name, keys in effective.items()}
    table = _with_borrowed([msgspec.structs.replace(row, keys=effective[row.id]) for row in TABLE])
    return Keymap(KeyNames({row.id: row for row in table}))


def _keys(action_id: str, keys: Sequence[str], known: Mapping[str, object], source: str) -> tuple[str, ...]:
    if action_id not in known:
        named = f"{source}: keys.actions names {shown(action_id)}"
        raise ConfigError(f"{named}, which is no action; {hint(action_id, known)}")
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
    """Raise ConfigError for a key with two meanings in the same place."""
    # What was chosen comes last, so that the sentence names it as the newcomer.
    rows = sorted(TABLE, key=lambda row: row.id in chosen)
    all_keys = [(row, row.view, key) for row in rows for key in effective[row.id]]
    for view in dict.fromkeys(row.view for row in TABLE):
        owner: dict[str, str] = {}
        for row, place, key in all_keys:
            if place != view and (place or not _reaches(row, key, view)):
                continue
            other = owner.setdefault(key, row.id)
            if other != row.id:
                raise ConfigError(
                    f"{source}: keys.actions gives {key} to {row.id}, but {other} has it; give one of them another."
                )


def _reaches(row: Action, key: str, view: str) -> bool:
    """True if an action of the application acts on this key in a part of the screen that has keys too."""
    # What types goes to the part that has the focus first. In a lane's text every key of the application acts.
    return view == "text" or (not _types(key) and (view in _ON_MAIN or row.reach is Reach.ALL))


def _normal(key: str) -> str:
    """A key in Textual's spelling: modifiers in its order, and characters by name."""
    *modifiers, last = key.split("+") if not key.endswith("+") else [*key[:-1].rstrip("+").split("+"), "+"]
    modifiers = [part.lower() for part in modifiers if part]
    last = _character_to_key(last) if len(last) == 1 else last.lower()
    key = "+".join([*sorted(modifiers, key=_place), last])
    # Terminals send the same for it.
    return "ctrl+@" if key in ("ctrl+space", "ctrl+at") else key


def _place(modifier: str) -> int:
    order = ("alt", "ctrl", "hyper", "meta", "shift", "super")
    return order.index(modifier) if modifier in order else len(order)


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+")
    known = last in _NAMED or len(last) == 1 or last in _CHARACTER_NAMES
    return known and all(modifier in _MODIFIERS for modifier in modifiers)


_CHARACTER_NAMES = frozenset(_character_to_key(chr(code)) for code in range(0x21, 0x7F))


def _types(key: str) -> bool:
    """True if the key means something else to an editor: a character, undoing, going back."""
    return key in _CHARACTER_NAMES or len(key) == 1 or key in ("ctrl+z", "space", "escape")
