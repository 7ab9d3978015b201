"""What the live screens cost and how late they are, measured in a real browser before the made-up unit.

    python3 hil-tests/benches/screen.py [--seconds 60] [--only frames,busy,two,first,pixels,pixels100]

One line of JSON: frames a second and the 99th percentile of a frame (ms) of the drawing worker and of the page, the
whole browser's processor time (cores), the time to the first full picture (ms), and how old a sample is when its
pixel is there (ms), read from the pixels. `load` is the machine's own at the time: on a shared machine it says what
the rest is worth. Needs: chromium, chromedriver, selenium.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from peers.browser import browser  # noqa: E402

SIZE = (1920, 1080)
TICK = os.sysconf("SC_CLK_TCK")
TARGETS = {"frames": 55, "p99": 34, "cores": 0.6, "busy": 50, "two": 50, "first": 500, "pixels": 400, "pixels100": 250}

PAGE_FRAMES = """
window.times = []
let last
const tick = at => { if (last !== undefined) times.push(at - last); last = at; requestAnimationFrame(tick) }
requestAnimationFrame(tick)
"""
PAGE_WORK = """
setInterval(() => { const until = performance.now() + 200; while (performance.now() < until); }, 1000)
"""
WORKER_FRAMES = "const done = arguments[0]; import('/live.js').then(live => live.frames()).then(done)"
# Full: in each bed's canvas four of five columns have ink. Looked for each 25 ms from the page's first moment on.
FIRST = """
const look = () => {
  const all = [...document.querySelectorAll('canvas.curves')]
  const isFull = canvas => {
    if (canvas.width < 100) return false
    const copy = new OffscreenCanvas(canvas.width, canvas.height)
    const context = copy.getContext('2d', {willReadFrequently: true})
    context.drawImage(canvas, 0, 0)
    const {data} = context.getImageData(0, 0, canvas.width, canvas.height)
    const columns = new Set()
    for (let i = 0; i < data.length; i += 4) if (data[i + 1] > 90) columns.add((i / 4) % canvas.width)
    return columns.size > 0.8 * canvas.width
  }
  const values = [...document.querySelectorAll('.number-cell .value')]
  const isFresh = values.every(e => e.dataset.state === 'fresh')
  if (all.length === 8 && isFresh && isFull(all[7]) && all.every(isFull)) {
    window.firstPicture = performance.now()
  } else setTimeout(look, 25)
}
addEventListener('DOMContentLoaded', look)
"""
# An edge of the square wave is a tall line; its column is known from its time. Looked for once the bar has wiped what
# was there a window ago, and no sooner.
PIXELS = """
const [delay, seconds, done] = arguments
import('/store.js').then(({store}) => {
  const canvas = document.querySelector('[data-bed=chair-1] canvas')
  const perMs = 25 * 96 / 25.4 / 1000 * devicePixelRatio
  const lates = []
  let edge = Math.ceil(store.now().mono / 500) * 500
  const began = performance.now()
  const height = Math.floor(canvas.height / 4)
  const copy = new OffscreenCanvas(7, height)
  const context = copy.getContext('2d', {willReadFrequently: true})
  const isThere = () => {
    const x = Math.max(0, Math.floor(edge * perMs) % canvas.width - 3)
    context.drawImage(canvas, x, height, 7, height, 0, 0, 7, height)
    const {data} = context.getImageData(0, 0, 7, height)
    const ink = new Array(7).fill(0)
    for (let i = 0; i < data.length; i += 4) if (data[i + 1] > 90) ink[(i / 4) % 7] += 1
    return ink.some(one => one > height * 0.35)
  }
  const look = () => {
    const now = store.now().mono
    if (now > edge + delay - 120 && isThere()) { lates.push(now - edge); edge += 500 }
    else if (now > edge + 3000) { lates.push(3000); edge += 500 }
    if (performance.now() - began > seconds * 1000) done(lates)
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
})
"""


def descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, open_ = [], [pid]
    while open_:
        found.append(open_.pop())
        open_ += parents.get(found[-1], [])
    return found


def spent(pids: list[int]) -> float:
    """Processor time of processes. Unit: s."""
    total = 0
    for pid in pids:
        try:
            members = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(members[11]) + int(members[12])
    return total / TICK


def centile(values: list[float], part: float) -> float | None:
    ranked = sorted(values)
    return round(ranked[min(len(ranked) - 1, int(part * len(ranked)))], 1) if ranked else None


def rate(times: list[float]) -> dict:
    return {"perSecond": round(1000 * len(times) / sum(times), 1) if times else 0, "p99": centile(times, 0.99)}


def measure_frames(driver, seconds: float) -> dict:
    """Frames of the worker and of the page in the window that is chosen, and the browser's processor time."""
    driver.execute_script("window.times = []")
    driver.execute_async_script(WORKER_FRAMES)
    pids = [p for p in descendants(driver.service.process.pid) if p != driver.service.process.pid]
    began, before = time.monotonic(), spent(pids)
    time.sleep(seconds)
    cores = (spent(pids) - before) / (time.monotonic() - began)
    return {"worker": rate(driver.execute_async_script(WORKER_FRAMES)),
            "page": rate(driver.execute_script("return window.times")), "cores": round(cores, 2)}


def frames(url: str, seconds: float, work: str = "", windows: int = 1) -> dict:
    with browser(*SIZE) as driver:
        driver.get(url)
        if windows == 2:
            driver.switch_to.new_window("window")
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                "width": SIZE[0], "height": SIZE[1], "deviceScaleFactor": 1, "mobile": False})
            driver.get(url)
        time.sleep(5)
        driver.execute_script(PAGE_FRAMES + work)
        told = measure_frames(driver, seconds)
        if windows == 2:
            driver.switch_to.window(driver.window_handles[0])
            told["other"] = rate(driver.execute_async_script(WORKER_FRAMES))
        return told


def first(url: str) -> dict:
    """Six times; the first one has an empty cache. `cpu` is what the whole browser spent by then, in ms: where the
    machine is busy with other things, that says more than the time."""
    times, work = [], []
    with browser(*SIZE) as driver:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": FIRST})
        for _ in range(6):
            driver.get("about:blank")
            pids = descendants(driver.service.process.pid)
            before = spent(pids)
            driver.get(url)
            deadline = time.monotonic() + 15
            while time.monotonic() < deadline:
                at = driver.execute_script("return window.firstPicture")
                if at:
                    times.append(round(at))
                    work.append(round(1000 * (spent(descendants(driver.service.process.pid)) - before)))
                    break
                time.sleep(0.05)
    return {"firstPicture": times, "median": centile(times, 0.5), "cpu": work}


def pixels(url: str, every: int, seconds: float) -> dict:
    for switch in (f"every={every}", "square=1"):
        urllib.request.urlopen(f"{url}feed?{switch}").read()
    with browser(*SIZE) as driver:
        driver.get(url)
        time.sleep(6)
        lates = driver.execute_async_script(PIXELS, every + 80, seconds)
    return {"edges": len(lates), "p50": centile(lates, 0.5), "p95": centile(lates, 0.95), "worst": centile(lates, 1)}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--only", default="frames,busy,two,first,pixels,pixels100")
    options.add_argument("--screen", type=Path, help="another folder of pages")
    options.add_argument("--mark", choices=["test", "training"], help="with the mark across everything")
    given = options.parse_args()
    told = {"bench": "screen", "beds": 8, "waves": 32, "size": SIZE, "targets": TARGETS, "cpus": os.cpu_count()}
    runs = {
        "frames": lambda url: frames(url, given.seconds), "busy": lambda url: frames(url, given.seconds, PAGE_WORK),
        "two": lambda url: frames(url, given.seconds, windows=2), "first": first,
        "pixels": lambda url: pixels(url, 250, min(given.seconds, 60)),
        "pixels100": lambda url: pixels(url, 100, min(given.seconds, 60)),
    }
    for name in given.only.split(","):
        command = [sys.executable, str(HERE.parent / "peers" / "screen_feed.py"), "--port", "0"]
        command += ["--screen", str(given.screen)] if given.screen else []
        command += ["--mark", given.mark] if given.mark else []
        feed = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            url = feed.stdout.readline().split()[0]
            before = os.getloadavg()[0]
            told[name] = {**runs[name](url), "load": [round(before, 1), round(os.getloadavg()[0], 1)]}
        finally:
            feed.terminate()
            feed.wait()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
