"""Are the numbers true? The program's times, and the usual way's, against a server that logs when it sent what.

    python tests/benchmarks/fidelity.py [--streams 1,8,32,128] [--plain | --tls] [--seconds N] [--rounds N]
                                        [--aligned] [--reads] [--no-usual]
    python tests/benchmarks/fidelity.py --wan [--rounds N]     (root, Linux: see `fidelity_wan.py`)

"ours" is the real program: engine and screen, painting a terminal of 120×40, `--record` on. "usual" is the SDK alone,
the clock read when the text event comes out of `messages.stream()`. Both get the same load from the same server
(`fidelity_server.py`): 100 tokens per second and stream. Every round is one answer per stream, all asked at once; the
first round finds the process as it starts, later ones find open connections. All clocks are CLOCK_MONOTONIC of this
machine, and every error is an absolute value:

    TTFT error   (first arrival recorded − sent recorded) − (first token's send − request received), per request, where
                 the send is the server's clock right before the system call, and the receipt the kernel's stamp of the
                 request's last byte on the server's side: when the server's Python got to read it is not our error.
                 In the usual way "sent" is when the SDK was asked, for want of anything better.
    token error  arrival recorded − the server's clock right before that token's send, per token. The truth lies
                 between the clocks before and after the send; how far those are apart is printed as "send took",
                 and how many tokens were recorded after the send's end, which is certainly wrong.
    first        the TTFT error of the request that the process sent first.
    own delay    what the program itself reports beside its results: the time from the kernel's stamp to its read
                 (medians over the requests of their p50 and p99, and the largest of all). It is in none of the times.
                 Row "ours, reads" (`--reads`) is the program without the kernel's stamps: its token error is the
                 lateness of its reads, and tells whether the reported delay is true.
    CPU, MB      per cent of one core, and the peak resident size: engine + screen, or the one process.

Nothing is asserted: figures on a busy machine are noisy (the load average is printed), so run it more than once.
"""

import argparse
import os
from collections.abc import Iterator
from statistics import median

import fidelity_wan
import msgspec
from fidelity_runs import Load, Measured, ours, usual

from tui.core.events import Instrument
from tui.core.metrics import NS_PER_MS, percentile

_ROW = "{:<18} {:<12} {:>18} {:>19} {:>6} {:>18} {:>8} {:>9}"


class Errors(msgspec.Struct, kw_only=True):
    """How far a subject was off, absolute values, ns, ascending; and how sure the truth is."""

    ttft_ns: list[int]
    token_ns: list[int]
    first_ns: int
    send_ns: list[int]
    """How long the server's sends took."""
    server_late_ns: list[int]
    """How late the server read its requests."""
    beyond_ns: list[int]
    """Of tokens recorded later than their send had ended: by how much."""


def errors(measured: Measured) -> Errors:
    """Compare every pair; see the module for what an error is."""
    pairs = sorted(measured.pairs, key=lambda pair: pair[0].sent_ns)
    ttft = [
        abs((timed.content_ns[0] - timed.sent_ns) - (answer.before_ns[0] - answer.kernel_received_ns))
        for timed, answer in pairs
    ]
    token = [
        abs(recorded - sent)
        for timed, answer in pairs
        for recorded, sent in zip(timed.content_ns, answer.before_ns, strict=True)
    ]
    took = [
        after - before for _, answer in pairs for before, after in zip(answer.before_ns, answer.after_ns, strict=True)
    ]
    beyond = [
        recorded - after
        for timed, answer in pairs
        for recorded, after in zip(timed.content_ns, answer.after_ns, strict=True)
        if recorded > after
    ]
    return Errors(
        ttft_ns=sorted(ttft),
        token_ns=sorted(token),
        first_ns=ttft[0],
        send_ns=sorted(took),
        server_late_ns=sorted(answer.received_ns - answer.kernel_received_ns for _, answer in pairs),
        beyond_ns=sorted(beyond),
    )


def ms(ns: float) -> str:
    """In ms, to about four digits."""
    value = ns / NS_PER_MS
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def three(ascending: list[int]) -> str:
    """p50, p99 and max, in ms."""
    return " ".join(ms(ns) for ns in (percentile(ascending, 50), percentile(ascending, 99), ascending[-1]))


def own_delay(instruments: list[Instrument]) -> str:
    """The delays that the program reported with its answers, in ms."""
    p50 = [one.delay_p50_ns for one in instruments if one.delay_p50_ns is not None]
    p99 = [one.delay_p99_ns for one in instruments if one.delay_p99_ns is not None]
    longest = [one.delay_max_ns for one in instruments if one.delay_max_ns is not None]
    if not p50 or not p99 or not longest:
        return ""
    return " ".join(ms(ns) for ns in (median(p50), median(p99), max(longest)))


def show(load: str, subject: str, measured: Measured) -> Errors:
    """Print one row."""
    found = errors(measured)
    print(
        _ROW.format(
            load,
            subject,
            three(found.ttft_ns),
            three(found.token_ns),
            ms(found.first_ns),
            own_delay(measured.instruments),
            measured.cpu,
            measured.memory,
        ),
        flush=True,
    )
    return found


def compare(load: Load, *, reads: bool, with_usual: bool) -> None:
    """Measure one load in every way that was asked for."""
    name = f"{load.streams:>3} {'tls' if load.tls else 'plain'}{', aligned' if load.aligned else ''}"
    found = show(name, "ours", ours(load))
    if reads:
        show("", "ours, reads", ours(load, stamp_reads=True))
    if with_usual:
        theirs = show("", "usual", usual(load))
        ratios = [
            f"{percentile(their, 99) / percentile(our, 99):.0f}"
            for their, our in ((theirs.ttft_ns, found.ttft_ns), (theirs.token_ns, found.token_ns))
        ]
        first = f"{theirs.first_ns / found.first_ns:.0f}"
        print(_ROW.format("", "usual / ours", f"p99: {ratios[0]}", f"p99: {ratios[1]}", first, "", "", ""))
    share = 100 * len(found.beyond_ns) / len(found.token_ns)
    print(
        f"    ours after the send's end: {share:.2f} % of tokens, at most {ms(max(found.beyond_ns, default=0))}\n"
        f"    send took {three(found.send_ns)}   server read requests late by {three(found.server_late_ns)}"
        f"   load average {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def loads(options: argparse.Namespace) -> Iterator[Load]:
    """The loads that the arguments name."""
    for tls in (False, True):
        if (options.plain and tls) or (options.tls and not tls):
            continue
        for streams in options.streams:
            for aligned in (False, True) if options.aligned and streams > 1 else (False,):
                yield Load(streams=streams, seconds=options.seconds, rounds=options.rounds, tls=tls, aligned=aligned)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--streams", type=lambda text: [int(part) for part in text.split(",")], default=[1, 8, 32, 128])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--plain", action="store_true", help="only plain HTTP")
    which.add_argument("--tls", action="store_true", help="only TLS")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each answer")
    parser.add_argument("--rounds", type=int, default=3, help="answers per stream")
    parser.add_argument("--aligned", action="store_true", help="also with all streams' tokens at the same instants")
    parser.add_argument("--reads", action="store_true", help="also without the kernel's stamps")
    parser.add_argument("--no-usual", action="store_true", help="leave out the usual way")
    parser.add_argument("--wan", action="store_true", help="instead, the split of TTFT over emulated long links")
    options = parser.parse_args()
    if options.wan:
        print(f"times in ms; {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}\n")
        fidelity_wan.compare(options.rounds)
        return
    print(
        f"errors in ms: p50 p99 max; {options.rounds} rounds of {options.seconds:g} s; {os.cpu_count()} cores,"
        f" load average {os.getloadavg()[0]:.1f}\n"
    )
    print(_ROW.format("streams", "", "TTFT error", "token error", "first", "own delay", "CPU %", "MB"))
    for load in loads(options):
        compare(load, reads=options.reads, with_usual=not options.no_usual)


if __name__ == "__main__":
    main()
