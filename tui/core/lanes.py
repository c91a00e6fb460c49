"""What lanes are called, in what they differ from the shared parameters, and which of them stay when targets change."""

from collections.abc import Sequence

import msgspec

from tui.core.parameters import PARAMETERS, Parameters
from tui.core.plan import Plan, api_version
from tui.core.target import Target

_LONGEST_VALUE = 24


def described(name: str, value: object) -> str:
    """A parameter and its value in few words: `effort low`, `cache 5m`; with `None`: `no effort`."""
    word = PARAMETERS[name].word
    if value is None:
        return f"no {word}"
    if isinstance(value, bool):
        text = "on" if value else "off"
    elif isinstance(value, float):
        text = f"{value:g}"
    elif isinstance(value, tuple | dict):
        text = ", ".join(repr(part)[1:-1] for part in value)
    else:
        text = str(value)
    return f"{word} {text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + '…'}"


def own(target: Target) -> tuple[str, ...]:
    """What a target says besides its model and name, a few words each."""
    parameters = target.parameters
    values = {name: getattr(parameters, name) for name in parameters.__struct_fields__}
    parts = [described(name, value) for name, value in values.items() if value not in (None, ())]
    parts += [described(name, None) for name in target.drop if values.get(name) is None]
    return (*parts, *([f"@{target.endpoint}"] if target.endpoint else ()))


def differences(target: Target, plan: Plan) -> tuple[str, ...]:
    """In what a target's requests differ from the shared parameters, a few words each; empty when in nothing.

    The API version is among them when it is not the SDK's own, the endpoint when it is not the default one.
    Raises KeyError for an endpoint that the plan does not have.
    """
    endpoint, parameters, shared = plan.endpoint_of(target), plan.parameters_of(target), plan.parameters
    parts = [
        described(name, getattr(parameters, name))
        for name in parameters.__struct_fields__
        if getattr(parameters, name) != getattr(shared, name)
    ]
    if (version := api_version(endpoint, parameters)) is not None:
        parts.append(f"API {version}")
    if endpoint.name != plan.default_endpoint:
        parts.append(f"@{endpoint.name}")
    return tuple(parts)


def with_own_labels(targets: Sequence[Target]) -> tuple[Target, ...]:
    """The targets, each with a label of its own: where several without a name ask one model, what tells them apart
    becomes part of their names, and what is still alike gets a number."""
    telling = [
        msgspec.structs.replace(target, name=label) if (label := _telling_label(target, targets)) else target
        for target in targets
    ]
    taken = {target.label for target in telling}
    seen: set[str] = set()
    named: list[Target] = []
    for target in telling:
        label, number = target.label, 2
        while label in seen or (label != target.label and label in taken):
            label = f"{target.label} ({number})"
            number += 1
        seen.add(label)
        named.append(target if label == target.label else msgspec.structs.replace(target, name=label))
    return tuple(named)


def _telling_label(target: Target, among: Sequence[Target]) -> str | None:
    """The model and what only some of its targets say; None for a target with a name, or when that is nothing."""
    if target.name is not None:
        return None
    alike = [set(own(other)) for other in among if other.name is None and other.model == target.model]
    telling = [part for part in own(target) if part not in set.intersection(*alike)]
    return ", ".join((target.model, *telling)) if telling else None


def successors(before: Sequence[Target], after: Sequence[Target]) -> list[int | None]:
    """For every target of `after` the index of the one of `before` that it goes on, or None if it is a new one.

    A target goes on when it was renamed or its parameters were changed, but not with another model or endpoint. None
    is gone on twice: those that stayed as they were come first, then those with another name, then those with other
    parameters.
    """
    found: list[int | None] = [None] * len(after)
    left = list(range(len(before)))
    for alike in (_as_it_is, _nameless, _bare, _nameless_and_bare):
        forms = {index: alike(before[index]) for index in left}
        for position, target in enumerate(after):
            if found[position] is None and left:
                form = alike(target)
                index = next((index for index in left if forms[index] == form), None)
                if index is not None:
                    found[position] = index
                    left.remove(index)
    return found


def _as_it_is(target: Target) -> Target:
    return target


def _nameless(target: Target) -> Target:
    return msgspec.structs.replace(target, name=None)


def _bare(target: Target) -> Target:
    return msgspec.structs.replace(target, drop=(), parameters=Parameters())


def _nameless_and_bare(target: Target) -> Target:
    return _nameless(_bare(target))
