"""Time of statistics of a million samples, beside that of sorting them, which none of them can do without."""

import time
from collections.abc import Callable
from random import Random

from tui.core.comparison import compare
from tui.core.figures import Figure
from tui.core.objectives import judge, parse
from tui.core.observation import Observation
from tui.core.statistics import describe

COUNT = 1_000_000
TRIES = 3


def main() -> None:
    """Print the least of some tries for each, s of the process' own time, and its ratio to sorting both sets."""
    random = Random(1)
    first, second = ([int(random.lognormvariate(20, 0.2)) for _ in range(COUNT)] for _ in range(2))
    observations = [Observation(ttft_ns=value) for value in first]
    objective = parse("ttft.p95 < 800ms")
    subjects: dict[str, Callable[[], object]] = {
        "sorting both sets": lambda: (sorted(first), sorted(second)),
        "compare": lambda: compare(Figure.TTFT, ("a", first), ("b", second)),
        "describe": lambda: describe(first),
        "judge an objective": lambda: judge(objective, observations),
    }
    sorting = 0.0
    for name, subject in subjects.items():
        taken = min(_time_of(subject) for _ in range(TRIES))
        sorting = sorting or taken
        print(f"{name:20} {taken:6.2f} s  {taken / sorting:5.1f} x sorting")


def _time_of(subject: Callable[[], object]) -> float:
    begun = time.process_time()
    subject()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
