"""What the tests in a real Chromium share: how to start it, wait, look, and take a picture."""

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

PATIENCE = 60_000
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
LOOKS = {
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}


def settled(page: Page) -> None:
    """Wait until the page's script has run and nothing on it is stale."""
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=PATIENCE
    )
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=PATIENCE)


def violations(page: Page) -> list[str]:
    """What axe objects to, each with its first culprit."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def picture(page: Page, path: Path) -> None:
    """A screenshot, taken when the charts have been drawn."""
    settled(page)
    page.evaluate("document.fonts.ready")
    assert page.screenshot(path=path).startswith(b"\x89PNG")


def too_wide(page: Page) -> bool:
    """Whether the page itself scrolls sideways; tables may inside themselves."""
    wide: bool = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    return wide
