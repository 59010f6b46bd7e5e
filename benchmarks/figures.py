"""Make the figures of the documentation: the page of the example graph, and the reliability of confidences.

    python benchmarks/figures.py

The first needs Chromium and playwright (the extra `test`). Both are written to docs/images/.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from kg.building import BuildOptions, build
from kg.extract.pipeline import shipped

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SIDE, MARGIN = 320, 48


def reliability(rows: list[tuple[float, float, int]], error: float) -> str:
    """Return an SVG of a reliability diagram: mean confidence against the share that is right, one dot a bin."""

    def at(x: float, y: float) -> tuple[float, float]:
        return MARGIN + x * SIDE, MARGIN + (1 - y) * SIDE

    ticks = []
    for k in range(0, 11, 2):
        x, y = at(k / 10, k / 10)
        ticks.append(f'<text x="{x}" y="{MARGIN + SIDE + 18}" text-anchor="middle">{k / 10:.1f}</text>')
        ticks.append(f'<text x="{MARGIN - 8}" y="{y + 4}" text-anchor="end">{k / 10:.1f}</text>')
    dots = []
    for said, right, count in rows:
        x, y = at(said, right)
        dots.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#0072b2"><title>{count} decisions</title></circle>')
        dots.append(f'<text x="{x + 8:.1f}" y="{y + 14:.1f}" font-size="10" fill="#555">{count}</text>')
    (x0, y0), (x1, y1) = at(0, 0), at(1, 1)
    width = SIDE + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {width}" width="{width}" height="{width}" '
        f'font-family="sans-serif" font-size="12" role="img">'
        f"<title>Reliability of confidences; expected calibration error {error:.3f}</title>"
        f'<rect width="{width}" height="{width}" fill="#fff"/>'
        f'<rect x="{x0}" y="{y1}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>'
        f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="#999" stroke-dasharray="4"/>'
        f"{''.join(ticks)}{''.join(dots)}"
        f'<text x="{width / 2}" y="{width - 8}" text-anchor="middle">confidence</text>'
        f'<text x="14" y="{width / 2}" text-anchor="middle" transform="rotate(-90 14 {width / 2})">'
        "share that is right</text>"
        f'<text x="{width / 2}" y="24" text-anchor="middle">expected calibration error {error:.3f}</text></svg>\n'
    )


def page(target: Path) -> None:
    """Write a screenshot of the example graph's page."""
    from playwright.sync_api import sync_playwright

    browser_path = next(p for name in ("chromium", "google-chrome", "chrome") if (p := shutil.which(name)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        build([ROOT / "examples"], Path(folder), BuildOptions(formats=("html",)))
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        view = browser.new_page(viewport={"width": 1360, "height": 820})
        view.goto((Path(folder) / "graph.html").as_uri())
        view.wait_for_timeout(2000)
        view.screenshot(path=target)
        browser.close()


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    figures = json.loads((shipped("default") / "roles.json").read_text(encoding="utf-8"))
    svg = reliability(figures["reliability"], figures["calibration_error"][0])
    (IMAGES / "reliability.svg").write_text(svg, encoding="utf-8")
    page(IMAGES / "page.png")


if __name__ == "__main__":
    main()
