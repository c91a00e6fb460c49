"""Evidence made by hand: answers with given times."""

from datetime import date
from random import Random

from tui.advice.evidence import Evidence, MeasuredTarget
from tui.core.events import Kind, Status, Usage
from tui.core.model import KnownModel, Prices
from tui.core.observation import Observation
from tui.core.parameters import Effort, Parameters, ThinkingType
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.core.target import Endpoint, Target, Timeouts

MS = 1_000_000
PLACE = Endpoint(name="place", base_url="http://127.0.0.1:1")
PROMPT = Prompt(user="Why is the sky blue?")
TEXT = "It scatters. Blue most. Red least. So we see blue. At dusk it is red. That is all."


def answer(
    ttft: float = 100,
    *,
    thinking: float = 0,
    writing: float = 100,
    input_tokens: int = 100,
    cached_tokens: int = 0,
    output_tokens: int = 51,
    set_up: float | None = None,
    status: Status = Status.DONE,
) -> Observation:
    """An answer whose times are given in ms."""
    total = ttft + thinking + writing
    per_token = (thinking + writing) / (output_tokens - 1)
    return Observation(
        status=status,
        ttft_ns=round(ttft * MS),
        ttfo_ns=round((ttft + thinking) * MS),
        total_ns=round(total * MS),
        tpot_ns=per_token * MS,
        otps=1000 / per_token if per_token else None,
        input_tokens=input_tokens,
        cached_tokens=cached_tokens,
        output_tokens=output_tokens,
        set_up_ns=None if set_up is None else round(set_up * MS),
        thinking_ns=round(thinking * MS),
    )


FAILED = Observation(status=Status.FAILED)


def answers(count: int = 10, spread: float = 0.02, **times: float) -> tuple[Observation, ...]:
    """Answers whose times (ttft, thinking, writing, in ms) differ evenly by ± `spread`, without a trend."""
    factors = [1 + spread * (2 * at / max(1, count - 1) - 1) for at in Random(0).sample(range(count), count)]
    return tuple(
        answer(
            times.get("ttft", 100.0) * factor,
            thinking=times.get("thinking", 0.0) * factor,
            writing=times.get("writing", 100.0) * factor,
        )
        for factor in factors
    )


def measured(
    *outcomes: Observation,
    model: str = "known",
    parameters: Parameters | None = None,
    prompt: Prompt = PROMPT,
    warm_ups: tuple[Observation, ...] = (),
    text: str = TEXT,
    name: str | None = None,
) -> MeasuredTarget:
    """One target's answers."""
    parameters = parameters or Parameters(max_tokens=500)
    target = Target(model=model, name=name)
    spec = RequestSpec(
        request_id=1,
        target=target.label,
        model=model,
        endpoint=PLACE,
        prompt=prompt,
        parameters=parameters,
        timeouts=Timeouts(),
    )
    record = RequestRecord(spec=spec, pieces=[(Kind.TEXT, text)], usage=Usage(), status=Status.DONE)
    return MeasuredTarget(
        target=target,
        endpoint=PLACE,
        prompt=prompt,
        parameters=parameters,
        outcomes=outcomes,
        warm_ups=warm_ups,
        record=record,
    )


def known(
    model_id: str = "known",
    *,
    line: str = "opus",
    thinking: tuple[ThinkingType, ...] = ("adaptive", "disabled"),
    effort: tuple[Effort, ...] = ("low", "medium", "high"),
    default_effort: Effort | None = "high",
    fast: bool = False,
    accepts_temperature: bool = False,
    cache_min_tokens: int = 512,
) -> KnownModel:
    """Facts about a made-up model."""
    return KnownModel(
        id=model_id,
        display_name=model_id.title(),
        line=line,
        prices=Prices(
            read=date(2026, 11, 22),
            input=4,
            output=20,
            cache_read=0.4,
            cache_write_5m=5,
            cache_write_1h=8,
            fast_input=8,
            fast_output=40,
        ),
        context_tokens=1_000_000,
        max_output_tokens=128_000,
        thinking=thinking,
        effort=effort,
        default_effort=default_effort,
        fast=fast,
        cache_min_tokens=cache_min_tokens,
        accepts_temperature=accepts_temperature,
        accepts_prefill=False,
        facts_read=date(2026, 11, 22),
    )


def evidence(
    subject: MeasuredTarget,
    *others: MeasuredTarget,
    models: tuple[KnownModel, ...] = (known(),),
    earlier: tuple[Observation, ...] = (),
) -> Evidence:
    """The evidence for a subject beside others, and beside `earlier` answers to other prompts."""
    return Evidence(
        subject=subject,
        others=others,
        earlier=(
            *(one for other in others if other.target.model == subject.target.model for one in other.answers),
            *earlier,
        ),
        models=models,
    )
