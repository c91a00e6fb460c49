"""Kills the UI's process, the engine, or both at random moments of many runs, and holds the history against the lanes.

    python tests/benchmarks/crash.py [--kills 60] [--seed 1]

Every kill comes at a random moment of one of up to five runs, so that 60 kills are about 200 runs.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from history.killing import VICTIMS, check, crash

from tui.simulator.process import SimulatorProcess


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as directory, SimulatorProcess.start(seed=1) as simulator:
        history = Path(directory) / "history.db"
        sessions = []
        for kill in range(options.kills):
            victim = VICTIMS[kill % len(VICTIMS)]
            sessions.append(crash(simulator.base_url, history, f"{victim} {kill}", victim, 5, rng))
            runs = sum(len(session.said("fired")) for session in sessions)
            print(f"\r{kill + 1} kills, {runs} runs", end="", flush=True)
        statuses = check(history, sessions)
    said = sum(len(session.said("ended")) for session in sessions)
    print(f"\nof {said} requests that were said to have ended none is missing; stored: {dict(statuses)}")


if __name__ == "__main__":
    main()
