"""The virtual unit as pytest gives it to tests: one at a time, kept while it is sound, made anew when it is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import image as images
from .unit import Devices, Installed, Unit, installed, package


class Virtual:
    """Makes units on one image, with one set of devices; the one before is discarded."""

    def __init__(self, image: images.Image, made: Installed, deb: Path) -> None:
        self.image = image
        self.installed = made
        self.deb = deb
        self.devices = Devices()
        self._unit: Unit | None = None

    def fresh(self, **boot) -> Unit:
        """A unit that was installed and has never sampled, switched on."""
        self.discard()
        self._unit = Unit(self.image, self.devices, self.installed.layer)
        self._unit.boot(**boot)
        return self._unit

    def sampling(self) -> Unit:
        """A unit without a network that samples: the one that is there, if it still does."""
        try:
            assert self._unit is not None and self._unit.on
            self._unit.wait_sampling(limit=30)
        except AssertionError:
            self.fresh().wait_sampling(limit=240)
        assert self._unit is not None
        return self._unit

    @property
    def unit(self) -> Unit | None:
        """The one that is there."""
        return self._unit

    def discard(self) -> None:
        """Switch off what is there, and forget it."""
        if self._unit is not None:
            self._unit.discard()
            self._unit = None


@pytest.fixture(scope="session")
def virtual(request: pytest.FixtureRequest) -> Iterator[Virtual]:
    """Where units come from. What is missing is a reason to skip, or with NABD_VM=required a failure."""
    if (reason := images.lacking()) is not None:
        (pytest.fail if os.environ.get("NABD_VM") == "required" else pytest.skip)(reason)
    deb = package()
    # Making the image takes minutes in which nothing else is said: past pytest's capture.
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        image = images.base_image()
        made = Virtual(image, installed(image, deb), deb)
    yield made
    made.discard()
    made.devices.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Show what the unit's services said beside a failure, as far as it can still be asked."""
    report = yield
    made = getattr(item, "funcargs", {}).get("virtual")
    if report.failed and isinstance(made, Virtual) and made.unit is not None and made.unit.on:
        try:
            report.sections.append(("log of the virtual unit", made.unit.log(60)))
        except AssertionError as error:
            report.sections.append(("the virtual unit does not answer", str(error)[:2000]))
    return report
