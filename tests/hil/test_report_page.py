"""The page of `hil report` in a real browser: it loads nothing, runs nothing, and everybody can read it."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator

from hil.report.page import write
from hil.report.taken import from_store
from hil.results.store import open_store
from tests.hil.support.browser import AXE, chromium, opened, program
from tests.hil.support.reports import BOARDS, bench

NANO, DESKTOP, *_ = BOARDS
SCRIPT = "<script>alert(1)</script>"
PICTURE = '"><img src=x onerror=alert(2)>'
TURNED = "\N{RIGHT-TO-LEFT OVERRIDE}live"
NARROW, WIDE = 390, 1280


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = program()
    if path is None:
        pytest.skip("no Chromium on this machine: install chromium, or python -m playwright install chromium")
    with chromium(path) as browser:
        yield browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two runs with every kind of figure and hostile names; the last one failed."""
    folder = tmp_path_factory.mktemp("report")
    hostile = replace(DESKTOP, board=f"d{SCRIPT}", build=PICTURE)
    with open_store(str(folder / "runs.sqlite")) as store:
        runs = [
            bench(
                store,
                second,
                f"net{PICTURE}",
                boards=[NANO, hostile],
                classes=["yes", SCRIPT, f"{PICTURE} {TURNED}"],
                fails=fails,
            )
            for second, fails in ((1, ""), (2, f"too slow {SCRIPT} {TURNED}"))
        ]
        written = write([from_store(store, run, ()) for run in runs], folder / "page")
    return written.page


def brightness(picture: Locator) -> tuple[float, float]:
    """The darkest and the brightest pixel of a screenshot, 0 for black and 1 for white."""
    pixels = np.asarray(Image.open(io.BytesIO(picture.screenshot())).convert("L")) / 255
    return float(pixels.min()), float(pixels.max())


def test_the_page_asks_for_nothing_and_runs_nothing_whatever_names_hold(browser: Browser, page: Path) -> None:
    with opened(browser, page) as seen:
        assert [url for url in seen.requests if not url.startswith("data:image/svg+xml")] == [page.as_uri()]
        assert seen.complaints == []
        assert seen.page.locator("script, [onerror], [style], link, iframe, object").count() == 0
        text = seen.page.locator("body").inner_text()
        assert SCRIPT in text
        assert PICTURE in text
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page.read_text()


def test_pictures_are_whole_and_each_has_a_text_and_a_table(browser: Browser, page: Path) -> None:
    with opened(browser, page) as seen:
        pictures = seen.page.locator("figure img")
        count = pictures.count()
        assert count > 20
        sizes = pictures.evaluate_all("all => all.map(i => [i.complete, i.naturalWidth, i.alt.length])")
        assert all(complete and width > 100 and alt > 20 for complete, width, alt in sizes)
        assert seen.page.locator("figure table tbody tr:first-child th[scope=row]").count() == count


def test_failures_come_first(browser: Browser, page: Path) -> None:
    with opened(browser, page) as seen:
        assert seen.page.locator(".all").inner_text() == "1 of 2 runs failed"
        first = seen.page.locator("article").first
        assert "too slow" in first.locator(".failure").inner_text()
        assert first.bounding_box()["y"] < 300  # type: ignore[index]


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(browser: Browser, page: Path, scheme: str, width: int) -> None:
    assert AXE.exists(), "ci/bootstrap test installs axe-core"
    with opened(browser, page, scheme, width) as seen:
        seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        seen.page.evaluate(AXE.read_text())
        found = seen.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
        assert len(found["passes"]) > 20


def test_pictures_follow_light_and_dark(browser: Browser, page: Path) -> None:
    bright = {}
    for scheme in ("light", "dark"):
        with opened(browser, page, scheme) as seen:
            bright[scheme] = brightness(seen.page.locator("#pareto img").first)
    for darkest, brightest in bright.values():  # a background and the text on it
        assert darkest < 0.2
        assert brightest > 0.9


def test_a_phone_shows_the_page_without_sideways_scrolling(browser: Browser, page: Path) -> None:
    with opened(browser, page, width=NARROW) as seen:
        seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert seen.page.evaluate("document.documentElement.scrollWidth") == NARROW
        usual = seen.page.locator("#pareto img, #latency img, #history img, #memory img")
        assert max(usual.evaluate_all("all => all.map(i => i.width)")) <= NARROW


def test_the_keyboard_reaches_the_content_and_opens_a_table(browser: Browser, page: Path) -> None:
    with opened(browser, page) as seen:
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.className") == "skip"
        seen.page.keyboard.press("Enter")
        assert seen.page.url.endswith("#content")
        table = seen.page.locator("figure details").first
        table.locator("summary").focus()
        seen.page.keyboard.press("Enter")
        assert table.locator("table").is_visible()
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Table: ")
