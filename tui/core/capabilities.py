"""What a model cannot take, said before it is sent. What is not known is not refused: the API has the last word.

Pure functions over `Parameters` and `KnownModel`. A reason is one sentence without its full stop, in words for the
person who set the parameter.
"""

from collections.abc import Sequence

from tui.core.model import KnownModel
from tui.core.parameters import SAMPLING, Parameters, ThinkingType

_ABOVE_HIGH = ("xhigh", "max")
"""Levels of effort that the API refuses while thinking is off."""


def refusal(parameter: str, value: object, model: KnownModel | None) -> str | None:
    """Why `model` cannot take `value` for `parameter` (a field of `Parameters`); None if it can, or may.

    `model` is None for a model that is not known.
    """
    if model is None or value is None:
        return None
    name = model.display_name
    most, effort, thinking = model.max_output_tokens, model.effort, model.thinking
    match parameter:
        case "max_tokens" if isinstance(value, int) and most is not None and value > most:
            return f"{name} answers with at most {most:,} tokens"
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


def refusals(parameters: Parameters, model: KnownModel | None) -> dict[str, str]:
    """Every parameter that `model` cannot take as it is set, by name, with the reason."""
    found = {
        name: reason
        for name in parameters.__struct_fields__
        if (reason := refusal(name, getattr(parameters, name), model)) is not None
    }
    if model is not None and parameters.effort in _ABOVE_HIGH and parameters.thinking in ("disabled", "between_tools"):
        off = f'thinking = "{parameters.thinking}"'
        found.setdefault("effort", f"{model.display_name} takes {off} with effort up to high only")
    return found


def prefill_refusal(model: KnownModel | None) -> str | None:
    """Why `model` cannot go on with an answer that is begun for it; None if it can, or may."""
    if model is None or model.accepts_prefill is not False:
        return None
    return f"{model.display_name} does not take a prefill; only older models do"


def contradiction(parameters: Parameters) -> str | None:
    """What cannot go together in `parameters`, whatever the model; None when everything can."""
    thinking, budget = parameters.thinking, parameters.thinking_budget
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
