"""Accessibility of every kind of page, by axe-core in a real Chromium: light and dark, phone and desktop."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser

from tests.browser.pages import KINDS

AXE = Path(__file__).resolve().parent.parent / "node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERYTHING: dict[str, Any] = {"runOnly": {"type": "tag", "values": TAGS}}
# What theme and width change: colours, the size of what is tapped, what scrolls.
LOOKS = ["color-contrast", "target-size", "link-in-text-block", "scrollable-region-focusable"]
SOME: dict[str, Any] = {"runOnly": {"type": "rule", "values": LOOKS}}
STATES: tuple[tuple[Literal["light", "dark"], int, dict[str, Any]], ...] = (
    ("light", 1280, EVERYTHING),
    ("dark", 1280, SOME),
    ("dark", 390, SOME),
    ("light", 390, SOME),
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (python -m tests.node install)"),
]


@pytest.mark.timeout(240)
def test_axe_finds_nothing(browser: Browser, origin: str) -> None:
    # The policy of the site would keep axe's own style out; whether it holds is tested without axe.
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    script = AXE.read_text()
    wrong = []
    for path in KINDS:
        page.goto(origin + path, wait_until="load")
        page.evaluate("for (const one of document.querySelectorAll('details')) { one.name = ''; one.open = true }")
        page.evaluate(script)
        for theme, width, rules in STATES:
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({"width": width, "height": 900})
            found = page.evaluate("rules => axe.run({ ...rules, resultTypes: ['violations'] })", rules)
            wrong += [
                f"{path} {theme} {width}: {one['id']}: {node['html'][:120]}: {node['failureSummary'][:200]}"
                for one in found["violations"]
                for node in one["nodes"][:2]
            ]
    context.close()
    assert wrong == []
