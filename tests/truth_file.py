"""The simulator's log in a file: when each request came and was over, and how many were there at once."""

import asyncio
import itertools
import json
from pathlib import Path

from waiting import in_time

Span = tuple[int, int]


class TruthFile:
    """The log of a simulator that answers many requests: more than a pipe holds."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def spans(self, count: int) -> list[Span]:
        """When each of so many requests had arrived and its answer was over, once the log has them."""
        async with in_time(f"{count} lines of the log", lambda: self.path.read_text()[-500:]):
            while (text := self.path.read_bytes()).count(b"\n") < count:  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0)
        lines = [json.loads(line) for line in text.splitlines()]
        assert len(lines) == count
        return sorted((line["received_ns"], line["end_ns"]) for line in lines)


def most_at_once(spans: list[Span]) -> int:
    """The most of them at any moment; one that begins as another ends is not there with it."""
    turns = sorted([(begun, 1) for begun, _ in spans] + [(ended, -1) for _, ended in spans])
    return max(itertools.accumulate(change for _, change in turns), default=0)
