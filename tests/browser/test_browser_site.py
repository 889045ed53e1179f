"""The site in a real Chromium: nothing of a stranger's runs, and people find their way with keyboard and phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

from tests.browser.pages import PAGES
from tests.test_markdown import VECTORS

pytestmark = pytest.mark.browser


@dataclass
class Watched:
    """A page, and what went wrong on it."""

    page: Page
    origin: str
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("dialog", self._note_dialog)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("console", self._note_console)
        self.page.on("request", self._note_request)

    def _note_dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note_console(self, said: ConsoleMessage) -> None:
        if "Content Security" in said.text:
            self.faults.append(said.text)

    def _note_request(self, asked: Request) -> None:
        if not asked.url.startswith(self.origin):
            self.faults.append(asked.url)

    def open(self, path: str) -> None:
        answer = self.page.goto(self.origin + path, wait_until="load")
        if answer is None or not answer.ok:
            self.faults.append(f"{path}: {answer and answer.status}")


@pytest.fixture
def watched(browser: Browser, origin: str) -> Iterator[Watched]:
    """A page that notes dialogs, errors, refused resources and requests to anywhere else."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    found = Watched(context.new_page(), origin)
    found.watch()
    yield found
    context.close()


def test_no_page_breaks_the_policy_or_scrolls_sideways_on_a_phone(watched: Watched) -> None:
    wide = []
    for path in PAGES:
        watched.open(path)
        if watched.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wide.append(path)
    assert (watched.faults, wide) == ([], [])


@pytest.mark.timeout(240)
def test_no_vector_runs_or_calls_home(watched: Watched) -> None:
    for number in range(len(VECTORS)):
        for ending in ("html", "files.html", "changes.html"):
            watched.open(f"s/acme/tools/vector-{number}.{ending}")
    watched.open("r/acme/tools/")
    assert watched.faults == []
    assert watched.page.evaluate("typeof window.alert") == "function"


def test_a_slash_leads_to_the_search_box_and_enter_to_results(watched: Watched) -> None:
    watched.open("")
    watched.page.keyboard.press("/")
    assert watched.page.evaluate("document.activeElement.name") == "q"
    watched.page.keyboard.type("pdf forms")
    watched.page.keyboard.press("Enter")
    watched.page.wait_for_url("**/search/?q=pdf*")
    watched.page.wait_for_selector("main a[href^='/s/']")
    assert "/s/acme/tools/" in str(watched.page.get_attribute("main a[href^='/s/']", "href"))
    assert watched.faults == []


def test_search_needs_no_server_and_goes_by_arrows(watched: Watched) -> None:
    page = watched.page
    page.route("**/api/**", lambda route: route.abort())
    watched.open("search/?q=pdf%20frms")
    page.wait_for_selector("#rows a[href='/s/acme/tools/pdf-forms.html']")
    page.get_by_role("link", name="pdf forms", exact=True).click()
    page.wait_for_url("**/search/?q=pdf%20forms")
    page.wait_for_selector("#rows li")
    page.fill("#q", "csv")
    page.wait_for_url("**/search/?q=csv")
    page.wait_for_selector("#rows a[href='/s/acme/tools/csv-tools.html']")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/s/acme/tools/csv-tools.html"
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/s/acme/tools/csv-tools.html")
    assert watched.faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_tab_stop_skips_to_the_content_in_both_themes(browser: Browser, origin: str, scheme: str) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    page.goto(origin)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    assert page.evaluate("!!document.querySelector('main#main')")
    context.close()


def test_without_javascript_every_skill_can_be_reached(browser: Browser, origin: str, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(origin)
    page.click("a[href='/skills/']")
    assert page.locator("main a[href^='/s/']").count() > 5
    context.close()


def test_a_command_is_copied_whole(browser: Browser, origin: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(origin + "s/acme/tools/pdf-forms.html")
    box = page.locator(".command").first
    box.get_by_role("button").click()
    box.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == box.locator("code").text_content()
    context.close()
