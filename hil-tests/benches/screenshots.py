"""Pictures of the screen in both languages, for whoever changes it to look at: the made-up unit, 1920 by 1080.

    python3 hil-tests/benches/screenshots.py [--to hil-tests/results/screen] [--mark test] [--feed alarm=high]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from urllib.parse import parse_qsl

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from peers.browser import browser  # noqa: E402
from peers.screen_feed import SCREEN, Feed  # noqa: E402

PAGES = {"unit": "#/unit", "bed": "#/bed/chair-3", "history": "#/history", "technical": "#/technical"}
SETTLED = 5  # s: a window at 25 mm/s is full, histories are there


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--to", type=Path, default=HERE.parent / "results" / "screen")
    options.add_argument("--mark", choices=["test", "training"])
    options.add_argument("--feed", default="", help="faults, as screen_feed.py takes them")
    options.add_argument("--screen", type=Path, default=SCREEN)
    given = options.parse_args()
    given.to.mkdir(parents=True, exist_ok=True)
    feed = Feed(mark=given.mark, screen=given.screen)
    feed.switch(dict(parse_qsl(given.feed)))
    with browser() as driver:
        for language in ("en", "ar"):
            for name, address in PAGES.items():
                driver.get(f"http://127.0.0.1:{feed.port}/{address}")
                time.sleep(1)
                if driver.execute_script("return document.documentElement.lang") != language:
                    driver.find_element("id", "language").click()
                time.sleep(SETTLED)
                driver.save_screenshot(str(given.to / f"{name}-{language}.png"))
                print(given.to / f"{name}-{language}.png")
    feed.stop()


if __name__ == "__main__":
    main()
