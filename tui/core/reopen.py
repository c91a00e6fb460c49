"""A stored plan taken up again: what it asked, of endpoints that the person has."""

import msgspec

from tui.core.plan import Plan
from tui.core.target import Target


def reopened(stored: Plan, own: Plan) -> tuple[Plan, tuple[str, ...]]:
    """`own` with the prompts, values, parameters and targets of `stored`, and the endpoints that were not found.

    Endpoints are found by name among the person's own: where a stored plan, which may come from a file, says that a
    request goes counts for nothing. Targets at one that is not there are left out; if that leaves none, the person's
    own targets stay.
    """
    names = {endpoint.name for endpoint in own.endpoints}
    targets: list[Target] = []
    unknown: list[str] = []
    for target in stored.targets:
        asked_at = target.endpoint or stored.default_endpoint
        if asked_at not in names:
            unknown.append(asked_at)
            continue
        at = None if asked_at == own.default_endpoint else asked_at
        single = msgspec.structs.replace(_without_variant(target), endpoint=at)
        if single not in targets:
            targets.append(single)
    plan = msgspec.structs.replace(
        own,
        prompt=stored.prompt,
        variants=stored.variants if len(stored.variants) > 1 else (),
        ask_all=len(stored.variants) > 1,
        rows=stored.rows,
        row=0,
        parameters=stored.parameters,
        targets=tuple(targets) or own.targets,
    )
    return plan, tuple(dict.fromkeys(unknown))


def _without_variant(target: Target) -> Target:
    """The target as it was before `Plan.asked` made one of it for every variant."""
    if target.variant is None:
        return target
    label = target.label.removesuffix(f" · {target.variant}")
    return msgspec.structs.replace(target, name=None if label == target.model else label, variant=None)
