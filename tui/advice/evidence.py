"""Evidence for advice: the measurements of one target, those of others, and known facts about models."""

from statistics import median

import msgspec

from tui.core.cost import prices_at
from tui.core.events import Status
from tui.core.model import KnownModel
from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Target

CUT_SHARE = 0.05
"""Share of answers that may be cut at max_tokens, unless the person chose another."""


class MeasuredTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Repeated measurements of one target with one prompt and one set of parameters."""

    target: Target
    endpoint: Endpoint
    prompt: Prompt
    """Prompt as it was sent, variables filled in."""
    parameters: Parameters
    """Parameters as they were sent: the shared ones with the target's over them."""
    outcomes: tuple[Observation, ...]
    """Counted outcomes in order, failures included."""
    warm_ups: tuple[Observation, ...] = ()
    record: RequestRecord | None = None
    """Latest request, with its texts."""
    template: Prompt | None = None
    """Prompt as it was written, with its variables; None where that is not known."""
    variants: tuple[Prompt, ...] = ()
    """Prompt variants that were sent side by side, as they were written."""

    @property
    def label(self) -> str:
        """Label of the target."""
        return self.target.label

    @property
    def answers(self) -> tuple[Observation, ...]:
        """Outcomes with a complete answer, which statistics count."""
        return tuple(outcome for outcome in self.outcomes if outcome.total_ns is not None)

    @property
    def in_one_piece(self) -> bool:
        """Report whether most answers came in one piece: nothing is known of the times within them."""
        answers = self.answers
        return 2 * sum(one.total_ns == one.ttft_ns for one in answers) > len(answers)

    @property
    def hides_thinking(self) -> bool:
        """Report whether an answer was thought about, and no time of that was seen."""
        return any(one.thinking_tokens and not one.thinking_ns for one in self.answers)

    @property
    def processed_tokens(self) -> float | None:
        """Tokens of a typical prompt that had to be processed, not read from a cache; None where that is not known."""
        counts = [one.input_tokens for one in self.answers if one.input_tokens is not None]
        return median(counts) if counts else None

    @property
    def cut_share(self) -> float:
        """Share of answers that were cut at max_tokens."""
        answers = self.answers
        return sum(one.status is Status.TRUNCATED for one in answers) / len(answers) if answers else 0.0


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Grounds for the advice on one target."""

    subject: MeasuredTarget
    others: tuple[MeasuredTarget, ...] = ()
    """Measurements in the same circumstances: of other targets, and of this one with other parameters."""
    earlier: tuple[Observation, ...] = ()
    """Answers of the same model at the same endpoint to any prompt. Different lengths tell what a token costs."""
    models: tuple[KnownModel, ...] = ()
    counted: tuple[tuple[Prompt, int], ...] = ()
    """Tokens of prompts as the endpoint counted them: see `tui.advice.prompt_parts.questions`."""
    cut_share: float = CUT_SHARE
    """Share of answers that may be cut at max_tokens, as the person chose."""

    @property
    def model(self) -> KnownModel | None:
        """Facts about the subject's model."""
        return self.known(self.subject.target.model)

    def known(self, model_id: str) -> KnownModel | None:
        """Return the facts about a model at the subject's endpoint; None for one that is not known."""
        known = {model.id: model for model in self.models if model.id == model_id}
        if model_id not in known:
            return None
        return msgspec.structs.replace(known[model_id], prices=prices_at(known, model_id, self.subject.endpoint))

    @property
    def alike(self) -> tuple[MeasuredTarget, ...]:
        """Other measurements with the same prompt at the same endpoint."""
        return tuple(
            other
            for other in self.others
            if other.prompt == self.subject.prompt and other.endpoint.name == self.subject.endpoint.name
        )
