"""Keys in effect: presets, a person's own, and what is wrong with them."""

from itertools import chain

import pytest
from textual._xterm_parser import XTermParser

from tui.config.schema import KeySettings
from tui.errors import ConfigError
from tui.ui.bindings import ACTIONS
from tui.ui.keymap import PRESETS, TEXT_KEYS, keymap_of
from tui.ui.widgets.stream_view import StreamView

EATEN = {
    *("f1", "f10", "f11", "f12", "shift+f10", "alt+f1", "alt+f2", "alt+f4", "ctrl+alt+t"),  # desktops
    *("shift+pageup", "shift+pagedown", "shift+home", "shift+end", "ctrl+pageup", "ctrl+pagedown", "ctrl+tab"),
    *("ctrl+b", "ctrl+a"),  # prefixes of tmux and screen
    *("ctrl+p", "ctrl+q", "ctrl+s", "ctrl+c", "ctrl+z", "ctrl+backslash", "ctrl+right_square_bracket"),  # docker, ttys
}
"""Keys that do not reach a program in one of: tmux, screen, docker, a tty with flow control, a desktop's terminal."""


def keymap(preset: str = "default", **actions: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Keys by action; underscores of text actions stand for dots."""
    settings = KeySettings(preset=preset, actions={k.replace("text_", "text."): v for k, v in actions.items()})  # type: ignore[arg-type]
    return {action.id: action.keys for action in keymap_of(settings, "me.toml, line 3").actions}


def complaint(**actions: tuple[str, ...]) -> str:
    with pytest.raises(ConfigError) as caught:
        keymap("default", **actions)
    return str(caught.value)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_action_has_a_key_that_nothing_on_the_way_eats(preset: str) -> None:
    for action_id, keys in keymap(preset).items():
        assert set(keys) - EATEN, action_id


@pytest.mark.parametrize("preset", PRESETS)
def test_every_action_has_a_key_without_a_function_key(preset: str) -> None:
    for action_id, keys in keymap(preset).items():
        assert any(not key.rpartition("+")[2][1:].isdigit() for key in keys), action_id


def test_keys_of_the_text_are_those_of_its_widget() -> None:
    bound: dict[str, list[str]] = {}
    for key, bindings in (StreamView._merged_bindings or StreamView._merge_bindings()).key_to_bindings.items():
        for binding in bindings:
            if binding.id is not None:
                bound.setdefault(binding.id, []).append(key)
    assert {name: tuple(keys) for name, keys in bound.items()} == TEXT_KEYS


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
    ids = [action.id for action in ACTIONS] + list(TEXT_KEYS)
    assert len(ids) == len(set(ids))
    assert set(chain.from_iterable(PRESETS.values())) <= set(ids)


def test_a_choice_takes_the_place_of_the_preset() -> None:
    assert keymap(run=("Ctrl+F12",))["run"] == ("ctrl+f12",)
    assert keymap("vi", quit=("Alt+5", "alt+5"))["quit"] == ("alt+5",)
    assert keymap(run=())["run"] == ()


def test_characters_are_written_as_they_are_typed() -> None:
    assert keymap(search=("/", "alt+<", "G"))["search"] == ("slash", "alt+less_than_sign", "G")


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
    assert "gives alt+5 to text.down, but text.up has it" in complaint(text_up=("alt+5",), text_down=("alt+5",))
