"""Joining of records of one paper: what is joined, what is not, and the laws that hold for any records."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import ids
from kg.model import Paper, Place
from kg.readers import deduplicate
from kg.readers.duplicates import title_similarity

ABSTRACT = (
    "We prune convolutional networks channel by channel and retrain what is left. The pruned network keeps its "
    "accuracy with half of the operations, and the search takes two hours on one processor. It needs no labels."
)
OTHER = (
    "Graph neural networks are slow on graphs that do not fit into memory. This paper lays neighbourhoods out on disk "
    "in the order in which training asks for them, and a run takes a third of the time that a cached baseline takes."
)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (Paper("Deep Residual Learning"), Paper("deep residual learning.")),
        (Paper("Deep Residual Learning", ABSTRACT), Paper("Deep-Residual Learning", OTHER)),
        (Paper(r"The \textbf{Big} Model"), Paper("The Big Model")),
        (
            Paper(r"HyperZ$\cdot$Z$\cdot$W Operator Connects Networks", ABSTRACT),
            Paper("HyperZcdotZcdotW Operator Connects Networks", ABSTRACT),
        ),
        (Paper("Pruning: Channel by Channel", ABSTRACT), Paper("Pruning", ABSTRACT)),
        (
            Paper("Pruning of Networks by Channels", ABSTRACT),
            Paper("Pruning of Neural Networks by Channels", ABSTRACT[:150] + " and more besides"),
        ),
        (
            Paper("Pruning of Networks by Channels", identifiers=("arxiv:2401.00001",)),
            Paper("Pruning of Networks by Channel", ABSTRACT, identifiers=("arxiv:2401.00001",)),
        ),
    ],
)
def test_records_of_one_paper(left: Paper, right: Paper) -> None:
    assert len(deduplicate([left, right])) == 1


@pytest.mark.parametrize(
    ("left", "right"),
    [
        # one identifier, different titles
        (
            Paper("Pruning of Networks", ABSTRACT, identifiers=("arxiv:1",)),
            Paper("Graphs on Disk", OTHER, identifiers=("arxiv:1",)),
        ),
        (
            Paper("Learning to Prune Networks", identifiers=("doi:10.1/x",)),
            Paper("Learning to Grow Networks", identifiers=("doi:10.1/x",)),
        ),
        # a key of a library or a dump says nothing
        (
            Paper("Pruning of Networks by Channels", identifiers=("id:1",)),
            Paper("Pruning of Network by Channels", identifiers=("id:1",)),
        ),
        # numbers tell parts and versions apart
        (Paper("Pruning, Part 1", ABSTRACT), Paper("Pruning, Part 2", ABSTRACT)),
        (
            Paper("YOLOv3: Faster", ABSTRACT, identifiers=("arxiv:1",)),
            Paper("YOLOv5: Faster", ABSTRACT, identifiers=("arxiv:1",)),
        ),
        # one abstract under unrelated titles, short abstracts, similar titles alone
        (Paper("Pruning of Networks", ABSTRACT), Paper("Graphs on Disk", ABSTRACT)),
        (Paper("Workshop on Vision", "No abstract available."), Paper("Workshop on Visions", "No abstract available.")),
        (Paper("Pruning of Networks by Channels"), Paper("Pruning of Network by Channels")),
        (Paper("Pruning of Networks by Channels", ABSTRACT), Paper("Pruning of Network by Channels", OTHER)),
        (Paper("!!!"), Paper("???")),
    ],
)
def test_records_of_two_papers(left: Paper, right: Paper) -> None:
    assert len(deduplicate([left, right])) == 2


def test_a_joined_paper_has_the_best_of_all_records() -> None:
    place_a, place_b, place_c = Place("a", 1, "hf-page"), Place("b", 7, "openalex"), Place("c", 9, "bibtex")
    records = [
        Paper("deep residual learning", date="--12-10", author_count=4, places=(place_a,)),
        Paper(
            "Deep Residual Learning",
            ABSTRACT,
            authors=("K. He", "X. Zhang"),
            date="2015",
            identifiers=("openalex:W1",),
            url="https://openalex.org/W1",
            venue="arXiv preprint",
            places=(place_b,),
        ),
        Paper(
            "Deep Residual Learning.",
            ABSTRACT[:130],
            authors=("Kaiming He", "Xiangyu Zhang"),
            date="2015-12-10",
            identifiers=("arxiv:1512.03385",),
            url="https://arxiv.org/abs/1512.03385",
            venue="CVPR",
            places=(place_c,),
        ),
    ]
    (paper,) = deduplicate(records)
    assert paper == Paper(
        "Deep Residual Learning.",
        ABSTRACT,
        authors=("Kaiming He", "Xiangyu Zhang"),
        author_count=4,
        date="2015-12-10",
        identifiers=("arxiv:1512.03385", "openalex:W1"),
        url="https://arxiv.org/abs/1512.03385",
        venue="CVPR",
        variants=("Deep Residual Learning", "deep residual learning"),
    )
    assert paper.places == (place_a, place_b, place_c)


def test_a_variant_joins_later_records() -> None:
    joined = deduplicate([Paper("Pruning: Channel by Channel", ABSTRACT), Paper("Pruning", ABSTRACT)])
    (paper,) = deduplicate([*joined, Paper("PRUNING", date="2020")])
    assert paper.date == "2020"


def test_what_is_single_stays_as_it_is() -> None:
    papers = [Paper("B", OTHER, date="2020"), Paper("A", ABSTRACT, places=(Place("x", 1, "y"),))]
    assert set(deduplicate(papers)) == set(papers)
    assert deduplicate([]) == ()


TITLES = st.sampled_from(
    [
        "Pruning of Networks",
        "pruning of networks!",
        "Pruning of the Networks",
        "Pruning",
        "Pruning of Networks 2",
        "Graphs",
        "Graphs on $D$",
    ]
)
ABSTRACTS = st.sampled_from(
    ["", "short", ABSTRACT, ABSTRACT[:160], ABSTRACT.replace("half", "a third"), OTHER, OTHER[5:]]
)
PAPERS = st.lists(
    st.builds(
        Paper,
        title=TITLES,
        abstract=ABSTRACTS,
        author_count=st.sampled_from([None, 1, 2]),
        date=st.sampled_from([None, "2020", "2020-01", "--01-02"]),
        identifiers=st.sampled_from([(), ("arxiv:1",), ("arxiv:2",), ("doi:3",), ("arxiv:1", "doi:3")]),
        url=st.sampled_from([None, "https://example.org/1", "https://doi.org/3"]),
        venue=st.sampled_from([None, "A", "B"]),
        places=st.sampled_from([(Place("a", 1),), (Place("b", 2),)]),
    ),
    max_size=9,
)


@given(PAPERS, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_order_and_repetition_do_not_matter(papers: list[Paper], shuffler: random.Random) -> None:
    expected = deduplicate(papers)
    shuffled = papers * 2
    shuffler.shuffle(shuffled)
    found = deduplicate(shuffled)
    assert found == expected
    assert [paper.places for paper in found] == [paper.places for paper in expected]


@given(PAPERS)
@settings(max_examples=100, deadline=None)
def test_joining_again_changes_nothing(papers: list[Paper]) -> None:
    joined = deduplicate(papers)
    assert deduplicate(joined) == joined
    assert [paper.id for paper in joined] == sorted(paper.id for paper in joined)
    assert len({ids.title_key(paper.title) for paper in joined}) == len(joined)


@given(PAPERS)
@settings(deadline=None)
def test_nothing_gets_lost(papers: list[Paper]) -> None:
    joined = deduplicate(papers)
    assert {name for paper in joined for name in paper.identifiers} == {
        name for paper in papers for name in paper.identifiers
    }
    assert {place for paper in joined for place in paper.places} == {
        place for paper in papers for place in paper.places
    }
    assert {t for p in joined for t in (p.title, *p.variants)} == {p.title for p in papers}


@given(st.text(max_size=30), st.text(max_size=30))
@settings(deadline=None)
def test_title_similarity_is_symmetric_and_bounded(left: str, right: str) -> None:
    assert title_similarity(left, right) == title_similarity(right, left)
    assert 0.0 <= title_similarity(left, right) <= 1.0
    assert title_similarity(left, left) == 1.0


def test_a_large_block_is_not_compared_pair_by_pair() -> None:
    # One boilerplate abstract and one identifier under thousands of titles: all pairs would take minutes.
    titles = [ids.digest(str(n), length=30) for n in range(1500)]
    papers = [Paper(title, ABSTRACT, identifiers=("doi:10.1/same",)) for title in titles]
    start = time.process_time()
    assert len(deduplicate(papers)) == len(papers)
    assert time.process_time() - start < 20


def test_duplicates_in_a_large_block_are_still_found() -> None:
    digits_to_letters = {48 + digit: 103 + digit for digit in range(10)}
    names = [ids.digest(str(n), length=30).translate(digits_to_letters) for n in range(300)]
    titles = [f"Proceedings of the Workshop on {name}" for name in names]
    papers = [Paper(title, ABSTRACT) for title in titles]
    doubled = [*papers, *(replace(paper, title=paper.title.replace("Proceedings", "Proceeding")) for paper in papers)]
    assert len(deduplicate(doubled)) < len(doubled)
    assert all(paper.variants for paper in deduplicate(doubled))
