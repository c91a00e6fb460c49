"""Tests of widgets by themselves do not wait longer than these have something to do."""

import pytest
import thrift


@pytest.fixture(autouse=True)
def _wait_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    thrift.wait_no_longer(monkeypatch)
