"""Requests as statistics take them."""

from tests.core.test_record import SPEC
from tui.core.events import Status, Usage
from tui.core.observation import Figure, Observation, observe, present, samples
from tui.core.record import RequestRecord
from tui.core.timeline import Timeline
