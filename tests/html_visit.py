"""A page that is open in a browser, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


class Visit:
    """An open page with what it asked for and complained of."""

    def __init__(self, browser: Any, path: Path, fragment: str = "", **context: Any) -> None:
        options = {"viewport": {"width": 1280, "height": 800}, "offline": True, "reduced_motion": "reduce", **context}
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(WAIT)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.problems: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.problems.append(message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.problems.append(dialog.message), dialog.dismiss()))
        self.address = path.as_uri()
        self.page.goto(self.address + fragment)
        self.page.wait_for_selector("html[data-ready=true]", state="attached")

    def drawn(self) -> tuple[int, int]:
        nodes, edges = (self.page.locator("#status").get_attribute(f"data-{key}") for key in ("nodes", "edges"))
        return int(nodes), int(edges)

    def find(self, text: str) -> None:
        self.page.locator("#search").fill(text)
        self.page.locator("#options li[role=option]").first.wait_for()

    def panel(self) -> str:
        return str(self.page.locator("#panel").inner_text())

    def close(self) -> None:
        asked = [
            url for url in self.requests if url.split("#")[0] != self.address and not url.startswith(("data:", "blob:"))
        ]
        self.context.close()
        assert asked == []
        assert self.problems == []
