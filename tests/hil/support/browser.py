"""Chromium, and what a page does in it."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

AXE = Path(sys.prefix) / "node" / "node_modules" / "axe-core" / "axe.min.js"
"""Examines a page for people with disabilities; `ci/bootstrap test` installs it."""


def program() -> str | None:
    """Return the path of Chromium, of Debian or of Playwright, None if there is none.

    Ubuntu's is a snap, which starts for no test.
    """
    found = shutil.which("chromium")
    if found and Path(found).resolve().name != "snap":
        return found
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


@dataclass
class Seen:
    """An open page, with what it asked for and what it complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """Start Chromium. Tests run as root, and pages are their own, so it needs no sandbox."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, file: Path, scheme: str = "light", width: int = 1280) -> Iterator[Seen]:
    """Open a file as a reader does.

    Args:
        browser: The browser.
        file: The page.
        scheme: What the reader prefers, `light` or `dark`.
        width: Width of the window in CSS pixels.
    """
    context = browser.new_context(
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": width, "height": 900},
        offline=True,
    )
    try:
        seen = Seen(context.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("console", lambda message: seen.complaints.append(message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on("dialog", lambda dialog: seen.complaints.append(dialog.message))
        seen.page.goto(file.as_uri())
        yield seen
    finally:
        context.close()
