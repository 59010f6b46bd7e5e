"""Gold annotations: read them, and score a set of facts against them.

The measure is the project's contract: paper by paper, a predicted item matches a gold item when one of its names
equals one of the gold names after normalisation; recall counts gold items marked "must", precision counts predicted
items that match any gold item, each gold item once.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kg.errors import InputError
from kg.ids import title_key

RELATIONS = ("proposes", "uses", "targets", "compares_to")
TYPES = ("method", "dataset", "hardware", "task")
_TRAILING = [
    "dataset",
    "datasets",
    "benchmark",
    "benchmarks",
    "corpus",
    "corpora",
    "model",
    "models",
    "network",
    "networks",
    "method",
    "methods",
    "algorithm",
    "algorithms",
    "framework",
    "frameworks",
    "architecture",
    "architectures",
    "system",
    "systems",
    "approach",
    "approaches",
    "task",
    "tasks",
    "device",
    "devices",
    "platform",
    "platforms",
    "module",
    "modules",
    "baseline",
    "baselines",
    "suite",
]
_GENERIC = re.compile(rf"\b(?:{'|'.join(_TRAILING)})$")
_MARKUP = re.compile(r"\\(?:textbf|textit|texttt|text|mathrm|emph|cdot)\b|[$\\{}]")
_UNITS = {"percent": "%", "points": "%", "point": "%", "pp": "%", "times": "x", "×": "x", "-fold": "x", "fold": "x"}

Facts = Mapping[str, Any]
"""One paper in the shape of the gold files: relations with items (name, aliases, type), results (value, unit)."""


def matching_name(name: str) -> str:
    """Return the form under which the measure takes two names as equal.

    >>> matching_name("SlowFast networks") == matching_name("Slow-Fast")
    True
    """
    text = _MARKUP.sub("", unicodedata.normalize("NFKC", name)).casefold().strip()
    short = _GENERIC.sub("", text).strip()
    text = short if len(short) > 1 else text
    words = (re.sub(r"(?<=[a-z]{3})s$", "", word) for word in re.split(r"[\s\-_/]+", text))
    return re.sub(r"[^a-z0-9α-ω+*^@]", "", "".join(words)) or text


def matching_value(value: str, unit: str) -> str:
    """Return a number with its unit in the form that the measure compares ("82.70 percent" is "82.7|%")."""
    text = str(value).replace(",", "").replace("–", "-").replace("~", "").replace("×", "").strip().lstrip("+-")
    with suppress(ValueError):
        text = f"{float(text):g}"
    folded = (unit or "").strip().casefold()
    return f"{text}|{_UNITS.get(folded, folded)}"


def item_names(item: Facts) -> frozenset[str]:
    """Return the matching forms of an item's name and aliases."""
    return frozenset(matching_name(n) for n in (item["name"], *item.get("aliases", ()))) - {""}


def read_gold(path: Path) -> dict[str, Facts]:
    """Read a gold file and return its papers by normalised title.

    Raises:
        InputError: a line is not an annotated paper.
    """
    papers: dict[str, Facts] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot read the gold file ({error})") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                record = json.loads(line)
                papers[title_key(record["title"])] = record
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{path}:{number}: not an annotated paper ({error}); see the annotation guide"
                ) from error
    return papers


@dataclass
class Tally:
    """Counts of one measure, with the items that were wrong or missed as (title, item)."""

    hit: int = 0
    predicted: int = 0
    found: int = 0
    must: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)
    missed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.hit / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        return self.found / self.must if self.must else 0.0

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


_Gold = tuple[frozenset[str], bool, str]
_Predicted = tuple[frozenset[str], str]


def compare(tally: Tally, gold: list[_Gold], predicted: list[_Predicted], title: str) -> list[tuple[int, int]]:
    """Match predictions to gold one to one, add to ``tally``, and return pairs (gold index, predicted index)."""
    pairs: list[tuple[int, int]] = []
    used: set[int] = set()
    for j, (names, label) in enumerate(predicted):
        tally.predicted += 1
        options = [i for i, (other, _, _) in enumerate(gold) if i not in used and other & names]
        if options:
            # A demanded item goes before an optional one when a name fits both.
            best = min(options, key=lambda i: not gold[i][1])
            used.add(best)
            tally.hit += 1
            pairs.append((best, j))
        else:
            tally.wrong.append((title, label))
    for i, (_, must, label) in enumerate(gold):
        if must:
            tally.must += 1
            if i in used:
                tally.found += 1
            else:
                tally.missed.append((title, label))
    return pairs


def _merge(items: Iterable[_Gold]) -> list[_Gold]:
    """Join the items of one paper that share a name: the same thing under several relations is one node."""
    merged: list[_Gold] = []
    for names, must, label in items:
        same = [m for m in merged if m[0] & names]
        merged = [m for m in merged if m not in same]
        joined = names.union(*(m[0] for m in same))
        merged.append((joined, must or any(m[1] for m in same), same[0][2] if same else label))
    return merged


def score(gold: Mapping[str, Facts], predicted: Mapping[str, Facts]) -> dict[str, Tally]:
    """Return tallies of nodes, edges, each relation and type, type_of_matched and results."""
    tallies = {k: Tally() for k in ("nodes", "edges", *RELATIONS, *TYPES, "type_of_matched", "results")}
    for key, paper in gold.items():
        facts = predicted.get(key, {})
        title = paper["title"]
        for relation in RELATIONS:
            wanted: list[_Gold] = [(item_names(x), x["need"] == "must", x["name"]) for x in paper.get(relation, ())]
            given: list[_Predicted] = [(item_names(x), x["name"]) for x in facts.get(relation, ())]
            compare(tallies[relation], wanted, given, title)
            pairs = compare(
                tallies["edges"],
                [(n, m, f"{relation}: {label}") for n, m, label in wanted],
                [(n, f"{relation}: {label}") for n, label in given],
                title,
            )
            types = tallies["type_of_matched"]
            for i, j in pairs:
                equal = paper[relation][i]["type"] == facts[relation][j]["type"]
                types.predicted += 1
                types.must += 1
                types.hit += equal
                types.found += equal
        _compare_nodes(tallies, paper, facts, title)
        _compare_results(tallies["results"], paper, facts, title)
    return tallies


def _compare_nodes(tallies: Mapping[str, Tally], paper: Facts, facts: Facts, title: str) -> None:
    def nodes(source: Facts, wanted: Callable[[Facts], bool]) -> list[_Gold]:
        items = [x for r in RELATIONS for x in source.get(r, ()) if wanted(x)]
        return _merge((item_names(x), x.get("need", "must") == "must", x["name"]) for x in items)

    for name in ("nodes", *TYPES):

        def fits(item: Facts, name: str = name) -> bool:
            return name in ("nodes", item["type"])

        compare(tallies[name], nodes(paper, fits), [(n, label) for n, _, label in nodes(facts, fits)], title)


def _compare_results(tally: Tally, paper: Facts, facts: Facts, title: str) -> None:
    wanted: dict[str, _Gold] = {}
    for name, must in (("results", True), ("results_may", False)):
        for x in paper.get(name, ()):
            key = matching_value(x["value"], x.get("unit", ""))
            wanted.setdefault(key, (frozenset({key}), must, x["quote"]))
    given = sorted({matching_value(x["value"], x.get("unit", "")) for x in facts.get("results", ())})
    compare(tally, list(wanted.values()), [(frozenset({x}), x) for x in given], title)
