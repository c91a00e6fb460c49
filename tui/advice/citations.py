"""Citations: the published latency guide and cookbook, and the API's documentation, that advice rests on.

As of 2026-11-22, the cookbook of 2026-11-02. It asks for the fastest configuration that still meets the accuracy bar.
"""

import msgspec


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """A section of a published page."""

    name: str
    section: str
    url: str


_DOCS = "https://platform.claude.com/docs/en/"
_GUIDE_URL = f"{_DOCS}test-and-evaluate/strengthen-guardrails/reduce-latency"


def _guide(section: str) -> Citation:
    return Citation(name="Reducing latency", section=section, url=_GUIDE_URL)


def _docs(page: str, path: str) -> Citation:
    return Citation(name="Claude API documentation", section=page, url=_DOCS + path)


MODEL = _guide("Choose the right model")
LENGTH = _guide("Optimize prompt and output length")
STREAMING = _guide("Leverage streaming")
COOKBOOK = Citation(
    name="Latency optimization on the Claude API (cookbook of 2026-11-02)",
    section="Input token management",
    url="https://platform.claude.com/cookbook/latency-optimization-latency-optimization",
)
SCHEMA = _docs("Structured outputs", "build-with-claude/structured-outputs")
CACHE = _docs("Prompt caching", "build-with-claude/prompt-caching")
EFFORT = _docs("Effort", "build-with-claude/effort")
THINKING = _docs("Adaptive thinking", "build-with-claude/adaptive-thinking")
FAST_MODE = _docs("Fast mode", "build-with-claude/fast-mode")
SERVICE_TIER = _docs("Service tiers", "api/service-tiers")
REGION = _docs("Data residency", "build-with-claude/data-residency")
CONNECTION = Citation(
    name="RFC 9112, HTTP/1.1", section="Persistence", url="https://www.rfc-editor.org/rfc/rfc9112#section-9.3"
)

FIRST_NOTE = (
    "First make a prompt that works well, without regard to speed; then make it fast. "
    "Tuning too early may hide what the best answer looks like."
)
"""First note of the guide, in our words. Shown once, above all advice."""
