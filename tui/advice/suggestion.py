"""Suggestions: the result of an advice rule, or its reason for none and the run that would change that."""

from enum import StrEnum

import msgspec

from tui.advice.citations import Citation
from tui.core.figures import Figure
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.statistics import Interval
from tui.core.target import Target

MATTERS_NS = 50_000_000
"""Smallest saving that is suggested, ns: nobody notices less."""


class Basis(StrEnum):
    """Grounds for a saving that was not tried yet."""

    MEASURED = "measured"
    """Both ways were measured, and the difference was shown."""
    DERIVED = "derived"
    """The change removes a part of the time that was measured."""
    PRESUMED = "assumed"
    """The change removes a share of a measured part. The share is a presumed range, which a trial narrows."""


class Saving(msgspec.Struct, frozen=True, kw_only=True):
    """Estimated saving of a change in one figure, ns."""

    figure: Figure
    ns: float
    interval: Interval | None
    """Interval for the true effect of the change; None with too few runs."""
    basis: Basis
    count: int
    """Number of runs it rests on."""

    @property
    def matters(self) -> bool:
        """Report whether it may save `MATTERS_NS`, by its interval, or by its estimate where there is none."""
        return (self.ns if self.interval is None else self.interval.high) >= MATTERS_NS

    @property
    def rank_ns(self) -> float:
        """Saving by which suggestions are ranked: of a presumed range its lower end, which alone is worth a promise."""
        if self.basis is not Basis.PRESUMED:
            return self.ns
        return 0.0 if self.interval is None else self.interval.low

    def within(self, measured_ns: float) -> "Saving":
        """Return the saving, at most `measured_ns`: nobody saves more time than there was."""
        interval = self.interval
        if interval is not None:
            low, high = (min(end, measured_ns) for end in (interval.low, interval.high))
            interval = msgspec.structs.replace(interval, low=low, high=high)
        return msgspec.structs.replace(self, ns=min(self.ns, measured_ns), interval=interval)


class PromptEdit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Edit of a prompt that leaves its variables alone."""

    append: str = ""
    """Text to add at the end of the user's turn."""
    repeated: tuple[str, ...] = ()
    """Passages to keep only at their first occurrence."""

    def of(self, prompt: Prompt) -> Prompt:
        """Return the edited prompt."""
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
    """Change of a target or its prompt; fields that are not set here stay."""

    label: str
    """Name of the change in a word or two, for the lane: `effort low`."""
    model: str | None = None
    parameters: Parameters = Parameters()
    unset: tuple[str, ...] = ()
    """Names of parameters that are no longer sent."""
    edit: PromptEdit | None = None

    def target_of(self, target: Target) -> Target:
        """Return the changed target, named after the change."""
        own = target.parameters.without(self.unset).overridden_by(self.parameters)
        return msgspec.structs.replace(
            target,
            model=self.model or target.model,
            name=f"{target.label} · {self.label}",
            drop=tuple(dict.fromkeys((*target.drop, *self.unset))),
            parameters=own,
        )

    def prompt_of(self, prompt: Prompt) -> Prompt:
        """Return the changed prompt."""
        return prompt if self.edit is None else self.edit.of(prompt)


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """Trial of a change, judged by the figure that it should improve."""

    change: Change
    figure: Figure


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A change that would save time."""

    id: str
    """Name of the rule and of the change, by which a suggestion is recognised again."""
    target: str
    """The target's label."""
    headline: str
    """Action to take, in one sentence."""
    saving: Saving
    figures: tuple[str, ...]
    """Grounds of the estimate, one sentence each."""
    price: str
    """Possible cost in quality or money."""
    source: Citation
    trial: Trial | None
    """None where the program cannot try it."""
    passes: str = ""
    """Pass rates without and with the change, as far as answers tell, and their exact test; empty where they do not."""
    passed: str = ""
    """The counts of both alone: `passed 4 of 6 → 5 of 6`."""


class NoSuggestion(msgspec.Struct, frozen=True):
    """Reason why a rule makes no suggestion."""

    rule: str
    reason: str
    run: str = ""
    """Run that would tell more; empty where none would, because the rule does not apply here."""
    trial: Trial | None = None
    """Trial that is that run, where the program can make it."""
    warns: bool = False
    """True where something is wrong with what was measured, and must be looked at before tuning."""


def in_one_piece(rule: str) -> NoSuggestion:
    """Return the silence of a rule that goes by the times within an answer, where nothing is known of them."""
    return NoSuggestion(
        rule,
        "answers come in one piece, so it is not known how long they are thought about and written",
        run="a series that streams",
    )


def _once(text: str, passage: str, *, seen: bool) -> str:
    """Return `text` with the passage once, or without it if it was seen before."""
    if seen:
        return text.replace(passage, "")
    head, found, tail = text.partition(passage)
    return head + found + tail.replace(passage, "")
