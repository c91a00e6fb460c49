"""What a program left in its history."""

from pathlib import Path

from tui.history.store import Store


def stored_statuses(environ: dict[str, str]) -> list[list[str]]:
    """How the requests of every stored run ended, the latest run first; text and stamps go together."""
    with Store(Path(environ["XDG_DATA_HOME"]) / "latency-tui" / "history.db") as store:
        for number in store.numbers():
            for record in store.run(number).requests:
                assert len(record.pieces) == len(record.timeline.content_ns)
        return [[target.status for target in row.targets] for row in store.runs()]
