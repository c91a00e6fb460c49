"""Protocols that endpoints speak: one word for what wires, refusals, forms and advice have to tell apart."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Protocol(StrEnum):
    """A protocol, by its name for people."""

    MESSAGES = "Messages API"
    CHAT = "Chat Completions"
    RESPONSES = "Responses API"

    @property
    def named(self) -> str:
        """Its name at the head of a sentence."""
        return self.value if self is Protocol.CHAT else f"The {self.value}"


MESSAGES_KIND = "anthropic"
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
"""The protocol of each kind of endpoint (`Endpoint.kind`)."""
