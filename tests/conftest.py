"""What several tests share: where the annotated data lies, and graphs that are built once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kg.building import BuildOptions, build
from kg.report import Report
from tests.html_visit import launched, visits, write_pages
from tests.paths import ROOT, SHARED


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real pages and gold annotations beside the project; not part of it."""
    if not (SHARED / "seeds").is_dir():
        pytest.skip("the data folder ../shared with real pages is not here")
    return SHARED


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """The graph of examples/ in all formats, with its report."""
    out = tmp_path_factory.mktemp("examples")
    report = build(
        [ROOT / "examples"], out, BuildOptions(formats=("ttl", "nt", "jsonld", "void", "graphml", "csv", "html"))
    )
    return out, report


@pytest.fixture(scope="session")
def seeds(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """The graph of the three saved pages, with its report."""
    out = tmp_path_factory.mktemp("seeds")
    report = build(sorted((shared / "seeds").glob("*.txt")), out, BuildOptions())
    return out, report


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages that browsers open, by name."""
    return write_pages(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium. One a module: two at once do not go together in one thread."""
    with launched() as started:
        yield started


@pytest.fixture
def visit(browser: Any, pages: dict[str, Path]) -> Iterator[Any]:
    """Opens one of the pages in the browser."""
    with visits(browser, pages) as start:
        yield start
