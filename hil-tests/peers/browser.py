"""A real browser for the screen's tests: Chromium without a window, of a size that is asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
INSTALL = "the screen's tests need a browser: apt-get install chromium chromium-driver fonts-noto-core"


def chromium() -> str | None:
    """The browser's path, where there is one."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@contextmanager
def browser(width: int = 1920, height: int = 1080, *options: str) -> Iterator:
    """A driver of a browser whose page is exactly so large; the log of its page is kept."""
    selenium = pytest.importorskip("selenium.webdriver", reason="pip install selenium")
    path, driver_path = chromium(), shutil.which("chromedriver")
    if path is None or driver_path is None:
        pytest.fail(INSTALL)
    from selenium.webdriver.chrome.service import Service

    wanted = selenium.ChromeOptions()
    wanted.binary_location = path
    for option in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--lang=en", *options):
        wanted.add_argument(option)
    wanted.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = selenium.Chrome(options=wanted, service=Service(driver_path))
    try:
        resize(driver, width, height)
        driver.set_script_timeout(120)
        yield driver
    finally:
        driver.quit()


def resize(driver, width: int, height: int, ratio: float = 1) -> None:
    """The page's size: a window without a screen has another one than it was asked for. Unit: CSS px."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": height, "deviceScaleFactor": ratio, "mobile": False})


def complaints(driver) -> list[str]:
    """What the page's console said since it was last asked, that is no missing file."""
    return [entry["message"] for entry in driver.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING") and "404" not in entry["message"]]
