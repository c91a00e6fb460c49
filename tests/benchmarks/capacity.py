"""How many pieces a second can one engine take, and still tell the truth of each?

    python tests/benchmarks/capacity.py [--streams 32,64,128,192,256] [--seconds N] [--rounds N] [--only NAME]

Every load is given in turn to one engine (alone, without screen and history), to two engines of this machine as a
session shares a run over them (the server needs a core, too), to the whole program with one or two engines, which shows
and stores them meanwhile, to the SDK's own loop (see `fidelity_usual.py`), and to
the least that asyncio can do (see `capacity_subjects.py`). The server is that of `fidelity.py`: 100 pieces per second
and stream, with its own log of when it sent what.

    pieces/s    that arrived, over the time in which the server sent
    µs/piece    CPU of the processes that read, and of the screen, set-up of the requests included
    alone       share of the pieces that have a time of their own. The engine counts those that it could not tell apart
                (`Instrument.shared`); for the others it is the pieces whose time differs from that of the piece before.
    TTFT, token error: as in `fidelity.py`, p99, ms
    holds       TTFT error p99 below 1 ms, and fewer than 1 % of the pieces without a time of their own

A line behind each load has the CPU of the others against the engine's: ratios hold on a busy machine, absolute figures
do not. The last lines say for each the largest load that holds, and its pieces per second of CPU ("per core").
"""

import argparse
import os
from collections.abc import Callable
from functools import partial

import msgspec
from capacity_subjects import protocol, several
from fidelity import Errors, errors, ms
from fidelity_runs import Load, Measured, ours, usual

from tui.core.metrics import NS_PER_MS, percentile

_MOST_ERROR_NS = NS_PER_MS
_MOST_SHARED = 0.01
_SUBJECTS: dict[str, Callable[[Load], Measured]] = {
    "engine": several(1),
    "2 engines": several(2),
    "screen": partial(ours, engines=1),
    "screen, 2": partial(ours, engines=2),
    "SDK": usual,
    "protocol": protocol,
}
_ROW = "{:>7} {:<9} {:>9} {:>9} {:>9} {:>8} {:>10} {:>11} {:>6}"


class Taken(msgspec.Struct, kw_only=True):
    """One subject under one load."""

    pieces: int
    seconds: float
    cpu_s: float
    cpu: str
    """Of a core, percent, and that of the screen beside it."""
    shared: int
    found: Errors

    @property
    def per_s(self) -> float:
        """Pieces per second."""
        return self.pieces / self.seconds

    @property
    def per_core(self) -> float:
        """Pieces per second of CPU."""
        return self.pieces / self.cpu_s

    @property
    def holds(self) -> bool:
        """True if the times are true, and each piece's own."""
        return percentile(self.found.ttft_ns, 99) < _MOST_ERROR_NS and self.shared < _MOST_SHARED * self.pieces


def taken(load: Load, measured: Measured) -> Taken:
    """Sum up one measurement."""
    answers = [answer for _, answer in measured.pairs]
    shared = sum(instrument.shared for instrument in measured.instruments)
    if not measured.instruments:
        shared = sum(
            before == after
            for timed, _ in measured.pairs
            for before, after in zip(timed.content_ns, timed.content_ns[1:], strict=False)
        )
    return Taken(
        pieces=sum(len(answer.before_ns) for answer in answers),
        seconds=load.rounds * load.seconds,
        cpu_s=measured.cpu_s,
        cpu=measured.cpu,
        shared=shared,
        found=errors(measured),
    )


def show(load: Load, name: str, result: Taken) -> None:
    """Print one row."""
    print(
        _ROW.format(
            load.streams,
            name,
            f"{result.per_s:,.0f}",
            f"{1e6 / result.per_core:.1f}",
            f"{result.cpu} %",
            f"{100 * (1 - result.shared / result.pieces):.1f} %",
            ms(percentile(result.found.ttft_ns, 99)),
            ms(percentile(result.found.token_ns, 99)),
            "yes" if result.holds else "no",
        ),
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--streams", type=lambda text: [int(part) for part in text.split(",")], default=[32, 64, 128, 192, 256]
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each answer")
    parser.add_argument("--rounds", type=int, default=1, help="answers per stream")
    parser.add_argument("--only", choices=tuple(_SUBJECTS), action="append", help="one subject alone; repeatable")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}\n")
    print(_ROW.format("streams", "", "pieces/s", "µs/piece", "core", "alone", "TTFT error", "token error", "holds"))
    best: dict[str, tuple[int, Taken]] = {}
    for streams in options.streams:
        load = Load(streams=streams, seconds=options.seconds, rounds=options.rounds, tls=False)
        results: dict[str, Taken] = {}
        for name in options.only or _SUBJECTS:
            results[name] = taken(load, _SUBJECTS[name](load))
            show(load, name, results[name])
            if results[name].holds:
                best[name] = (streams, results[name])
        if len(results) > 1 and "engine" in results:
            ours = results["engine"]
            ratios = (f"{name} {ours.per_core / other.per_core:.2f}" for name, other in results.items())
            print(f"        CPU per piece, engine = 1: {', '.join(ratios)}; load average {os.getloadavg()[0]:.1f}")
    for name, (streams, result) in best.items():
        print(f"{name}: holds up to {streams} streams, {result.per_s:,.0f} pieces/s; {result.per_core:,.0f} per core")


if __name__ == "__main__":
    main()
