"""Target list: the candidates, their order, and which of them are chosen."""

from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from tui.core.lanes import own, with_own_labels
from tui.core.model import KnownModel
from tui.core.plan import MAX_TARGETS
from tui.core.target import Target


class ChoiceError(ValueError):
    """The list cannot be changed so; the message is one sentence."""


class _Candidate(msgspec.Struct):
    target: Target
    chosen: bool
    kept: bool
    """True if it is remembered, because it was chosen once or made here."""


class TargetChoice:
    """Candidates in an order, of which 1 to `MAX_TARGETS` are chosen. Several may be of one model."""

    def __init__(
        self,
        targets: tuple[Target, ...],
        known: Iterable[tuple[str, str]],
        disabled: Collection[int] = (),
        at: Callable[[Target], Target] = lambda target: target,
    ) -> None:
        """Start with `targets`, all chosen but those at the indices `disabled`, and every known model
        `(id, display name)` that none of them is about. `at` splits a model such as `groq/llama-…` as it was typed."""
        self.at = at
        known = tuple(known)
        self._names = dict(known)
        self._list = [_Candidate(target, index not in disabled, True) for index, target in enumerate(targets)]
        asked = {target.model for target in targets}
        self._list += [_Candidate(Target(model=model), False, False) for model, _ in known if model not in asked]
        self._notes: dict[str, str] = {}

    @classmethod
    def among(
        cls,
        models: Sequence[KnownModel],
        targets: tuple[Target, ...],
        disabled: Collection[int] = (),
        at: Callable[[Target], Target] = lambda target: target,
    ) -> "TargetChoice":
        """Choice of `targets`, without those at `disabled`, among all known models."""
        choice = cls(targets, [(model.id, model.display_name) for model in models], disabled, at)
        choice.learn(models)
        return choice

    def learn(self, models: Iterable[KnownModel]) -> None:
        """Offer these models too. Those that will be retired say when."""
        models = tuple(models)
        self._notes = {model.id: model.lifecycle_note for model in models}
        asked = {target.model for target in self.candidates}
        for model in models:
            self._names[model.id] = model.display_name
            if model.id not in asked:
                self._list.append(_Candidate(Target(model=model.id), False, False))

    @property
    def candidates(self) -> list[Target]:
        """The candidates, in order."""
        return [candidate.target for candidate in self._list]

    @property
    def chosen(self) -> tuple[Target, ...]:
        """The chosen targets in the candidates' order."""
        return tuple(candidate.target for candidate in self._list if candidate.chosen)

    @property
    def labelled(self) -> tuple[Target, ...]:
        """The chosen targets as they are asked, each with a label that no other has."""
        return with_own_labels(self.chosen)

    @property
    def remembered(self) -> tuple[list[Target], list[int]]:
        """The candidates to start with the next time, and the indices of those that are not chosen."""
        kept = [candidate for candidate in self._list if candidate.kept]
        disabled = [index for index, candidate in enumerate(kept) if not candidate.chosen]
        return [candidate.target for candidate in kept], disabled

    def is_chosen(self, index: int) -> bool:
        """True if the candidate at `index` is chosen."""
        return self._list[index].chosen

    def describe(self, index: int) -> str:
        """One line for the candidate at `index`: its name, or its model and all that it says besides."""
        target = self._list[index].target
        note = f" ({self._notes[target.model]})" if self._notes.get(target.model) else ""
        if target.name is not None:
            return f"{target.name}{f' @{target.endpoint}' if target.endpoint else ''}{note}"
        return f"{', '.join((target.model, *own(target)))}{note}"

    def index_of(self, label: str) -> int | None:
        """Index of the chosen candidate whose lane is called `label`; None if there is none."""
        chosen = [index for index, candidate in enumerate(self._list) if candidate.chosen]
        labels = [target.label for target in self.labelled]
        return chosen[labels.index(label)] if label in labels else None

    def matching(self, query: str) -> list[int]:
        """Indices of the candidates in which every word of `query` occurs, whatever its case."""
        words = query.casefold().split()
        return [index for index in range(len(self._list)) if all(word in self._searched(index) for word in words)]

    def toggle(self, index: int) -> None:
        """Choose the candidate, or no longer. Raises ChoiceError where too few or too many would be left."""
        candidate = self._list[index]
        if candidate.chosen:
            self._check_left("dropping")
        else:
            self._check_room()
        candidate.chosen = not candidate.chosen
        candidate.kept = True

    def add(self, model: str) -> int:
        """Add a model by its id, chosen, and return its index; one that is already there is chosen.

        An endpoint may stand before it, as in `groq/llama-…`.
        """
        target = self.at(Target(model=checked_model(model)))
        places = [(one.model, one.endpoint) for one in self.candidates]
        same = [at for at, (name, place) in enumerate(places) if name == target.model]
        same = [at for at in same if target.endpoint in (None, places[at][1])]
        if not same:
            return self.insert(len(places), target)
        index = same[0]
        if not self.is_chosen(index):
            self.toggle(index)
        return index

    def insert(self, index: int, target: Target) -> int:
        """Put a target at `index`, chosen, and return the index. Raises ChoiceError where too many would be chosen."""
        self._check_room()
        self._list.insert(index, _Candidate(self.at(target), True, True))
        return index

    def copy_of(self, index: int) -> Target:
        """A target like the candidate, for `insert`; a name of its own is marked as that of a copy."""
        target = self._list[index].target
        return msgspec.structs.replace(target, name=f"{target.name} copy") if target.name else target

    def replace(self, index: int, target: Target) -> None:
        """Put `target` in the candidate's place; it stays chosen, or not."""
        self._list[index].target = self.at(target)
        self._list[index].kept = True

    def remove(self, index: int) -> None:
        """Take the candidate off the list. Raises ChoiceError for the last chosen one."""
        if self._list[index].chosen:
            self._check_left("removing")
        del self._list[index]

    def move(self, index: int, to: int) -> None:
        """Put the candidate at `to`, those in between moving up or down by one."""
        candidate = self._list.pop(index)
        candidate.kept = True
        self._list.insert(to, candidate)

    def _check_left(self, doing: str) -> None:
        if sum(candidate.chosen for candidate in self._list) == 1:
            raise ChoiceError(f"At least one target stays chosen; choose another before {doing} this one.")

    def _check_room(self) -> None:
        if sum(candidate.chosen for candidate in self._list) >= MAX_TARGETS:
            raise ChoiceError(f"At most {MAX_TARGETS} targets can be asked at once.")

    def _searched(self, index: int) -> str:
        target = self._list[index].target
        return f"{self.describe(index)} {target.model} {self._names.get(target.model, '')}".casefold()


def checked_model(typed: str) -> str:
    """The id of a model as it was typed. Raises ChoiceError for what cannot be one."""
    model = typed.strip()
    if not model or len(model) > 256 or any(char.isspace() or not char.isprintable() for char in model):
        raise ChoiceError("A model's id has no spaces or control characters.")
    return model
