"""Parameters that a model refuses: foreseen before they are sent, and recognised in the API's words afterwards.

What is not known is not refused: the API has the last word.

Pure functions over `Parameters` and `KnownModel`. A reason is one sentence without its full stop, in words for the
person who set the parameter.
"""

import re
from collections.abc import Iterator, Sequence

from tui.core.model import KnownModel
from tui.core.parameters import PARAMETERS, REQUIRED, SAMPLING, Parameters, ThinkingType
from tui.core.protocol import MESSAGES_KIND, PROTOCOLS, Protocol
from tui.core.wording import counted

_ABOVE_HIGH = ("xhigh", "max")
"""Levels of effort that the API refuses while thinking is off."""
_THINKING = ("thinking", "thinking_budget", "thinking_display")


def refusal(parameter: str, value: object, model: KnownModel | None, kind: str = MESSAGES_KIND) -> str | None:
    """The reason why `model` refuses `value` for `parameter` (a field of `Parameters`); None if it takes it, or may.

    `model` is None for a model that is not known; `kind` is that of its endpoint.
    """
    if (reason := wire_refusal(parameter, value, kind)) is not None:
        return reason
    if model is None or value is None:
        return None
    name = model.display_name
    most, effort, thinking = model.max_output_tokens, model.effort, model.thinking
    match parameter:
        case "max_tokens" if isinstance(value, int) and most is not None and value > most:
            return f"{name} answers with at most {counted(most, 'token')}"
        case "effort" if effort is not None and not effort:
            return f"{name} has no levels of effort"
        case "effort" if effort is not None and value not in effort:
            return f"{name} takes effort {_listed(effort)}, not {value}"
        case "thinking" if thinking is not None and value not in thinking:
            return _thinking_refusal(str(value), name, thinking)
        case "thinking_budget" if thinking is not None and "enabled" not in thinking:
            return f"{name} takes no thinking budget; its effort says how long it thinks"
        case "speed" if value == "fast" and model.fast is False:
            return f"{name} has no fast mode"
        case _ if parameter in SAMPLING and model.accepts_temperature is False:
            return f"{name} does not take {parameter}; only older models do"
    return None


def wire_refusal(parameter: str, value: object, kind: str) -> str | None:
    """The reason why the protocol of endpoints of this `kind` cannot say `value` for `parameter`; None if it can."""
    protocol, declared = PROTOCOLS[kind], PARAMETERS[parameter]
    if value in (None, ()):  # nothing is sent for either
        return None
    if (reason := lack(parameter, kind)) is not None:
        return reason
    most = declared.most.get(protocol)
    if most is not None and isinstance(value, int | float) and value > most:
        return f"{protocol.named} takes {parameter} up to {most:g}, not {value:g}"
    return None


def lack(parameter: str, kind: str) -> str | None:
    """The reason why endpoints of this `kind` take no value for the parameter; None if they have a place for it."""
    return None if has_parameter(parameter, kind) else f"{PROTOCOLS[kind].named} has no {parameter}"


def has_parameter(parameter: str, kind: str) -> bool:
    """True where the protocol of endpoints of this `kind` has a place for the parameter."""
    protocol = PROTOCOLS[kind]
    return protocol is Protocol.MESSAGES or protocol in PARAMETERS[parameter].elsewhere


def unsupported(parameters: Parameters, kind: str) -> dict[str, str]:
    """Every parameter that the protocol of endpoints of this `kind` cannot say, by name, with the reason."""
    return {name: reason for name, value in parameters.set_ones() if (reason := wire_refusal(name, value, kind))}


def out_of_range(parameters: Parameters, kind: str) -> dict[str, str]:
    """Those of `unsupported` that the protocol has and takes other values of."""
    return {name: reason for name, reason in unsupported(parameters, kind).items() if has_parameter(name, kind)}


def refusals(parameters: Parameters, model: KnownModel | None, kind: str = MESSAGES_KIND) -> dict[str, str]:
    """Every parameter that `model`, at an endpoint of this `kind`, cannot take as it is set, with the reason."""
    found = {
        name: reason
        for name in parameters.__struct_fields__
        if (reason := refusal(name, getattr(parameters, name), model, kind)) is not None
    }
    if model is not None and parameters.effort in _ABOVE_HIGH and parameters.thinking in ("disabled", "between_tools"):
        off = f'thinking = "{parameters.thinking}"'
        found.setdefault("effort", f"{model.display_name} takes {off} with effort up to high only")
    return found


def prefill_refusal(model: KnownModel | None) -> str | None:
    """The reason why `model` refuses a prefill; None if it takes one, or may."""
    if model is None or model.accepts_prefill is not False:
        return None
    return f"{model.display_name} does not take a prefill; only older models do"


def contradiction(parameters: Parameters, kind: str = MESSAGES_KIND) -> str | None:
    """The contradiction within `parameters` at an endpoint of this `kind`, whatever the model; None without one."""
    thinking, budget = parameters.thinking, parameters.thinking_budget
    if not has_parameter("thinking", kind):
        return None  # What the protocol lacks is refused one by one.
    if thinking is None and budget is not None:
        return 'thinking_budget is for thinking = "enabled", which is not set'
    if thinking is None and parameters.thinking_display is not None:
        return 'thinking_display is for thinking = "adaptive" or "enabled", which is not set'
    if thinking == "enabled" and budget is None:
        return 'thinking = "enabled" needs a thinking_budget'
    if thinking == "enabled" and budget and parameters.max_tokens and budget >= parameters.max_tokens:
        return f"thinking_budget must be less than max_tokens, but {budget} is not less than {parameters.max_tokens}"
    return None


def _thinking_refusal(value: str, name: str, thinking: tuple[ThinkingType, ...]) -> str:
    if value == "disabled" and thinking == ("adaptive",):
        return f"{name} always thinks; a lower effort makes it think less"
    if value == "disabled" and "between_tools" in thinking:
        return f'{name} takes thinking = "between_tools" in place of "disabled"'
    if not thinking:
        return f"{name} does not think"
    return f"{name} takes thinking {_listed(thinking)}, not {value}"


def _listed(words: Sequence[str]) -> str:
    return " or ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def refused_parameter(words: str, sent: Parameters) -> str | None:
    """The first parameter among those `sent` that the API's `words` name, a field of `Parameters`; None if they name
    none.

    `max_tokens` is meant only where nothing else is: a request needs it, so that the other one has to give way.
    """
    named = sorted(_named(words, sent))
    return next((name for *_, name in named if name != REQUIRED), REQUIRED if named else None)


def belonging(name: str, sent: Parameters) -> tuple[str, ...]:
    """The parameters to leave out with `name`: itself, and those of `sent` that mean nothing without it."""
    if name == "thinking" or (name == "thinking_budget" and sent.thinking == "enabled"):
        return tuple(part for part in _THINKING if getattr(sent, part) is not None)
    return (name,)


def _named(words: str, sent: Parameters) -> Iterator[tuple[int, int, str]]:
    """Position of each parameter in `words`, the negative length of its name there, and the parameter."""
    for name, value in sent.set_ones():
        names = list(map(re.escape, value)) if isinstance(value, dict) else [PARAMETERS[name].named]
        for path in names:
            if found := re.search(rf"(?<![\w.])(?:{path})(?!\w)", words):
                yield found.start(), -len(found.group()), name
