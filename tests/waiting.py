"""Waiting with a bound: a wait in vain fails the test and says what was seen until then."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

WITHIN_S = 60.0
"""Longest wait for anything, far longer than it takes: a test that meets it has failed."""


@asynccontextmanager
async def in_time(what: str, seen: Callable[[], object], within_s: float = WITHIN_S) -> AsyncIterator[None]:
    """Run the body; if it takes longer than `within_s`, fail with what was waited for and what `seen` tells."""
    bound = asyncio.timeout(within_s)
    try:
        async with bound:
            yield
    except TimeoutError:
        if not bound.expired():
            raise
        pytest.fail(f"waited {within_s:g} s in vain for {what}\n{seen()}")
