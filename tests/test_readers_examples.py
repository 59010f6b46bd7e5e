"""The example inputs: one of each format, read without a complaint, with papers that are listed twice."""

from __future__ import annotations

from pathlib import Path

from kg.model import Paper
from kg.readers import READERS, Skipped, deduplicate, read

EXAMPLES = Path(__file__).parents[1] / "examples"
FILES = sorted(path for path in EXAMPLES.iterdir() if path.is_file() and path.suffix not in (".md", ".ipynb"))


def test_every_format_has_an_example_that_is_read_whole() -> None:
    found = list(read(FILES))
    assert not [str(item) for item in found if isinstance(item, Skipped)]
    papers = [item for item in found if isinstance(item, Paper)]
    assert {paper.places[0].format for paper in papers} == {reader.name for reader in READERS}
    assert {Path(paper.places[0].file).name for paper in papers} == {path.name for path in FILES}


def test_papers_listed_twice_become_one() -> None:
    papers = [item for item in read(FILES) if isinstance(item, Paper)]
    joined = deduplicate(papers)
    assert (len(papers), len(joined)) == (40, 33)
    by_start = {paper.title.partition(":")[0]: paper for paper in joined}
    residual = by_start["Deep Residual Learning for Image Recognition"]
    assert [Path(place.file).name for place in residual.places] == [
        "arxiv-snapshot.jsonl",
        "library.bib",
        "openalex-works.json",
    ]
    assert residual.date == "2015-12-10"
    assert {name.partition(":")[0] for name in residual.identifiers} == {"arxiv", "doi", "openalex", "bibtex"}
    assert by_start["Once for All"].variants[0].startswith("Once-for-All")


def test_every_abstract_is_there() -> None:
    for paper in deduplicate(item for item in read(FILES) if isinstance(item, Paper)):
        assert 3 <= paper.abstract.count(". ") + 1 <= 7, paper.title
        assert len(paper.abstract) > 300, paper.title


def test_the_readme_lists_every_file() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in FILES if f"`{path.name}`" not in readme] == []
