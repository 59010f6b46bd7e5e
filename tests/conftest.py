"""What several tests share: where the annotated data lies, and graphs that are built once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg.building import BuildOptions, build
from kg.report import Report
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
