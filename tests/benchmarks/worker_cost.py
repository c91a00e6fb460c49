"""CPU and memory of a load from one worker of a cluster: by process, per answer and per piece.

    python tests/benchmarks/worker_cost.py [--streams 100] [--seconds 20]

Two loads, of long answers and of short ones, from `--cluster local:1`, so that the scheduler is in the process of this
side. Needs the extra `cluster`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import psutil

SERVER = Path(__file__).with_name("fidelity_server.py")
PLAN = """
endpoint = "here"
[prompt]
user = "Why is the sky blue?"
[[targets]]
model = "lane-000"
[endpoints.here]
base_url = "http://127.0.0.1:{port}"
[load]
levels = [{streams}]
seconds = {seconds}
ramp = 1
warm_up = 1
max_requests = 1000000
"""
KINDS = {"--keep-stamps": "keeper of stamps", "tui engine": "engine", "spawn_main": "Dask worker", "load": "this side"}
"""Words of a command, and what it is; the first that is there counts."""


def kind(process: psutil.Process) -> str | None:
    """What a process of the load is."""
    line = " ".join(process.cmdline())
    return next((name for words, name in KINDS.items() if words in line and "resource_tracker" not in line), None)


def measure(streams: int, tokens: int, seconds: int) -> None:
    """Run one load, and print what its processes took while it was counted."""
    with tempfile.TemporaryDirectory() as place:
        plan, log, told = (Path(place) / name for name in ("plan.toml", "log.json", "told.json"))
        serve = [sys.executable, str(SERVER), str(tokens), str(streams), str(log)]
        server = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        plan.write_text(PLAN.format(port=int(server.stdout.readline()), streams=streams, seconds=seconds))
        command = [sys.executable, "-m", "tui", "load", str(plan), "--cluster", "local:1", "--json", str(told)]
        environ = os.environ | {"XDG_STATE_HOME": place, "XDG_DATA_HOME": place}
        load = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert load.stderr is not None
        while ", counted" not in load.stderr.readline() and load.poll() is None:
            pass
        time.sleep(2)
        own = psutil.Process(load.pid)
        processes = {name: each for each in (own, *own.children(recursive=True)) if (name := kind(each)) is not None}
        before, began = {name: sum(each.cpu_times()[:2]) for name, each in processes.items()}, time.monotonic()
        time.sleep(seconds - 5)
        took = {name: sum(each.cpu_times()[:2]) - before[name] for name, each in processes.items()}
        apart, memory = (
            time.monotonic() - began,
            {name: each.memory_full_info().pss for name, each in processes.items()},
        )
        load.communicate()
        server.terminate()
        server.wait()
        (level,) = msgspec.json.decode(told.read_bytes())["levels"]
    rate = level["answers"] / seconds
    print(f"{streams} streams, answers of {tokens} pieces: {rate:.1f} answers/s, {rate * tokens:,.0f} pieces/s")
    for name, cpu in took.items():
        share = cpu / apart
        print(
            f"  {name:>16}: {share * 100:5.1f} % of a core; {share / rate * 1e3:.2f} ms per answer, "
            f"{share / rate / tokens * 1e6:.1f} µs per piece; {memory[name] / 1e6:.0f} MB"
        )


def main() -> None:
    """Run both loads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    for tokens in (400, 40):
        measure(options.streams, tokens, options.seconds)


if __name__ == "__main__":
    main()
