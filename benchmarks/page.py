"""How soon the page of a graph can be used and how smoothly it moves, beside the page that pyvis makes by itself.

    kg build ../shared/seeds/*.txt --out out/seeds
    kg build ../shared/corpus/papers-20k.jsonl.gz --fast --out out/corpus
    python benchmarks/page.py out/seeds out/corpus [--runs 5] [--shots out/page] [--skip-stock]

Headless Chromium without network and without a graphics card, window 1280 x 800. *Interactive* counts from the start
of navigation until the page has drawn and its main thread is free to answer (three times in a row within 100 ms).
*Frames a second* are those that the browser makes while the mouse drags the picture for two seconds, and while the
wheel zooms it for two seconds. Each figure is the median of the runs with the least and the largest. The stock page
gets the same nodes and edges with pyvis's defaults, its link to a CDN taken out; it is given ``--patience`` seconds.
Screenshots go to ``--shots``: light and dark, from a phone to a wall screen.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import signal
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, sync_playwright

from kg.building import load_graph
from kg.export.html import write_html
from kg.model import KnowledgeGraph
from kg.view import PALETTE, kinds

ARGUMENTS = ["--no-sandbox", "--disable-gpu"]

SIZES = ((360, 740), (1280, 800), (2560, 1440))

WATCH = """() => {
  window.frames_ = [];
  const tick = (now) => { window.frames_.push(now); window.ticking = requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
}"""
DRAWN = "() => !!document.querySelector('canvas') && document.readyState === 'complete'"
STOP = "() => { cancelAnimationFrame(window.ticking); return window.frames_; }"


def write_stock(graph: KnowledgeGraph, path: Path) -> None:
    """Write what ``pyvis.network.Network.write_html`` gives for the graph, without its links to other hosts."""
    from pyvis.network import Network

    network = Network(height="800px", width="100%", directed=True, cdn_resources="in_line")
    # Put in directly: add_node compares every node with all former ones, which takes hours for 80,000.
    for node, (kind, name) in kinds(graph).items():
        network.nodes.append({"id": node, "label": name[:80], "color": PALETTE[kind], "shape": "dot"})
    for claim in graph.claims:
        network.edges.append({"from": claim.subject, "to": claim.object, "title": claim.relation.value, "arrows": "to"})
    text = network.generate_html()
    text = re.sub(r"<(?:link|script)[^>]+https?://[^>]*>(?:</script>)?", "", text)
    path.write_text(text, encoding="utf-8", errors="replace")


def settle(page: Any, limit: float) -> float | None:
    """Return milliseconds from the start of navigation until the main thread answers at once; None beyond the limit."""
    start, quick = time.perf_counter(), 0
    while (left := limit - (time.perf_counter() - start)) > 0:
        asked = time.perf_counter()
        try:
            # Unlike evaluate, this gives up on a page whose main thread is blocked.
            page.wait_for_function(DRAWN, timeout=left * 1000)
        except Error:
            return None
        quick = quick + 1 if time.perf_counter() - asked < 0.1 else 0
        if quick == 3:
            return float(page.evaluate("performance.now()"))
    return None


def frames(page: Any, act: Callable[[int], None], seconds: float = 2.0) -> float:
    """Return frames a second while ``act`` is done again and again."""
    page.evaluate(WATCH)
    start, step = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        act(step)
        step += 1
    times = page.evaluate(STOP)
    return 1000.0 * (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0


def visit(browser: Any, path: Path, patience: float) -> tuple[float | None, float, float]:
    """Return milliseconds to interactive, and frames a second of dragging and of zooming."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    failed = None, 0.0, 0.0
    try:
        page = context.new_page()
        page.set_default_timeout(patience * 1000)
        page.goto(path.as_uri(), wait_until="commit")
        ready = settle(page, patience)
        if ready is None:
            return failed
        page.mouse.move(560, 440)
        page.mouse.down()
        panned = frames(page, lambda step: page.mouse.move(560 + step % 60 * 3, 440 + step % 40 * 2))
        page.mouse.up()
        zoomed = frames(page, lambda step: page.mouse.wheel(0, -60 if step % 40 < 20 else 60))
        context.close()
        return ready, panned, zoomed
    except Error:
        # A blocked page does not close; it goes with the browser.
        return failed


def spread(values: Sequence[float], digits: int = 0) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def measure(browser: Any, name: str, path: Path, runs: int, patience: float) -> None:
    """Print the row of one page."""
    found = [visit(browser, path, patience) for _ in range(runs)]
    size = path.stat().st_size / 1e6
    done = [(ready / 1000.0, pan, zoom) for ready, pan, zoom in found if ready is not None]
    if not done:
        print(f"{name:24}{size:9.1f}{f'not within {patience:.0f} s':>22}", flush=True)
        return
    ready, panned, zoomed = zip(*done, strict=True)
    print(f"{name:24}{size:9.1f}{spread(ready, 2):>22}{spread(panned):>18}{spread(zoomed):>18}", flush=True)


def measure_apart(chromium: str, name: str, path: Path, patience: float) -> None:
    """Print the row of a page that may block its browser for good: one run, in a process that can be killed."""
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_alone, args=(chromium, name, path, patience))
    child.start()
    child.join(patience + 30)
    if child.is_alive():
        os.killpg(child.pid or 0, signal.SIGKILL)
        child.join()
        print(f"{name:24}{path.stat().st_size / 1e6:9.1f}{f'not within {patience:.0f} s':>22}", flush=True)


def _alone(chromium: str, name: str, path: Path, patience: float) -> None:
    # A group of its own, so that the browser dies with it.
    os.setsid()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        measure(browser, name, path, 1, patience)
        browser.close()


def shoot(browser: Any, path: Path, name: str, folder: Path) -> None:
    """Write screenshots of the overview, of the best joined thing and of the table."""
    for theme in ("light", "dark"):
        for width, height in SIZES:
            view = {"width": width, "height": height}
            context = browser.new_context(viewport=view, color_scheme=theme, offline=True, reduced_motion="reduce")
            page = context.new_page()
            page.goto(path.as_uri())
            page.wait_for_selector("html[data-ready=true]", state="attached")
            stem = f"{name}-{theme}-{width}"
            page.screenshot(path=str(folder / f"{stem}-overview.png"))
            first = page.locator("#panel section:has-text('Most connected methods') button").first
            first.evaluate("button => button.click()")
            page.keyboard.press("Enter")
            page.wait_for_timeout(400)
            page.screenshot(path=str(folder / f"{stem}-thing.png"))
            page.locator("#tools [aria-label=Table]").click()
            page.screenshot(path=str(folder / f"{stem}-table.png"))
            context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="built graphs")
    parser.add_argument("--shots", type=Path, default=Path("out/page"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--patience", type=float, default=60.0, help="seconds that a page may take")
    parser.add_argument("--skip-stock", action="store_true")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    options.shots.mkdir(parents=True, exist_ok=True)
    print(f"{'':24}{'MB':>9}{'interactive s':>22}{'pan, frames/s':>18}{'zoom, frames/s':>18}")
    for folder in options.folders:
        graph = load_graph(folder)
        ours, stock = options.shots / f"{folder.name}.html", options.shots / f"{folder.name}-pyvis.html"
        with ours.open("wb") as stream:
            write_html(graph, stream)
        write_stock(graph, stock)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=options.chromium, args=ARGUMENTS)
            measure(browser, folder.name, ours.resolve(), options.runs, options.patience)
            shoot(browser, ours.resolve(), folder.name, options.shots)
            browser.close()
        if not options.skip_stock:
            measure_apart(options.chromium, f"{folder.name}, stock pyvis", stock.resolve(), options.patience)


if __name__ == "__main__":
    main()
