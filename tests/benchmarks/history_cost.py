"""What the history costs: CPU while lanes stream, bytes per answer, and how fast a long history opens.

python tests/benchmarks/history_cost.py [--lanes 16] [--rate 100] [--seconds 20] [--runs 50000]
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parent.parent))

from history.making import DAY_NS, MS, Recorded, beginning, ending, info, over, plan, stored

from tui.config.schema import HistorySettings
from tui.core.events import Content, Event, Kind, Status
from tui.core.record import RequestRecord
from tui.core.run import RunFilter, Sort
from tui.engine.server import FLUSH_INTERVAL_S
from tui.history.codec import pack_record
from tui.history.database import connect, transaction
from tui.history.recorder import Recorder
from tui.history.rows import put_request, put_run
from tui.history.store import Store

WORDS = Path(__file__).read_text().split()


def batch(rng: random.Random, lanes: int, tokens: int) -> list[Event]:
    """What the engine sends at once: so many tokens for every lane."""
    now = time.monotonic_ns()
    step = int(FLUSH_INTERVAL_S * 1e9) // tokens
    return [
        Content(
            request_id=lane,
            kind=Kind.TEXT,
            t_ns=[now + int(rng.gauss(step * index, MS)) for index in range(tokens)],
            texts=[f" {rng.choice(WORDS)}" for _ in range(tokens)],
        )
        for lane in range(1, lanes + 1)
    ]


def streaming(directory: Path, lanes: int, rate: int, seconds: float) -> None:
    """CPU of the recorder, its thread included, while so many lanes stream."""
    rng = random.Random(1)
    tokens = max(1, round(rate * FLUSH_INTERVAL_S))
    batches = [batch(rng, lanes, tokens) for _ in range(int(seconds / FLUSH_INTERVAL_S))]
    recorder = Recorder(directory / "cpu.db", HistorySettings())
    recorder.start()
    asked = plan(models=[f"model-{lane}" for lane in range(lanes)])
    run = Recorded(recorder, lanes, asked)
    run.add([event for lane in range(1, lanes + 1) for event in beginning(lane)])
    cpu, own, taking, longest = time.process_time(), time.thread_time(), 0.0, 0.0
    due = time.monotonic()
    for events in batches:
        before = time.perf_counter()
        run.add(events)
        took = time.perf_counter() - before
        taking, longest = taking + took, max(longest, took)
        due += FLUSH_INTERVAL_S
        time.sleep(max(0.0, due - time.monotonic()))
    cpu, own = time.process_time() - cpu, time.thread_time() - own
    run.add([event for lane in range(1, lanes + 1) for event in ending(lane)] + over(1))
    recorder.close(60)
    span = len(batches) * FLUSH_INTERVAL_S
    print(
        f"{lanes} lanes at {rate} tokens/s: {cpu / span:.2%} of a core, {own / span:.2%} of it on the UI's thread;"
        f" taking a batch {taking / len(batches) * 1e6:.0f} µs in the mean, {longest * 1e3:.1f} ms at most"
    )


def size() -> None:
    """Bytes of one answer of 1,000 tokens, 10 ms apart with a jitter of 1 ms."""
    rng = random.Random(1)
    record = RequestRecord(spec=plan().requests(1)[0])
    stamp = 10**15
    for _ in range(1_000):
        stamp += int(rng.gauss(10 * MS, MS))
        record.apply(Content(request_id=1, kind=Kind.TEXT, t_ns=[stamp], texts=[f" {rng.choice(WORDS)}"]))
    whole = len(pack_record(record))
    record.timeline.content_ns = [0] * 1_000
    print(f"an answer of 1,000 tokens: {whole:,} bytes, {whole - len(pack_record(record)):,} of them stamps")


def listing(directory: Path, runs: int) -> None:
    """How fast a history of so many runs opens and is searched."""
    path = directory / "long.db"
    rng = random.Random(1)
    plans = [plan(" ".join(rng.choices(WORDS, k=60)), ["haiku", "sonnet", "opus"]) for _ in range(500)]
    connection = connect(path)
    template = stored(plans[0], statuses=[Status.DONE] * 3)
    started = time.monotonic()
    with transaction(connection):
        for run in range(runs):
            asked = rng.choice(plans)
            number = put_run(connection, info(started=run * DAY_NS // 200), asked)
            for lane, spec in enumerate(asked.requests(1)):
                put_request(connection, number, lane, msgspec.structs.replace(template.requests[lane], spec=spec))
    connection.close()
    print(
        f"{runs:,} runs of 3 requests: {path.stat().st_size / 1e6:.0f} MB, stored in {time.monotonic() - started:.0f} s"
    )

    def took(what: str, call: Callable[[], object]) -> None:
        before = time.perf_counter()
        call()
        print(f"  {what}: {(time.perf_counter() - before) * 1e3:.1f} ms")

    store: list[Store] = []
    took("open", lambda: store.append(Store(path)))
    (opened,) = store
    took("all numbers", opened.numbers)
    took("count", opened.count)
    took("first page of 50", lambda: opened.runs(limit=50))
    took("last page of 50", lambda: opened.rows(opened.numbers(limit=50, offset=runs - 50)))
    took("shortest TTFT", lambda: opened.rows(opened.numbers(sort=Sort.TTFT, limit=50)))
    took("by model", lambda: opened.numbers(RunFilter(model="opus")))
    took("by text", lambda: opened.numbers(RunFilter(text="lanes")))
    took("by text that is nowhere", lambda: opened.numbers(RunFilter(text="zzzz")))
    took("failed", lambda: opened.numbers(RunFilter(failed=True)))
    took("one run whole", lambda: opened.run(runs // 2))
    opened.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lanes", type=int, default=16)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--runs", type=int, default=50_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        streaming(Path(directory), options.lanes, options.rate, options.seconds)
        size()
        listing(Path(directory), options.runs)


if __name__ == "__main__":
    main()
