"""Killing a session at random moments, and holding the history against what its lanes had said."""

import contextlib
import json
import os
import random
import select
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from warm import Before

from tui.core.record import RequestRecord
from tui.history.store import Store

from .session_process import TARGETS

SESSION_PROCESS = Path(__file__).with_name("session_process.py")
WITHIN_S = 60.0
VICTIMS = ("ui", "engine", "both")


class Session:
    """A session in a process of its own, and what it said."""

    def __init__(self, base_url: str, history: Path, name: str, runs: int, *, largest_file: int | None = None) -> None:
        """`largest_file` is how large a file it may write, bytes."""

        self.process = subprocess.Popen(
            [sys.executable, "-P", str(SESSION_PROCESS), base_url, str(history), name, str(runs)],
            stdout=subprocess.PIPE,
            bufsize=0,
            preexec_fn=Before(largest_file=largest_file),
        )
        self.lines: list[dict[str, Any]] = []
        self._rest = b""

    def read(self, within_s: float) -> bool:
        """Take in what it says next; False when it says nothing in that time, or nothing any more."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], within_s)[0]:
            return False
        data = os.read(self.process.stdout.fileno(), 65_536)
        *whole, self._rest = (self._rest + data).split(b"\n")
        self.lines += map(json.loads, whole)
        return bool(data)

    def until(self, key: str, count: int = 1) -> None:
        """Wait until it has said so many lines of this kind."""
        while len(self.said(key)) < count:
            assert self.read(WITHIN_S), f"it said no {key}: {self.lines}"

    def said(self, key: str) -> list[Any]:
        return [line[key] for line in self.lines if key in line]

    def kill(self, victim: str) -> None:
        """SIGKILL the UI's process, the engine, or both."""
        if victim != "engine":
            self.process.kill()
        if victim != "ui":
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.said("engine")[-1], signal.SIGKILL)

    def finish(self) -> int:
        """Read to the end; the exit status."""
        while self.read(WITHIN_S):
            pass
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(WITHIN_S)


def crash(base_url: str, history: Path, name: str, victim: str, runs: int, rng: random.Random) -> Session:
    """One session of up to `runs` runs, killed at a random moment of one of them, and read to its end."""
    session = Session(base_url, history, name, runs)
    session.until("engine")
    session.until("fired", rng.randint(1, runs))
    # The moment is what is random here; nothing waits for anything by it.
    select.select([], [], [], rng.uniform(0.0, 0.6))
    session.kill(victim)
    if victim == "engine":
        # It goes on with another engine, unless this was its last run.
        while len(session.said("engine")) < 2 and session.read(WITHIN_S):
            pass
        session.process.terminate()
    session.finish()
    return session


def check(history: Path, sessions: list[Session]) -> Counter[str]:
    """Hold the history against what the lanes of these sessions said; how many requests have which status.

    Fails if a request that was said to have ended is missing or otherwise than was said, if one is neither ended nor
    interrupted, or if text and stamps do not go together.
    """
    stored: dict[tuple[str, str], RequestRecord] = {}
    with Store(history) as store:
        for number in store.numbers():
            run = store.run(number)
            assert [record.spec.target for record in run.requests] == [target.label for target in TARGETS]
            for record in run.requests:
                key = (record.spec.prompt.user, record.spec.target)
                assert key not in stored, f"{key} is stored twice"
                stored[key] = record
    for session in sessions:
        for prompt, target, status, text in session.said("ended"):
            record = stored[prompt, target]
            assert (record.status, record.text()) == (status, text), f"{prompt}, {target}"
        fired = session.said("fired")
        # The last may have been killed before it was known to anybody.
        assert all((prompt, "one") in stored for prompt in fired[:-1])
    for record in stored.values():
        assert record.status is not None
        assert len(record.pieces) == len(record.timeline.content_ns)
        if record.complete:
            assert len(record.pieces) == record.usage.output_tokens
        else:
            assert record.failure is not None or record.status == "cancelled"
    return Counter(str(record.status) for record in stored.values())
