"""What axe-core finds wrong with a page for those who cannot see it, cannot hear it, or cannot use a pointer."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGE = "axe_playwright_python"  # carries axe.min.js 4.12.1
GRAVE = ("serious", "critical")


@cache
def source() -> str:
    """axe-core itself."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        pytest.fail(f"axe-core is not there: pip install {PACKAGE.replace('_', '-')}==0.1.8")
    (script,) = Path(found.origin).parent.rglob("axe.min.js")
    return script.read_text(encoding="utf-8")


def grave(driver) -> list[str]:
    """What is serious or worse: rule, where, and why."""
    driver.execute_script(source())
    told = driver.execute_async_script("""const done = arguments[arguments.length - 1]
      axe.run(document, { resultTypes: ['violations'] }).then((told) => done(told.violations.flatMap((rule) =>
        rule.nodes.map((node) => [rule.id, node.impact, node.html.slice(0, 120), node.failureSummary]))))""")
    return [f"{rule} at {where}: {why}" for rule, impact, where, why in told if impact in GRAVE]
