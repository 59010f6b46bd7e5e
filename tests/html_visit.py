"""A page that is open in a browser, for tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kg.export.html import write_html
from tests.html_graphs import hostile, synthetic

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM = next((path for path in map(shutil.which, NAMES) if path), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: install the package chromium"),
]
"""Marks of every module of tests that open a page."""

WAIT = 120_000
"""Milliseconds that a step may take before the test gives up; machines that run tests are often busy."""

PIXELS = """() => {
  const canvas = document.querySelector('#canvas canvas');
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  let inked = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (!data[i + 3]) continue;
    inked += 1;
    seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  }
  return [inked, seen.size];
}"""


@contextmanager
def launched() -> Iterator[Any]:
    """Yield a headless Chromium; skip where playwright is not installed."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def write_pages(folder: Path) -> dict[str, Path]:
    """Write the pages that tests open to ``folder`` and return their paths by name."""
    made = {}
    for name, graph in (
        ("synthetic", synthetic()),
        ("hostile", hostile()),
        ("small", synthetic(12)),
        ("one", synthetic(2)),
    ):
        made[name] = folder / f"{name}.html"
        with made[name].open("wb") as stream:
            write_html(graph, stream, None)
    return made


@contextmanager
def visits(browser: Any, files: dict[str, Path]) -> Iterator[Any]:
    """Yield a function that opens pages by name; all are closed and checked at the end."""
    opened: list[Visit] = []

    def start(name: str = "synthetic", fragment: str = "", **context: Any) -> Visit:
        opened.append(Visit(browser, files[name], fragment, **context))
        return opened[-1]

    yield start
    for item in opened:
        item.close()


def watched(page: Any) -> tuple[list[str], list[str]]:
    """Return two lists that fill up: addresses that the page asks for, and what it complains of or pops up."""
    requests: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
    return requests, problems


class Visit:
    """An open page with what it asked for and complained of."""

    def __init__(self, browser: Any, path: Path, fragment: str = "", **context: Any) -> None:
        options = {"viewport": {"width": 1280, "height": 800}, "offline": True, "reduced_motion": "reduce", **context}
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(WAIT)
        self.page = self.context.new_page()
        self.requests, self.problems = watched(self.page)
        self.address = path.as_uri()
        self.page.goto(self.address + fragment)
        self.page.wait_for_selector("html[data-ready=true]", state="attached")
        self.settled()

    def drawn(self) -> tuple[int, int]:
        nodes, edges = (self.page.locator("#status").get_attribute(f"data-{key}") for key in ("nodes", "edges"))
        return int(nodes), int(edges)

    def find(self, text: str, field: str = "search") -> None:
        """Type into a search field and wait for what it finds."""
        self.page.locator(f"#{field}").fill(text)
        self.page.wait_for_function(
            "([field, text]) => document.querySelector(`#${field}-options:not([hidden])`)?.dataset.typed === text",
            arg=[field, text],
        )

    def settled(self) -> None:
        """Wait until the panel holds all that was unpacked for it."""
        self.page.wait_for_function("() => !document.querySelector('#panel [aria-busy]')")

    def choose(self, text: str) -> None:
        """Find a thing by its name and choose the first match."""
        self.find(text)
        self.page.keyboard.press("Enter")
        self.settled()

    def panel(self) -> str:
        self.settled()
        return str(self.page.locator("#panel").inner_text())

    def title(self) -> str:
        """Return the name of what the panel shows."""
        self.settled()
        return str(self.page.locator("#panel-title").inner_text())

    def table(self, which: str = "Things in view") -> list[list[str]]:
        """Return the cells of one of the tables of what is in view, through its dialog."""
        self.page.locator("#tools [aria-label=Table]").click()
        self.page.locator("dialog .tabs button", has_text=which).click()
        rows: list[list[str]] = self.page.locator("dialog tbody tr").evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
        )
        self.page.keyboard.press("Escape")
        return rows

    def saved(self, item: str) -> bytes:
        """Return the file that an entry of the Save menu gives."""
        self.page.locator("#saving summary").click()
        with self.page.expect_download() as download:
            self.page.locator("#saving button", has_text=item).click()
        return Path(download.value.path()).read_bytes()

    def close(self) -> None:
        asked = [
            url for url in self.requests if url.split("#")[0] != self.address and not url.startswith(("data:", "blob:"))
        ]
        self.context.close()
        assert asked == []
        assert self.problems == []
