"""The three saved Daily Papers pages: every paper is read. Counts are taken by a second, independent method."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import pytest

from kg.model import Paper
from kg.readers import Skipped, deduplicate, read

SHARED = Path(__file__).parents[2] / "shared"
SEEDS = SHARED / "seeds"
GOLD = SHARED / "gold" / "dev.jsonl"
CORPUS = SHARED / "corpus" / "papers-20k.jsonl.gz"
COUNTS = {"hf-daily-papers-000.txt": 16, "hf-daily-papers-001.txt": 76, "hf-daily-papers-003.txt": 84}

needs_seeds = pytest.mark.skipif(not SEEDS.is_dir(), reason="the saved pages (../shared/seeds) are not here")


def papers_of(name: str) -> list[Paper]:
    found = list(read([SEEDS / name]))
    assert not [item for item in found if isinstance(item, Skipped)]
    return [item for item in found if isinstance(item, Paper)]


def normalised(title: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", title).casefold())


@needs_seeds
@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_every_paper_of_a_page(name: str, count: int) -> None:
    papers = papers_of(name)
    # On these pages an abstract is a line of more than 1,000 characters, and its title stands two lines above it.
    rows = (SEEDS / name).read_text(encoding="utf-8").split("\n")
    long = [number for number, row in enumerate(rows) if len(row) > 1000]
    assert len(papers) == len(long) == count
    assert [paper.places[0].line for paper in papers] == [number - 1 for number in long]
    assert [normalised(paper.title) for paper in papers] == [normalised(rows[number - 2]) for number in long]
    assert [normalised(paper.abstract) for paper in papers] == [normalised(rows[number]) for number in long]


@needs_seeds
def test_author_counts_and_dates_where_a_page_gives_them() -> None:
    text = (SEEDS / "hf-daily-papers-003.txt").read_text(encoding="utf-8")
    counts = [int(number) for number in re.findall(r"^\s*• (\d+) authors$", text, re.MULTILINE)]
    days = re.findall(r"^·\n(\w{3}) (\d+)(?:, (\d{4}))?(?: \d+)?$", text, re.MULTILINE)
    papers = papers_of("hf-daily-papers-003.txt")
    assert [paper.author_count for paper in papers] == counts
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    expected = [f"{year or '-'}-{months.index(month) + 1:02}-{int(day):02}" for month, day, year in days]
    assert [paper.date for paper in papers] == expected
    assert sum(date.startswith("--") for date in expected) > 10
    commented = {paper.places[0].line: paper.date for paper in papers}
    assert commented[221] == "2024-11-12"
    assert commented[229] == "--03-29"
    assert commented[453] == "--07-28"


@needs_seeds
@pytest.mark.parametrize("name", ["hf-daily-papers-000.txt", "hf-daily-papers-001.txt"])
def test_nothing_is_invented_where_a_page_gives_nothing(name: str) -> None:
    for paper in papers_of(name):
        assert (paper.date, paper.author_count, paper.authors, paper.identifiers, paper.url) == (
            None,
            None,
            (),
            (),
            None,
        )


@needs_seeds
def test_page_year_is_used_for_the_days_without_year_only() -> None:
    page = SEEDS / "hf-daily-papers-003.txt"
    plain = [item.date for item in read([page]) if isinstance(item, Paper)]
    dated = [item.date for item in read([page], page_year=2025) if isinstance(item, Paper)]
    assert dated == [date.replace("--", "2025-", 1) if date and date.startswith("--") else date for date in plain]


@needs_seeds
def test_a_paper_listed_twice_is_one() -> None:
    listed = [paper for name in COUNTS for paper in papers_of(name)]
    papers = deduplicate(listed)
    assert len(papers) == len({normalised(paper.title) for paper in listed}) == 159
    assert sum(len(paper.places) for paper in papers) == len(listed) == 176
    (hyper,) = (paper for paper in papers if paper.title.startswith("HyperZ"))
    assert "$" in hyper.title
    assert [variant.partition(" ")[0] for variant in hyper.variants] == ["HyperZcdotZcdotW"]
    # One page gives the date and the authors of a paper, the other page does not.
    (once,) = (paper for paper in papers if paper.title.startswith("Once-for-All"))
    assert (once.date, once.author_count) == ("2019-08-26", 5)
    assert {Path(place.file).name for place in once.places} >= {"hf-daily-papers-000.txt", "hf-daily-papers-003.txt"}


@needs_seeds
@pytest.mark.skipif(not GOLD.is_file(), reason="the gold annotations (../shared/gold) are not here")
def test_all_annotated_papers_are_found_by_title() -> None:
    gold = {normalised(json.loads(row)["title"]) for row in GOLD.read_text(encoding="utf-8").splitlines()}
    papers = deduplicate(item for item in read([SEEDS / "*.txt"]) if isinstance(item, Paper))
    assert len(gold) == 153
    assert gold <= {normalised(paper.title) for paper in papers}


@pytest.mark.skipif(not CORPUS.is_file(), reason="the corpus (../shared/corpus) is not here")
def test_the_corpus_is_read_whole() -> None:
    found = list(read([CORPUS]))
    assert len(found) == 20_000
    assert all(isinstance(item, Paper) and item.abstract and item.date for item in found)
    assert sum(isinstance(item, Paper) and not item.authors for item in found) == 5  # they name none in the file
    papers = deduplicate(item for item in found if isinstance(item, Paper))
    assert 19_990 <= len(papers) < 20_000
