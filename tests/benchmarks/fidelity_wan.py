"""How right is the split of TTFT into upload, network and server, over a long way? Called by `fidelity.py --wan`.

The real program, headless, measures `fidelity_server.py` behind `wan_link.py`. The truth of "server" is from the
kernel's stamp of the request's last byte on the server's side to the send of the first token; that of "network" is
twice the link's delay. Row by row: a link, a size of prompt, requests on new connections (cold) and used ones (warm).
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from fidelity_server import Answer
from harness import LATENCY_TUI, sealed
from wan_link import THERE

from tui.core.metrics import NS_PER_MS

_SERVER = THERE.format(0)
_HERE = Path(__file__).parent
_ROW = "{:<30} {:>8} {:<5} {:>3} {:>13} {:>13} {:>9} {:>9} {:>17} {:>7} {:>5}"
_TOKENS = 40


class Link(msgspec.Struct, frozen=True):
    """One link, each way."""

    delay_ms: float
    rate_mbit: float = 0.0
    loss: float = 0.0

    @property
    def name(self) -> str:
        """What it is, in a row."""
        rate = f", {self.rate_mbit:g} Mbit/s" if self.rate_mbit else ""
        return f"RTT {2 * self.delay_ms:g} ms{rate}{f', loss {self.loss:.0%}' if self.loss else ''}"


LINKS = (Link(0.0), Link(10.0), Link(40.0), Link(40.0, 2.0), Link(40.0, 20.0), Link(40.0, 0.0, 0.01))
SIZES = (100, 10_000, 200_000)
"""Bytes of the prompt."""


def measure(link: Link, size: int, repeats: int) -> list[tuple[dict[str, Any], Answer]]:
    """Each request with the server's log of it, in order."""
    with sealed() as (home, environment):
        log, plan, out = home / "log.json", home / "plan.toml", home / "out.json"
        server = [sys.executable, str(_HERE / "fidelity_server.py"), str(_TOKENS), "1", str(log), "--host", _SERVER]
        options = [f"--delay={link.delay_ms}", f"--rate={link.rate_mbit}", f"--loss={link.loss}"]
        with subprocess.Popen(
            [sys.executable, str(_HERE / "wan_link.py"), *options, "--", *server],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as carrier:
            assert carrier.stdin is not None
            assert carrier.stdout is not None
            port = int(carrier.stdout.readline())
            plan.write_text(
                f'[endpoints.far]\nbase_url = "http://{_SERVER}:{port}"\n'
                f"[series]\nrepeats = {repeats}\nwarm_ups = 0\n"
                f'[prompt]\nuser = "{"word " * (size // 5)}"\n[parameters]\nmax_tokens = 1000\n'
                '[[targets]]\nmodel = "lane-000"\nendpoint = "far"\n'
            )
            try:
                subprocess.run(
                    [LATENCY_TUI, "run", str(plan), "--quiet", "--no-texts", "--json", str(out)],
                    env=environment,
                    check=True,
                    timeout=60 + 5 * repeats,
                )
            finally:
                carrier.stdin.close()
                carrier.wait(30)
        answers = msgspec.json.decode(log.read_bytes(), type=list[Answer])
        requests = [one for one in json.loads(out.read_bytes())["requests"] if one["status"] == "done"]
    return list(zip(requests, answers, strict=True))


def spread(values: Sequence[float]) -> str:
    """The smallest and the largest."""
    return f"{min(values):.0f} to {max(values):.0f}" if values else "-"


def _truth_ms(one: dict[str, Any], answer: Answer) -> float:
    """The server's own time. Where a segment was sent again the last byte came before that one: then from the read."""
    received_ns = answer.received_ns if one["retransmissions"] else answer.kernel_received_ns
    return (answer.before_ns[0] - received_ns) / NS_PER_MS


def show(link: Link, size: int, name: str, pairs: list[tuple[dict[str, Any], Answer]]) -> None:
    """Print one row: `within` counts the requests whose error is within what they state, and 1 ms."""
    known = [(one, answer) for one, answer in pairs if one.get("server_ms") is not None]
    errors = [one["server_ms"] - _truth_ms(one, answer) for one, answer in known]
    within = sum(abs(error) <= one["split_error_ms"] + 1 for error, (one, _) in zip(errors, known, strict=True))
    far = f"{median(errors):+.2f} {max(errors, key=abs):+.2f}" if errors else "-"
    print(
        _ROW.format(
            link.name,
            f"{size:,}",
            name,
            len(pairs),
            spread([one["ttft_ms"] for one, _ in pairs]),
            spread([one["server_ms"] for one, _ in known]),
            f"{median([one['upload_ms'] for one, _ in known]):.1f}" if known else "-",
            f"{median([one['network_ms'] for one, _ in known]):.1f}" if known else "-",
            far,
            f"{within}/{len(known)}",
            sum(one["retransmissions"] + one["out_of_order"] for one, _ in known),
        ),
        flush=True,
    )


def compare(repeats: int) -> None:
    """Measure every link and size, and print."""
    heads = ("link", "prompt B", "", "n", "TTFT", "server", "upload", "network", "error p50, max", "within", "lost")
    print(_ROW.format(*heads))
    for link in LINKS:
        for size in SIZES:
            pairs = measure(link, size, repeats)
            cold = [pair for pair in pairs if pair[0].get("connect_ms") is not None]
            show(link, size, "cold", cold)
            show(link, size, "warm", [pair for pair in pairs if pair not in cold])
