"""The one table of actions: bindings, footer, help, palette and the README's table of keys are made from it."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Group(StrEnum):
    """Where an action stands in the help."""

    RUN = "Run"
    PROMPT = "Prompt"
    TARGETS = "Targets and parameters"
    LANES = "Lanes"
    CHARTS = "Charts"
    SCREEN = "Screen"


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a person can do."""

    id: str
    """Unique; names the action in a keymap."""
    keys: tuple[str, ...]
    """Usual keys in Textual's spelling, the one shown first; `tui.ui.keymap` has those in effect. They work wherever
    the focus is, but for a key that an editor needs."""
    title: str
    """In the footer: a word or two."""
    help: str
    group: Group
    in_footer: bool = False

    @property
    def method(self) -> str:
        """The Textual action that carries it out, on the app."""
        return self.id.replace(".", "_")


ACTIONS = (
    Action(
        id="run",
        keys=("f5", "ctrl+r"),
        title="Run",
        help="Fire the prompt at all targets",
        group=Group.RUN,
        in_footer=True,
    ),
    Action(
        id="run_all",
        keys=("alt+r",),
        title="Run all",
        help="Fire all variants of the prompt, a lane each; a series repeats them",
        group=Group.RUN,
    ),
    Action(
        id="cancel_all",
        keys=("f8", "ctrl+g"),
        title="Cancel",
        help="Cancel every request in flight",
        group=Group.RUN,
        in_footer=True,
    ),
    Action(
        id="cancel_lane",
        keys=("f7", "alt+x"),
        title="Cancel lane",
        help="Cancel the request of the current lane",
        group=Group.RUN,
    ),
    Action(
        id="series",
        keys=("alt+s", "shift+f5"),
        title="Series",
        help="Run the plan again and again, as the series' options say",
        group=Group.RUN,
    ),
    Action(
        id="series_options",
        keys=("alt+o",),
        title="Series options",
        help="Set how a series is run: repeats, warm-up, order, budgets, until sure",
        group=Group.RUN,
    ),
    Action(
        id="sweep",
        keys=("alt+shift+s",),
        title="Sweep",
        help="Ask prompts and answers of other lengths, to learn the time per token (chart: parts)",
        group=Group.RUN,
    ),
    Action(
        id="pause",
        keys=("alt+z",),
        title="Pause",
        help="Pause the series after the run in flight, or go on",
        group=Group.RUN,
    ),
    Action(
        id="variants",
        keys=("alt+v",),
        title="Variants",
        help="Edit the prompt's variants, variables and turns",
        group=Group.PROMPT,
    ),
    Action(
        id="next_variant",
        keys=("alt+n",),
        title="Next variant",
        help="Take the next variant of the prompt into use",
        group=Group.PROMPT,
    ),
    Action(
        id="warm_cache",
        keys=("alt+m",),
        title="Warm cache",
        help="Put the prompt into the cache of every target whose parameter cache is on",
        group=Group.RUN,
    ),
    Action(
        id="refresh_models",
        keys=("alt+shift+m",),
        title="Models",
        help="Ask the targets' endpoints which models they have",
        group=Group.TARGETS,
    ),
    Action(
        id="edit_parameters",
        keys=("alt+e",),
        title="Parameters",
        help="Edit all parameters that the targets share",
        group=Group.TARGETS,
    ),
    Action(
        id="edit_target",
        keys=("alt+t",),
        title="Target",
        help="Edit the current lane's model, endpoint, name and own parameters",
        group=Group.TARGETS,
    ),
    Action(
        id="duplicate_target",
        keys=("alt+u",),
        title="Duplicate lane",
        help="Ask the current lane's model once more, with other parameters",
        group=Group.TARGETS,
    ),
    Action(
        id="drop_parameter",
        keys=("alt+k",),
        title="Drop parameter",
        help="Leave out the parameter that the current lane's model refuses",
        group=Group.TARGETS,
    ),
    Action(
        id="next_lane",
        keys=("f6", "ctrl+n"),
        title="Lane",
        help="Go to the next lane",
        group=Group.LANES,
        in_footer=True,
    ),
    Action(
        id="previous_lane",
        keys=("shift+f6", "alt+p"),
        title="Lane before",
        help="Go to the lane before",
        group=Group.LANES,
    ),
    Action(
        id="maximise",
        keys=("f9", "ctrl+o"),
        title="Max",
        help="Show the current lane alone, or all again",
        group=Group.LANES,
        in_footer=True,
    ),
    Action(
        id="pin_baseline",
        keys=("alt+shift+b",),
        title="Baseline",
        help="Pin the present results as the baseline; from then on the lanes show their change",
        group=Group.LANES,
    ),
    Action(
        id="objectives",
        keys=("alt+shift+g",),
        title="Objectives",
        help="Type in what every lane is to keep, such as ttft.p95 < 800ms",
        group=Group.LANES,
    ),
    Action(
        id="statistics",
        keys=("alt+shift+t",),
        title="Statistics",
        help="Show all statistics of the present results, with objectives and goodput",
        group=Group.LANES,
    ),
    Action(
        id="compare",
        keys=("alt+shift+c",),
        title="Compare",
        help="Compare the present results, the baseline and other snapshots",
        group=Group.LANES,
    ),
    Action(
        id="history",
        keys=("alt+y",),
        title="History",
        help="Find stored runs, and open, replay, compare, tag, export or delete them",
        group=Group.RUN,
    ),
    Action(
        id="copy",
        keys=("ctrl+t", "alt+c"),
        title="Copy",
        help="Copy the selection, or the current lane's whole text",
        group=Group.LANES,
        in_footer=True,
    ),
    Action(
        id="detail",
        keys=("f4", "alt+d"),
        title="Detail",
        help="Show the current lane's request step by step, with all its figures",
        group=Group.LANES,
    ),
    Action(
        id="difference",
        keys=("alt+shift+d",),
        title="Differences",
        help="Show the current lane's answer beside another's, and in which words they differ",
        group=Group.LANES,
    ),
    Action(
        id="advice",
        keys=("alt+a",),
        title="Advice",
        help="Show what would make the current lane faster, by how much, and try it",
        group=Group.LANES,
    ),
    Action(
        id="search",
        keys=("f3", "alt+shift+f"),
        title="Search",
        help="Search in the current lane's text",
        group=Group.LANES,
    ),
    Action(
        id="clear",
        keys=("ctrl+l", "alt+l"),
        title="Clear",
        help="Empty the lanes and the history of this session",
        group=Group.LANES,
        in_footer=True,
    ),
    Action(
        id="next_chart",
        keys=("alt+g",),
        title="Chart",
        help="Show the next chart",
        group=Group.CHARTS,
    ),
    Action(
        id="previous_chart",
        keys=("alt+j",),
        title="Chart before",
        help="Show the chart before",
        group=Group.CHARTS,
    ),
    Action(
        id="maximise_chart",
        keys=("alt+i",),
        title="Max chart",
        help="Show the chart over the whole screen, with its numbers; save it as text or SVG",
        group=Group.CHARTS,
    ),
    Action(
        id="next_pane",
        keys=("f2", "alt+w"),
        title="Pane",
        help="Go on to the next pane: prompt, lanes, charts",
        group=Group.SCREEN,
        in_footer=True,
    ),
    Action(
        id="help",
        keys=("f1", "alt+h"),
        title="Help",
        help="Explain what has the focus, all keys, and what the figures mean",
        group=Group.SCREEN,
        in_footer=True,
    ),
    Action(
        id="suspend",
        keys=("alt+shift+z", "ctrl+z"),
        title="Stop",
        help="Stop the program and go back to the shell; fg goes on. Ctrl+Z undoes in an editor",
        group=Group.SCREEN,
    ),
    Action(
        id="quit",
        keys=("f10", "ctrl+q", "alt+q"),
        title="Quit",
        help="Cancel what is in flight and leave",
        group=Group.SCREEN,
        in_footer=True,
    ),
    Action(
        id="command_palette",
        keys=("ctrl+p", "alt+shift+p"),
        title="All",
        help="Find any action by its name",
        group=Group.SCREEN,
        in_footer=True,
    ),
)
"""All actions of the main screen, in the order of footer and help."""

_SPELLINGS = {
    "ctrl": "Ctrl",
    "alt": "Alt",
    "shift": "Shift",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "slash": "/",
    "question_mark": "?",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "minus": "-",
    "plus": "+",
}


def spelled(key: str) -> str:
    """A key as a person reads it: `ctrl+r` is Ctrl+R; a capital alone is Shift with the letter."""
    if len(key) == 1 and key.isupper():
        return f"Shift+{key}"
    return "+".join(_SPELLINGS.get(part, part.capitalize()) for part in key.split("+"))


def short(key: str) -> str:
    """A key as the footer shows it: `ctrl+t` is ^T."""
    return spelled(key).replace("Ctrl+", "^")


_TITLES = {action.id: action.title for action in ACTIONS}


class KeyNames(msgspec.Struct, frozen=True):
    """Names of the keys in effect. Whoever writes a sentence that names a key gets them handed in."""

    keys: Mapping[str, tuple[str, ...]] = msgspec.field(
        default_factory=lambda: {action.id: action.keys for action in ACTIONS}
    )
    """Keys in Textual's spelling, by the id of their action."""

    def __call__(self, action_id: str) -> str:
        """An action's first key as a person reads it; for one without a key, its name in the palette."""
        keys = self.keys[action_id]
        return spelled(keys[0]) if keys else f"“{_TITLES.get(action_id, action_id)}” in the palette"

    def all(self, action_id: str) -> tuple[str, ...]:
        """All keys of an action, as a person reads them."""
        return tuple(map(spelled, self.keys[action_id]))
