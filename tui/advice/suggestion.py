"""What a rule says: a suggestion, or why it says nothing and which run would change that."""

from enum import StrEnum

import msgspec

from tui.core.observation import Figure
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.statistics import Interval
from tui.core.target import Target

MATTERS_NS = 50_000_000
"""What helps by less is not suggested: nobody feels it."""


class Basis(StrEnum):
    """How a saving is known, before it is tried."""

    MEASURED = "measured"
    """Both ways were measured, and the difference is shown."""
    DERIVED = "derived"
    """It is a part of the time that was measured, and the change takes that part away."""
    ASSUMED = "assumed"
    """A part of the time was measured; how much of it the change takes away is a range that trying narrows."""


class Saving(msgspec.Struct, frozen=True, kw_only=True):
    """What a change is estimated to save of one figure, ns."""

    figure: Figure
    ns: float
    interval: Interval | None
    """Of what the change really does; absent with too few runs."""
    basis: Basis
    count: int
    """Runs it rests on."""

    @property
    def matters(self) -> bool:
        """Can it save `MATTERS_NS`, as far as its interval says, or its estimate where there is none?"""
        return (self.ns if self.interval is None else self.interval.high) >= MATTERS_NS


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """Where the advice is published."""

    name: str
    section: str
    url: str


class PromptEdit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of a prompt, which leaves its variables alone."""

    append: str = ""
    """What is added at the end of the user's turn."""
    repeated: tuple[str, ...] = ()
    """Passages of which only the first occurrence stays."""

    def of(self, prompt: Prompt) -> Prompt:
        """The prompt so changed."""
        system, user, turns = prompt.system, prompt.user, list(prompt.turns)
        for passage in self.repeated:
            seen = passage in system
            system = _once(system, passage, seen=False)
            for at, turn in enumerate(turns):
                turns[at] = msgspec.structs.replace(turn, text=_once(turn.text, passage, seen=seen))
                seen = seen or passage in turn.text
            user = _once(user, passage, seen=seen)
        if self.append:
            user = f"{user.rstrip()}\n\n{self.append}"
        return msgspec.structs.replace(prompt, system=system, user=user, turns=tuple(turns))


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked differently; what is not set here stays."""

    label: str
    """In a word or two, for the lane: `effort low`."""
    model: str | None = None
    parameters: Parameters = Parameters()
    unset: tuple[str, ...] = ()
    """Parameters that are no longer sent."""
    edit: PromptEdit | None = None

    def target_of(self, target: Target) -> Target:
        """The target so changed, named after the change."""
        own = target.parameters.without(self.unset).overridden_by(self.parameters)
        return msgspec.structs.replace(
            target,
            model=self.model or target.model,
            name=f"{target.label} · {self.label}",
            drop=tuple(dict.fromkeys((*target.drop, *self.unset))),
            parameters=own,
        )

    def prompt_of(self, prompt: Prompt) -> Prompt:
        """The prompt so changed."""
        return prompt if self.edit is None else self.edit.of(prompt)


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """How to try it: the change, and the figure that it is to make better."""

    change: Change
    figure: Figure


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """Something that would save time."""

    id: str
    """The rule and the change: the same as long as both are."""
    target: str
    """The target's label."""
    headline: str
    """What to do, in one sentence."""
    saving: Saving
    figures: tuple[str, ...]
    """What the estimate rests on, a sentence each."""
    price: str
    """What it may cost in quality or money."""
    source: Citation
    trial: Trial | None
    """None for what is not the program's to try."""


class NoSuggestion(msgspec.Struct, frozen=True, kw_only=True):
    """Why a rule makes no suggestion."""

    rule: str
    reason: str
    run: str = ""
    """Which run would make it able to; empty where none would, because the rule has no place here."""
    trial: Trial | None = None
    """That run, where it is one that the program can make."""
    warns: bool = False
    """True where what was measured is not what is wanted: to be looked at before anything is made faster."""


def _once(text: str, passage: str, *, seen: bool) -> str:
    """`text` with the passage in it once, or not at all if it was seen before."""
    if seen:
        return text.replace(passage, "")
    head, found, tail = text.partition(passage)
    return head + found + tail.replace(passage, "")
