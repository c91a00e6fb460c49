"""Length of prompts before they are sent: counted by the endpoint where it can, estimated where it cannot."""

import hashlib
from collections.abc import Callable, Sequence

import msgspec

from tui.core.events import TokensCounted
from tui.core.plan import RequestSpec
from tui.core.prompt import Prompt
from tui.core.record import RequestRecord
from tui.engine.protocol import CountTokens
from tui.engine.wires.messages.request_body import count_arguments
from tui.session.live import InputCount

_BYTES_PER_TOKEN = 4.0
"""Bytes per token of a model that has not answered yet: about right for English, high for most other UTF-8."""
_ESTIMATE_AT_MOST = 2
"""Factor on an estimate where a cap must hold, because an estimate may be wrong."""
_MOST_KEPT = 1000


class InputCounter:
    """Counter that asks an endpoint once for each prompt, and remembers."""

    def __init__(self, ask: Callable[[CountTokens], None]) -> None:
        """`ask` sends a command to the engine."""
        self._ask = ask
        self._counted: dict[bytes, int] = {}
        self._asked: dict[int, bytes] = {}
        self._urls: dict[int, str] = {}
        self._without_counter: set[str] = set()
        self._bytes_per_token: dict[str, float] = {}
        self._last_id = 0

    def ask_for(self, specs: Sequence[RequestSpec]) -> None:
        """Ask for the lengths that are not known yet. Not while anything is measured."""
        wanted: dict[bytes, RequestSpec] = {}
        for spec in specs:
            if spec.endpoint.base_url not in self._without_counter and spec.prompt.user.strip():
                key = _key(spec)
                if key not in self._counted and key not in self._asked.values():
                    wanted[key] = spec
        questions = []
        for key, spec in wanted.items():
            self._last_id += 1
            self._asked[self._last_id] = key
            self._urls[self._last_id] = spec.endpoint.base_url
            questions.append(msgspec.structs.replace(spec, request_id=self._last_id))
        if questions:
            self._ask(CountTokens(requests=tuple(questions)))

    def forget_questions(self) -> None:
        """Forget open questions: a run has started, or the engine has gone, and nothing will answer them."""
        self._asked.clear()
        self._urls.clear()

    def answer(self, event: TokensCounted) -> None:
        """Take in an endpoint's answer."""
        key, url = self._asked.pop(event.count_id, None), self._urls.pop(event.count_id, None)
        if key is None or url is None:
            return
        if event.input_tokens is not None:
            self._counted[key] = event.input_tokens
            if len(self._counted) > _MOST_KEPT:
                del self._counted[next(iter(self._counted))]
        elif not event.has_counter:
            self._without_counter.add(url)

    @property
    def waits(self) -> bool:
        """True while an answer is still to come."""
        return bool(self._asked)

    def counted(self, specs: Sequence[RequestSpec]) -> dict[Prompt, int]:
        """Tokens of those prompts of `specs` that were counted."""
        found = {spec.prompt: self._counted.get(_key(spec)) for spec in specs}
        return {prompt: tokens for prompt, tokens in found.items() if tokens is not None}

    def learn(self, record: RequestRecord) -> None:
        """Learn the bytes per token of a model from an answered request."""
        tokens, size = record.usage.prompt_tokens, _size(record.spec)
        if tokens and size:
            self._bytes_per_token[record.spec.model] = size / tokens

    def of(self, spec: RequestSpec) -> InputCount:
        """The length of the prompt: as it was counted, or an estimate from its bytes in UTF-8."""
        counted = self._counted.get(_key(spec))
        if counted is not None:
            return InputCount(tokens=counted, is_estimate=False)
        per_token = self._bytes_per_token.get(spec.model, _BYTES_PER_TOKEN)
        return InputCount(tokens=max(1, round(_size(spec) / per_token)), is_estimate=True)

    def at_most(self, spec: RequestSpec) -> int:
        """The longest that the prompt may be, tokens, where a cap must hold."""
        count = self.of(spec)
        return count.tokens * (_ESTIMATE_AT_MOST if count.is_estimate else 1)


def _key(spec: RequestSpec) -> bytes:
    digest = hashlib.blake2b(spec.endpoint.base_url.encode(), digest_size=16)
    digest.update(msgspec.json.encode(count_arguments(spec), order="sorted"))
    return digest.digest()


def _size(spec: RequestSpec) -> int:
    """Bytes of the prompt's text."""
    asked = count_arguments(spec)
    return len(msgspec.json.encode([asked["messages"], asked.get("system", "")]))
