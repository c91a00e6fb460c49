"""Labels of lanes, their differences from the shared parameters, and their successors when targets change."""

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
    """Settings of a target besides its model and name, a few words each."""
    parameters = target.parameters
    values = {name: getattr(parameters, name) for name in parameters.__struct_fields__}
    parts = [described(name, value) for name, value in values.items() if value not in (None, ())]
    parts += [described(name, None) for name in target.drop if values.get(name) is None]
    return (*parts, *([f"@{target.endpoint}"] if target.endpoint else ()))


def differences(target: Target, plan: Plan) -> tuple[str, ...]:
    """Differences of a target's requests from the shared parameters, a few words each; empty without any.

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
    """The targets with labels that differ.

    Where several targets without a name ask one model, their differences become part of their names. Those that are
    still alike get a number.
    """
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
    """The model and the settings that not all its targets share; None for a target with a name, and without such."""
    if target.name is not None:
        return None
    alike = [set(own(other)) for other in among if other.name is None and other.model == target.model]
    telling = [part for part in own(target) if part not in set.intersection(*alike)]
    return ", ".join((target.model, *telling)) if telling else None


def successors(before: Sequence[Target], after: Sequence[Target]) -> list[int | None]:
    """Index in `before` of the target that each target of `after` succeeds; None for a new one.

    A target with another name or other parameters is a successor; one with another model or endpoint is not. Each old
    target has at most one successor. Exact matches win, then renamed targets, then targets with changed parameters.
    """
    found: list[int | None] = [None] * len(after)
    left = list(range(len(before)))
    for alike in (lambda one: one, _nameless, _bare, lambda one: _nameless(_bare(one))):
        forms = {index: alike(before[index]) for index in left}
        for position, target in enumerate(after):
            if found[position] is None and left:
                form = alike(target)
                index = next((index for index in left if forms[index] == form), None)
                if index is not None:
                    found[position] = index
                    left.remove(index)
    return found


def _nameless(target: Target) -> Target:
    return msgspec.structs.replace(target, name=None)


def _bare(target: Target) -> Target:
    return msgspec.structs.replace(target, drop=(), parameters=Parameters())
