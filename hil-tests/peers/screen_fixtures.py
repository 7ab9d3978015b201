"""What several tests of people at the screen need: a feed with a desk, and alarms on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .screen_people import PeopleFeed
from .screen_touch import Alarms


@pytest.fixture
def feed() -> Iterator[PeopleFeed]:
    made = PeopleFeed()
    yield made
    made.desk.released.set()
    made.stop()


@pytest.fixture
def alarms(feed: PeopleFeed) -> Alarms:
    return Alarms(feed)
