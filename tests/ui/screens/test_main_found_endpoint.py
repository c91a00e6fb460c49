"""A new endpoint of a file that was found: nothing goes there before the person has said so."""

from pathlib import Path

from .conftest import OpenApp
from .driving import fast, keys_of


async def test_nothing_is_sent_before_the_endpoint_is_confirmed(open_app: OpenApp, sealed: Path) -> None:
    async with open_app(fast(2)) as s:
        preview, plan = s.app.session.preview, s.app.draft.plan()
        preview.unconfirmed = plan.endpoints
        preview.count_also(plan.requests(1))
        assert not preview.counting
        for action in ("run", "series", "sweep"):
            await s.press(keys_of(action)[0])
            await s.until_shown("lies in this directory")
            assert plan.endpoints[0].base_url in s.shown
            await s.press("n")
            await s.until(lambda: s.on_main)
        assert s.live.runs == 0
        assert not s.live.busy
        await s.press(keys_of("run")[0])
        await s.until_shown("lies in this directory")
        await s.press("y")
        await s.until(lambda: s.on_main)
        await s.run()
        assert s.live.runs == 1
        confirmed = next(iter(sealed.rglob("confirmed.json")))  # noqa: ASYNC240 - a small file
        assert plan.endpoints[0].base_url in confirmed.read_text()


async def test_the_session_sends_nothing_there_by_itself(open_app: OpenApp) -> None:
    async with open_app(fast(2)) as s:
        session, plan = s.app.session, s.app.draft.plan()
        session.preview.unconfirmed = plan.endpoints
        assert not session.run(plan)
        session.preview.refresh_models(plan)
        assert session.preview._listing == {}
        await s.until(lambda: any("is not confirmed" in said for said in s.notices))
