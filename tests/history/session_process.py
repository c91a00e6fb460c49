"""A session without a screen, to be killed: fires run after run and says on standard output what its lanes say.

    python -P tests/history/session_process.py BASE_URL HISTORY NAME RUNS

Lines of JSON: `{"engine": pid}`, `{"fired": prompt}`, `{"ended": [prompt, target, status, text]}`,
`{"said": sentence}`.
SIGTERM ends it in order.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import msgspec

from tui.config.schema import HistorySettings
from tui.core.parameters import Parameters
from tui.core.plan import Plan
from tui.core.prompt import Prompt
from tui.core.target import Endpoint, Target
from tui.history.recorder import Recorder
from tui.session.session import Session

PARAMETERS = Parameters(max_tokens=30)
TARGETS = (Target(model="sim-fast", name="one"), Target(model="sim-fast", name="two"), Target(model="sim-steady"))


def say(**line: object) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


class Driver:
    def __init__(self, base_url: str, history: Path) -> None:
        endpoint = Endpoint(name="simulator", base_url=base_url, simulated=True)
        self.plan = Plan(
            prompt=Prompt(),
            parameters=PARAMETERS,
            targets=TARGETS,
            endpoints=(endpoint,),
            default_endpoint="simulator",
        )
        self.session = Session(history=Recorder(history, HistorySettings()))
        self.session.on_change = self.changed
        self.session.on_problem = lambda sentence: say(said=sentence)
        self.told: set[int] = set()
        self.engine = 0
        self.ready = asyncio.Event()

    def changed(self) -> None:
        if self.session.live.engine_ready:
            if self.engine != self.session.children.engines.here.pid:
                self.engine = self.session.children.engines.here.pid
                say(engine=self.engine)
            self.ready.set()
        else:
            self.ready.clear()
        for record in self.session.live.records:
            number = record.spec.request_id
            if record.status is not None and number not in self.told:
                self.told.add(number)
                say(ended=[record.spec.prompt.user, record.spec.target, record.status, record.text()])

    async def drive(self, name: str, runs: int) -> None:
        await self.session.connect()
        for run in range(runs):
            await self.ready.wait()
            prompt = f"{name} {run}"
            say(fired=prompt)
            self.session.run(msgspec.structs.replace(self.plan, prompt=Prompt(user=prompt)))
            await self.session.run_over()


async def main() -> None:
    base_url, history, name, runs = sys.argv[1:]
    driver = Driver(base_url, Path(history))
    driving = asyncio.create_task(driver.drive(name, int(runs)))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, driving.cancel)
    try:
        await driving
    except asyncio.CancelledError:
        pass
    finally:
        await driver.session.close()


if __name__ == "__main__":
    asyncio.run(main())
