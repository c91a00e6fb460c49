"""Keys in effect: presets, a person's own, and what is wrong with them."""

from collections.abc import Iterator
from importlib import import_module
from itertools import chain
from pkgutil import walk_packages

import pytest
from textual._xterm_parser import XTermParser
from textual.binding import Binding
from textual.dom import DOMNode

import tui.ui
from tui.config.schema import KeySettings
from tui.errors import ConfigError
from tui.ui.bindings import ACTIONS, FOOTER
from tui.ui.keymap import PRESETS, TABLE, Keymap, keymap_of
from tui.ui.view_bindings import SECTIONS, VIEW_ACTIONS

EATEN = {
    *("f1", "f10", "f11", "f12", "shift+f10", "alt+f1", "alt+f2", "alt+f4", "ctrl+alt+t"),  # desktops
    *("shift+pageup", "shift+pagedown", "shift+home", "shift+end", "ctrl+pageup", "ctrl+pagedown", "ctrl+tab"),
    *("ctrl+b", "ctrl+a"),  # prefixes of tmux and screen
    *("ctrl+p", "ctrl+q", "ctrl+s", "ctrl+c", "ctrl+z", "ctrl+backslash", "ctrl+right_square_bracket"),  # docker, ttys
}
"""Keys that do not reach a program in one of: tmux, screen, docker, a tty with flow control, a desktop's terminal."""


def keymap(preset: str = "default", **actions: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Keys by action; two underscores of a name stand for a dot."""
    settings = KeySettings(preset=preset, actions={k.replace("__", "."): v for k, v in actions.items()})  # type: ignore[arg-type]
    return {name: row.keys for name, row in keymap_of(settings, "me.toml, line 3").names.rows.items()}


def complaint(**actions: tuple[str, ...]) -> str:
    with pytest.raises(ConfigError) as caught:
        keymap("default", **actions)
    return str(caught.value)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_action_has_a_key_that_nothing_on_the_way_eats(preset: str) -> None:
    for action in ACTIONS:
        keys = keymap(preset)[action.id]
        assert not keys or set(keys) - EATEN or action.id == "interrupt", action.id


@pytest.mark.parametrize("preset", PRESETS)
def test_every_action_has_a_key_without_a_function_key(preset: str) -> None:
    for action in ACTIONS:
        keys = keymap(preset)[action.id]
        assert not keys or any(not key.rpartition("+")[2][1:].isdigit() for key in keys), action.id


def test_every_action_has_a_letter_of_its_own() -> None:
    """So the menu reaches all of them in every terminal; what is a key to everything else needs none."""
    letters = [action.letter for action in ACTIONS if action.id not in ("menu", "back", "interrupt")]
    assert all(len(letter) == 1 and letter.isascii() for letter in letters)
    assert len(set(letters)) == len(letters)


@pytest.mark.parametrize("preset", PRESETS)
def test_letters_take_no_key_from_anything(preset: str) -> None:
    made = keymap_of(KeySettings(preset=preset, actions={"run": ("D",)}), "me")  # type: ignore[arg-type]
    bound = [(binding.key, binding.id) for binding in made.bindings()]
    assert len({key for key, _ in bound}) == len(bound)
    assert ("D", "run") in bound, "the person's choice, not the letter of the differences"
    assert not {key for key, _ in bound} & set(chain.from_iterable(row.keys for row in made.names.of("text")))


def test_in_a_browser_keys_that_it_keeps_come_last() -> None:
    keys = keymap_of(KeySettings(), "me", in_browser=True).names
    assert keys.short("copy") == "Alt+C"
    assert keys.short("next_lane") == "F6"
    assert not any(keys.short(name) in ("^T", "^N", "^W") for name in chain.from_iterable(FOOTER.values()))


def bindings_of_ours() -> Iterator[tuple[type[DOMNode], Binding]]:
    """Every key that a screen or widget of ours binds, Textual's own left out."""
    for module in walk_packages(tui.ui.__path__, "tui.ui."):
        for kind in vars(import_module(module.name)).values():
            if isinstance(kind, type) and issubclass(kind, DOMNode) and kind.__module__ == module.name:
                for binding in Binding.make_bindings(vars(kind).get("BINDINGS", ())):
                    yield kind, binding


def test_every_key_of_a_screen_or_widget_is_in_the_table() -> None:
    bound: dict[str | None, list[str]] = {}
    for kind, binding in bindings_of_ours():
        assert binding.id in Keymap().names.rows, f"{kind.__name__} binds {binding.key}"
        keys = bound.setdefault(binding.id, [])
        if binding.key not in keys:
            keys.append(binding.key)
    assert {name: tuple(keys) for name, keys in bound.items()} == {
        row.id: row.keys for row in Keymap().names.rows.values() if row.view
    }


def test_every_part_of_the_screen_has_a_title_in_the_help() -> None:
    assert {row.view for row in TABLE} - {""} == set(SECTIONS)


@pytest.mark.parametrize("preset", PRESETS)
def test_keys_with_alt_are_what_a_terminal_sends_for_them(preset: str) -> None:
    """A terminal sends Escape and the character; some of these Textual reads as something else, such as Alt+B."""
    misread = {}
    for name, keys in keymap(preset).items():
        for key in keys:
            *modifiers, character = key.split("+")
            if modifiers in (["alt"], ["alt", "shift"]) and len(character) == 1:
                sent = character.upper() if "shift" in modifiers else character
                parser = XTermParser()
                read = [event for part in (f"\x1b{sent}", "") for event in parser.feed(part)]
                if [getattr(event, "key", None) for event in read] != [key]:
                    misread[name] = key
    assert not misread


def test_ids_are_unique() -> None:
    ids = [action.id for action in TABLE]
    assert len(ids) == len(set(ids))
    assert set(chain.from_iterable(PRESETS.values())) <= set(ids)


def test_a_choice_takes_the_place_of_the_preset() -> None:
    assert keymap(run=("Ctrl+F12",))["run"] == ("ctrl+f12",)
    assert keymap("vi", quit=("Alt+5", "alt+5"))["quit"] == ("alt+5",)
    assert keymap(run=())["run"] == ()


def test_characters_are_written_as_they_are_typed() -> None:
    assert keymap(search=("/", "alt+<", "J"))["search"] == ("slash", "alt+less_than_sign", "J")


def test_what_is_wrong_is_one_sentence_with_the_place_and_the_names() -> None:
    assert complaint(rum=("f5",)) == (
        'me.toml, line 3: keys.actions names "rum", which is no action; did you mean run?'
    )
    assert complaint(run=("f55",)).startswith('me.toml, line 3: keys.actions.run names "f55", which is no key; ')
    assert complaint(run=("ctl+r",)).startswith('me.toml, line 3: keys.actions.run names "ctl+r", which is no key; ')
    assert complaint(search=("ctrl+n",)) == (
        "me.toml, line 3: keys.actions gives ctrl+n to search, but next_lane has it; give one of them another."
    )
    assert "but text.up has it" in complaint(run=("up",))
    assert "gives alt+5 to text.down, but text.up has it" in complaint(text__up=("alt+5",), text__down=("alt+5",))


def test_a_key_may_mean_something_else_on_another_screen_but_not_on_the_same() -> None:
    assert keymap(history__note=("a",))["history.note"] == ("a",)
    assert "gives r to history.note, but history.replay has it" in complaint(history__note=("r",))
    assert "gives f5 to targets.edit, but run has it" in complaint(targets__edit=("f5",))
    assert "gives f10 to history.note, but quit has it" in complaint(history__note=("f10",))
    assert keymap(history__note=("f5",))["history.note"] == ("f5",)


def test_what_opens_a_screen_closes_it_with_the_keys_that_it_has_now() -> None:
    keys = keymap(advice=("alt+5", "t"), advice__close=("x",))
    assert keys["advice.close"] == ("x", "alt+5"), "T tries a suggestion there"
    assert keymap_of(KeySettings(actions={"advice": ("alt+5",)}), "me").changed() == {"advice.close": "escape,q,alt+5"}


def test_a_key_can_be_taken_away_from_a_screen() -> None:
    keymap_of_mine = keymap_of(KeySettings(actions={"advice.try": ()}), "me")
    assert keymap_of_mine.names.rows["advice.try"].keys == ()
    assert set(keymap_of_mine.changed()) == {"advice.try"}


def test_q_leaves_what_escape_leaves_and_not_the_program() -> None:
    """But for the menu, where it is Quit's letter, and the search, where it is typed."""
    leaving = {row.id for row in VIEW_ACTIONS if "escape" in row.keys}
    assert {row.id for row in VIEW_ACTIONS if "q" in row.keys} == leaving - {"menu.close", "search.close"}
