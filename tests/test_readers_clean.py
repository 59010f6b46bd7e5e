"""Cleaning of text and reading of single fields."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.readers.clean import clean_abstract, clean_text, clean_title, decode_accents, strip_braces, strip_markup
from kg.readers.fields import arxiv_id, doi, names, prefixed, turned, xsd_date

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=80)


@given(ANY_TEXT)
@settings(deadline=None)
def test_clean_text_is_idempotent_and_can_be_written_to_any_file(text: str) -> None:
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    cleaned.encode("utf-8")
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in "\ufffe\uffff" for char in cleaned)
    assert cleaned == " ".join(cleaned.split())


@given(ANY_TEXT)
@settings(deadline=None)
def test_cleaning_of_titles_and_abstracts_never_fails(text: str) -> None:
    for cleaned in (clean_title(text), clean_abstract(text), clean_text(decode_accents(strip_braces(text)))):
        assert clean_text(cleaned) == cleaned


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("a\u2028b\u2029c\u00a0d\x00e\x0bf", "a b c d e f"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("cafe\u0301", "café"),
        ("soft\u00adhyphen, zero\u200bwidth, \ufeffmark", "softhyphen, zerowidth, mark"),
        ("\u202eevil\u202c name", "evil name"),
        ("👩\u200d🔬 stays", "👩\u200d🔬 stays"),
        (r"$\times$ \textbf{stays}", r"$\times$ \textbf{stays}"),
    ],
)
def test_clean_text(given_text: str, expected: str) -> None:
    assert clean_text(given_text) == expected


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("<jats:p>One.</jats:p><jats:p>Two.</jats:p>", "One. Two."),
        ("&lt;jats:p&gt;Escaped twice &amp;amp; sound&lt;/jats:p&gt;", "Escaped twice &amp; sound"),
        ("H<sub>2</sub>O and <i class='x'>in vivo</i>", "H2O and in vivo"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("the <mask> and <s> tokens", "the <mask> and <s> tokens"),
        ("a <b and c> d, 1 < 2 > 0", "a <b and c> d, 1 < 2 > 0"),
        ("x &times; y &#215; z &nosuch; &copy=1", "x × y × z &nosuch; &copy=1"),
        ("<jats:title>Abstract</jats:title>We prune.", "We prune."),
        ("ABSTRACT We prune.", "We prune."),
        ("Abstract. We prune.", "We prune."),
        ("Abstract Meaning Representation is a graph.", "Abstract Meaning Representation is a graph."),
        ("Abstracts are read.", "Abstracts are read."),
    ],
)
def test_clean_abstract(given_text: str, expected: str) -> None:
    assert clean_abstract(given_text) == expected


def test_markup_that_never_ends_takes_no_time() -> None:
    assert strip_markup("<i" * 50_000) == "<i" * 50_000
    assert strip_markup("<p a='" * 20_000).startswith("<p")
    assert len(strip_markup("&lt;" * 50_000)) == 50_000


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        (r"G{\"o}del", "Gödel"),
        (r"{\'E}cole \c{c}a {\v S}koda \'{\i}ndice", "École ça Škoda índice"),
        (r"Stra{\ss}e, {\O}rsted, \AA ngstr\"om, \L{}ukasz", "Straße, Ørsted, Ångström, Łukasz"),
        (r"\textbf{x} \alpha \cdot \vec{v} \beta", r"\textbf{x} \alpha \cdot \vec{v} \beta"),
        ("no backslash", "no backslash"),
    ],
)
def test_decode_accents(given_text: str, expected: str) -> None:
    assert decode_accents(given_text) == expected


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("{BERT} {{N}ested}", "BERT Nested"),
        (r"$x^{2}$ \emph{a {b} c} \frac{a}{b} \{x\}", r"$x^{2}$ \emph{a {b} c} \frac{a}{b} \{x\}"),
        ("un{balanced", "unbalanced"),
        ("un}balanced", "unbalanced"),
    ],
)
def test_strip_braces(given_text: str, expected: str) -> None:
    assert strip_braces(given_text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-11-12", "2024-11-12"),
        ("2024-11-12T18:59:45.000Z", "2024-11-12"),
        ("Tue, 12 Nov 2024 18:59:45 GMT", "2024-11-12"),
        ("2024/11/12/", "2024-11-12"),
        ("20241112", "2024-11-12"),
        ("2024-02-30", None),
        ("2024-13-01", "2024"),
        ("2024-00-00", "2024"),
        ("2001///", "2001"),
        ("12/11/2024", "2024"),
        ("Nov 12, 2024", "2024-11-12"),
        ("Sept. 3rd, 2021", "2021-09-03"),
        ("November 2024", "2024-11"),
        ("Feb 29", "--02-29"),
        ("Feb 30", None),
        ("November", None),
        ("in press", None),
        ("", None),
        (2024, "2024"),
        (2024.0, "2024"),
        (True, None),
        (None, None),
        (["2024"], None),
        ("0000", None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_xsd_date(value: object, expected: str | None) -> None:
    assert xsd_date(value) == expected


def test_a_year_of_the_page_is_no_year_of_a_date_that_has_one() -> None:
    assert xsd_date("Nov 12", page_year=2023) == "2023-11-12"
    assert xsd_date("Nov 12, 2021", page_year=2023) == "2021-11-12"
    assert xsd_date("Feb 29", page_year=2023) == "--02-29"


@given(st.one_of(ANY_TEXT, st.integers(), st.floats(), st.none()), st.integers(1900, 2999))
@settings(deadline=None)
def test_dates_are_lexical_xsd_or_none(value: object, year: int) -> None:
    for date in (xsd_date(value), xsd_date(value, page_year=year)):
        assert date is None or re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?|--\d\d-\d\d", date)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1512.03385v2", "arxiv:1512.03385"),
        ("arXiv:1512.03385", "arxiv:1512.03385"),
        ("https://arxiv.org/pdf/1512.03385v1.pdf", "arxiv:1512.03385"),
        ("https://huggingface.co/papers/2411.07279", "arxiv:2411.07279"),
        ("arXiv preprint arXiv:1905.11946", "arxiv:1905.11946"),
        ("hep-th/9901001", "arxiv:hep-th/9901001"),
        ("10.1109/5.771073", None),
        ("W2194775991", None),
        (1512.03385, None),
    ],
)
def test_arxiv_id(value: object, expected: str | None) -> None:
    assert arxiv_id(value) == expected


def test_other_identifiers() -> None:
    assert doi("doi:10.1000/ABC(1).") == "doi:10.1000/abc(1"
    assert doi("no") is None
    assert doi(7) is None
    assert prefixed("pmid", 12) == "pmid:12"
    assert prefixed("pmid", " ") is None
    assert prefixed("pmid", True) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Lovelace, Ada; Turing, Alan", ("Ada Lovelace", "Alan Turing")),
        ("Lovelace, Ada and Turing, Alan", ("Ada Lovelace", "Alan Turing")),
        ("Ada Lovelace", ("Ada Lovelace",)),
        ("Lovelace, Ada", ("Ada Lovelace",)),
        ([{"name": "Ada"}, {"family": "Turing"}, 7, None, " "], ("Ada", "Turing")),
        ({"name": "x"}, ()),
        (None, ()),
        ("", ()),
    ],
)
def test_names(value: object, expected: tuple[str, ...]) -> None:
    assert names(value) == expected


def test_turned_names() -> None:
    assert turned("King, Jr., Martin Luther") == "Martin Luther King Jr."
    assert turned("The Team,") == "The Team"
