"""Narration of a headless run on standard error: a bar on a terminal, lines elsewhere."""

import sys
from collections.abc import Iterable
from typing import TextIO

from tui.core.figures import Figure
from tui.core.record import RequestRecord
from tui.core.remarks import remarks
from tui.core.sanitize import clean
from tui.core.series import Series
from tui.core.wording import amount, bar, counted

_BAR_CELLS = 24
_LINES = 20
"""Lines of progress where they stay, in a log: one for 5 %."""


class Narrator:
    """Narrates the progress of a series. With `quiet` it tells nothing but problems."""

    def __init__(self, stream: TextIO | None = None, *, quiet: bool) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._quiet = quiet
        self._is_terminal = self._stream.isatty()
        self._bar = ""
        self._said: object = None
        self._failures: set[str] = set()
        self._waits: set[tuple[int, int]] = set()

    def problem(self, sentence: str) -> None:
        """Say something that went wrong and belongs to no request."""
        self._clear()
        self._print(clean(sentence))
        self._draw()

    def note(self, sentence: str) -> None:
        """Say something on the side."""
        if not self._quiet:
            self.problem(sentence)

    def ended(self, request: RequestRecord) -> None:
        """Say why a request failed: once for each target and cause, however often it comes."""
        if request.failure is not None and (line := request_line(request)) not in self._failures:
            self._failures.add(line)
            self.note(line)

    def waiting(self, requests: Iterable[RequestRecord]) -> None:
        """Say which requests wait for another attempt, why and how long: once for each wait, quiet or not."""
        for request in requests:
            wait = (request.spec.request_id, request.attempt)
            if request.waits_s is None or wait in self._waits:
                continue
            self._waits.add(wait)
            failure = request.earlier[-1].failure
            name, retries = clean(request.spec.target), request.spec.retries.max
            self.problem(
                f"{name}: {failure.kind.value.replace('_', ' ')}, waiting {request.waits_s:g} s before attempt "
                f"{request.attempt} of {retries + 1}. {clean(failure.message)}"
            )

    def progress(self, series: Series) -> None:
        """Say how far the series is, if that has changed."""
        if self._quiet:
            return
        said = series.progress(over=series.ending is not None)
        if not self._is_terminal:
            is_over = series.ending is not None
            # The first counted run tells how long it takes.
            step = (bool(series.warm_ups_done), series.done > 0, _LINES * series.done // series.total, is_over)
            if step != self._said:
                self._said = step
                self._print(said)
            return
        self._clear()
        self._bar = f"{bar(series.done, series.total, _BAR_CELLS)} {said}"
        self._draw()

    def load(self, said: str, stage: object, share: float) -> None:
        """Say how far a load is: in a log when it has come to another `stage`, on a terminal with the done `share`."""
        if self._quiet or (not self._is_terminal and stage == self._said):
            return
        self._said = stage
        if not self._is_terminal:
            self._print(said)
            return
        self._clear()
        self._bar = f"{bar(round(100 * share), 100, _BAR_CELLS)} {said}"
        self._draw()

    def end(self) -> None:
        """Take the bar away."""
        self._clear()

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)

    def _draw(self) -> None:
        if self._bar:
            print(self._bar, end="", file=self._stream, flush=True)

    def _clear(self) -> None:
        if self._bar:
            print(f"\r{' ' * len(self._bar)}\r", end="", file=self._stream, flush=True)
            self._bar = ""


def request_line(record: RequestRecord) -> str:
    """One finished request as a sentence, for `--plain`."""
    name = clean(record.spec.target)
    if record.failure is not None:
        return f"{name}: {record.state.value}. {clean(record.failure.message)}"
    parts = [f"{name}: {record.state.value}"]
    if record.ttft_ns is not None:
        parts.append(f"TTFT {amount(Figure.TTFT, record.ttft_ns)}")
    if record.total_ns is not None:
        parts.append(f"total {amount(Figure.TOTAL, record.total_ns)}")
    if record.output_tokens is not None:
        parts.append(counted(record.output_tokens, "token"))
    return " ".join([", ".join(parts) + ".", *map(clean, remarks(record))])
