"""Comparisons written to files: in the form that is asked for, and without a key."""

from pathlib import Path

import pytest

from tui.core.observation import Observation
from tui.core.parameters import Parameters
from tui.core.prompt import Prompt
from tui.core.snapshot import LaneSnapshot, Snapshot
from tui.core.target import Endpoint
from tui.errors import UsageError
from tui.session.plan_files import PlanFiles
from tui.session.takeaway import Takeaway

KEY = "sk-" + "a1" * 20
SECRET = "gateway-secret-value-1"
GATEWAY = Endpoint(name="gateway", base_url="https://gateway.example", api_key_env="GATEWAY_KEY")


def side(name: str, user: str) -> Snapshot:
    lane = LaneSnapshot(
        name="a",
        model="a",
        endpoint="gateway",
        prompt=Prompt(user=user),
        parameters=Parameters(),
        observations=(Observation(run=1, ttft_ns=1_000_000, total_ns=2_000_000),),
    )
    return Snapshot(name=name, taken_unix_ns=0, lanes=(lane,))


@pytest.fixture
def taken() -> Takeaway:
    environ = {"GATEWAY_KEY": SECRET}
    files = PlanFiles(environ=environ)
    return Takeaway(side("before", f"Use {KEY}"), side("now", f"Use {SECRET}"), files, [GATEWAY], environ)


async def test_no_key_goes_along(taken: Takeaway, tmp_path: Path) -> None:
    assert "Wrote" in await taken.save(str(tmp_path / "c.md"))
    assert "run c-before.toml --against c-now.toml" in await taken.save(str(tmp_path / "c.toml"))
    written = "".join((tmp_path / name).read_text() for name in ("c.md", "c-before.toml", "c-now.toml"))
    for key in (KEY, SECRET):
        assert key not in written
        assert key not in taken.text


async def test_what_is_there_stays_as_it_is(taken: Takeaway, tmp_path: Path) -> None:
    for there, name in (("c.md", "c.md"), ("c-now.toml", "c.toml")):
        (tmp_path / there).write_text("a colleague's")
        with pytest.raises(UsageError, match="is there already"):
            await taken.save(str(tmp_path / name))
        assert (tmp_path / there).read_text() == "a colleague's"
    assert not (tmp_path / "c-before.toml").exists()


async def test_another_suffix_is_refused(taken: Takeaway, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.md, \.toml"):
        await taken.save(str(tmp_path / "c.doc"))
    assert not (tmp_path / "c.doc").exists()
