"""A gate at which the requests of one run wait until all of them can be sent."""

import asyncio

OPEN_AFTER_S = 1.0
"""Longest that connected requests wait for those still connecting."""


class Gate:
    """Holds each request, connected and ready, until all have arrived or left; then lets them go together.

    So that targets get their requests at the same moment, whatever their connections took, and the work of
    preparing one request does not stand between the sends of two others.
    """

    def __init__(self, expected: int) -> None:
        self._missing = expected
        self._open = asyncio.Event()

    async def arrive(self) -> None:
        """Count one in and wait for the gate to open, at most `OPEN_AFTER_S`."""
        self._count()
        if not self._open.is_set():
            try:
                async with asyncio.timeout(OPEN_AFTER_S):
                    await self._open.wait()
            except TimeoutError:
                self._open.set()

    def leave(self) -> None:
        """Count one out that will not arrive: it failed or was cancelled before."""
        self._count()

    def _count(self) -> None:
        self._missing -= 1
        if self._missing <= 0:
            self._open.set()
