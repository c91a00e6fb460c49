"""Protocols that endpoints speak: one word for what wires, refusals, forms and advice have to tell apart."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Literal


class Protocol(StrEnum):
    """A protocol, by its name for people."""

    MESSAGES = "Messages API"
    CHAT = "Chat Completions"
    RESPONSES = "Responses API"

    @property
    def named(self) -> str:
        """Its name at the head of a sentence."""
        return self.value if self is Protocol.CHAT else f"The {self.value}"


EndpointKind = Literal["anthropic", "bedrock", "foundry", "vertex", "openai", "openai-responses"]
"""Kinds of endpoint (`Endpoint.kind`): a protocol, at a cloud where it is served otherwise."""
KINDS_HELP = (
    "anthropic for the API and what speaks like it; bedrock, foundry or vertex for those clouds; openai for Chat "
    "Completions; openai-responses for the Responses API."
)
MESSAGES_KIND: EndpointKind = "anthropic"
PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        MESSAGES_KIND: Protocol.MESSAGES,
        "bedrock": Protocol.MESSAGES,
        "foundry": Protocol.MESSAGES,
        "vertex": Protocol.MESSAGES,
        "openai": Protocol.CHAT,
        "openai-responses": Protocol.RESPONSES,
    }
)
"""The protocol of each kind of endpoint."""
