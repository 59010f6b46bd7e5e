"""The measures of coreference against examples worked by hand, and the floor on real papers."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from kg.vocabulary import default_gazetteer
from tests.paths import ROOT


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_resolution", ROOT / "benchmarks" / "resolution.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


benchmark = _load()


def clusters(*members: str) -> list[frozenset[str]]:
    return [frozenset(m) for m in members]


# The running example of S. Pradhan et al., "Scoring coreference partitions of predicted mentions", ACL 2014: mentions
# c and d are joined wrongly, e is missed, h and i are spurious.
PRADHAN = (clusters("abc", "defg"), clusters("ab", "cd", "fghi"))
# Figure of X. Luo 2005: response (a) joins the second and third of three entities.
LUO = (clusters("12345", "67", "89ABC"), clusters("12345", "6789ABC"))


@pytest.mark.parametrize(
    ("metric", "example", "precision", "recall"),
    [
        # Links: gold has 2 + 3, of which a-b and f-g are found; found has 1 + 1 + 3, of which a-b and f-g are right.
        ("MUC", PRADHAN, 2 / 5, 2 / 5),
        # By mention: gold a, b 2/3, c 1/3, d 1/4, e 0, f, g 2/4; found a, b 1, c, d 1/2, f, g 2/4, h, i 0.
        ("B3", PRADHAN, 4 / 8, (5 / 3 + 5 / 4) / 7),
        # Best alignment: abc-ab with 2*2/5, defg-fghi with 2*2/8.
        ("CEAF-e", PRADHAN, (0.8 + 0.5) / 3, (0.8 + 0.5) / 2),
        ("MUC", LUO, 9 / 10, 1.0),
        ("B3", LUO, (5 + 2 * 2 / 7 + 5 * 5 / 7) / 12, 1.0),
        ("CEAF-e", LUO, (1 + 2 * 5 / 12) / 2, (1 + 2 * 5 / 12) / 3),
    ],
)
def test_worked_examples(metric: str, example: tuple[object, object], precision: float, recall: float) -> None:
    score = benchmark.METRICS[metric](*example)
    assert score.precision == pytest.approx(precision)
    assert score.recall == pytest.approx(recall)


def test_published_figures_of_the_worked_example() -> None:
    scores = [metric(*PRADHAN) for metric in benchmark.METRICS.values()]
    assert [round(s.f1, 2) for s in scores] == [0.40, 0.45, 0.52]
    assert benchmark.conll(scores) == pytest.approx(sum(s.f1 for s in scores) / 3)


@pytest.mark.parametrize("metric", ["MUC", "B3", "CEAF-e"])
def test_perfect_and_empty(metric: str) -> None:
    same = benchmark.METRICS[metric](LUO[0], LUO[0])
    assert same.precision == same.recall == same.f1 == 1.0
    assert benchmark.METRICS[metric](LUO[0], []).f1 == 0.0
    doubled = same + same
    assert doubled.f1 == 1.0


def test_words_become_text_with_their_places() -> None:
    words = ["A", "state", "-", "of", "-", "the", "-", "art", "net", "(", "SN", ")", "."]
    text, places = benchmark.detokenise(words)
    assert text == "A state-of-the-art net (SN)."
    assert [text[a:b] for a, b in places] == words


def test_absent_data_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--scirex", str(tmp_path / "none.jsonl.gz")]) == 0
    assert "is absent" in capsys.readouterr().err


@pytest.mark.slow
def test_names_beat_strings_on_real_papers(shared: Path) -> None:
    path = shared / "benchmarks" / "scirex" / "dev.jsonl.gz"
    if not path.is_file():
        pytest.skip("the SciREX papers are not in ../shared/benchmarks")
    documents = list(benchmark.read_scirex(path))
    ours = benchmark.measure(documents, benchmark.by_name(default_gazetteer()), salient=True)
    plain = benchmark.measure(documents, benchmark.lower_case, salient=True)
    assert ours["B3"].f1 >= 0.83
    assert ours["B3"].precision >= 0.98
    assert benchmark.conll(ours.values()) >= benchmark.conll(plain.values()) + 0.06
