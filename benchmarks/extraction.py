"""How well the extractor and its tagger do on public benchmarks, beside published figures.

    python benchmarks/extraction.py [--data ../shared] [--skip gold] [--scier-model DIR | --train-scier DIR]

Prints one Markdown table. A benchmark whose data or model is absent is left out with a reason on stderr.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Threads of linear algebra that wait for each other are slower than one where other programs run.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from kg.errors import InputError
from kg.extract.pipeline import shipped
from kg.extract.tagger import SpanScore, SpanTagger

ROOT = Path(__file__).resolve().parents[1]
SCIREX_TYPES = {"Method": "method", "Material": "dataset", "Task": "task"}
TDMSCI_TYPES = {"TASK": "task", "DATASET": "dataset"}
TUNING_DOCUMENTS = 10
FIFTH = 5
GRID = (*(round(0.1 + 0.05 * k, 2) for k in range(18)), 0.97, 0.98, 0.99)

GOLD = "gold dev pages, roles cross-validated by paper"
SCIER = "SciER dev"
SCIER_PAPER = "Q. Zhang et al., SciER, EMNLP 2024 (arXiv:2410.21155), in-distribution test set"
PUBLISHED = {
    "nodes": ("0.96", "two people who annotate independently (the project's own gold pages)"),
    "edges": ("0.94", "as above"),
    "scier mention": ("0.869; LLM, few examples in the prompt: 0.714", SCIER_PAPER),
    "scier rel+": ("0.611; LLM, few examples in the prompt: 0.412", SCIER_PAPER),
}
"""Published figure and its source, by measure."""

Span = tuple[int, int, str]
"""Offsets of the first character and behind the last one, and the type."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; ``published`` and ``source`` say what others reached, by which paper."""

    benchmark: str
    system: str
    measure: str
    ours: str
    published: str = "–"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its annotated spans."""

    text: str
    spans: frozenset[Span]


@dataclass(slots=True)
class Tally:
    """Predicted and gold spans, and how many of each are matched."""

    predicted: int = 0
    gold: int = 0
    right: int = 0
    recalled: int = 0

    def add(self, predicted: Iterable[Span], gold: Iterable[Span], match: Callable[[Span, Span], bool]) -> None:
        """Add the spans of a text."""
        ours, theirs = set(predicted), set(gold)
        self.predicted += len(ours)
        self.gold += len(theirs)
        self.right += sum(any(match(a, b) for b in theirs) for a in ours)
        self.recalled += sum(any(match(a, b) for a in ours) for b in theirs)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0..1."""
        precision = self.right / self.predicted if self.predicted else 0.0
        recall = self.recalled / self.gold if self.gold else 0.0
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    def __str__(self) -> str:
        precision = self.right / self.predicted if self.predicted else 0.0
        recall = self.recalled / self.gold if self.gold else 0.0
        return f"{self.f1:.3f} (P {precision:.3f}, R {recall:.3f})"


def exact(a: Span, b: Span) -> bool:
    """Tell whether two spans have the same bounds and type."""
    return a == b


def overlap(a: Span, b: Span) -> bool:
    """Tell whether two spans of the same type share a character."""
    return a[2] == b[2] and a[0] < b[1] and b[0] < a[1]


def join_tokens(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Write tokens as text, without the spaces that tokenisers put around marks, and return the tokens' offsets.

    >>> join_tokens(["a", "state", "-", "of", "-", "the", "-", "art", "model", "(", "CNN", ")", "."])[0]
    'a state-of-the-art model (CNN).'
    """
    text, places = "", []
    for k, token in enumerate(tokens):
        before = tokens[k - 1] if k else ""
        if text and token[:1] not in "-/.,;:)]%'" and before not in ("-", "/", "(", "["):
            text += " "
        places.append((len(text), len(text) + len(token)))
        text += token
    return text, places


def read_scirex(path: Path, types: Mapping[str, str] = SCIREX_TYPES) -> Iterator[list[Text]]:
    """Yield the sections of each document of a SciREX file; mentions are found by token offsets."""
    with gzip.open(path, "rt", encoding="utf8") as lines:
        for line in lines:
            document = json.loads(line)
            sections = []
            for start, end in document["sections"]:
                text, places = join_tokens(document["words"][start:end])
                spans = frozenset(
                    (places[a - start][0], places[b - 1 - start][1], types[kind])
                    for a, b, kind in document["ner"]
                    if kind in types and start <= a < b <= end
                )
                sections.append(Text(text, spans))
            yield sections


def read_tdmsci(path: Path, types: Mapping[str, str] = TDMSCI_TYPES) -> Iterator[Text]:
    """Yield the sentences of a TDMSci file: a token, its offset in the paper and its BIO tag a line."""
    tokens: list[tuple[str, int, str]] = []
    with gzip.open(path, "rt", encoding="utf8") as lines:
        for line in [*lines, ""]:
            parts = line.rstrip("\n").split("\t")
            if len(parts) >= 3:
                tokens.append((parts[0], int(parts[1]), parts[2]))
            elif tokens:
                yield _sentence(tokens, types)
                tokens = []


def _sentence(tokens: Sequence[tuple[str, int, str]], types: Mapping[str, str]) -> Text:
    text, spans = "", []
    begun: tuple[int, str] | None = None
    end = 0
    for token, offset, tag in tokens:
        if begun and tag != f"I-{begun[1]}":
            spans.append((begun[0], end, begun[1]))
            begun = None
        # Offsets restore the spacing; where they jump (a figure was cut out) one space is enough.
        text += " " if text and offset - tokens[0][1] != len(text) else ""
        if tag != "O" and not begun:
            begun = (len(text), tag[2:])
        text += token
        end = len(text)
    if begun:
        spans.append((begun[0], end, begun[1]))
    return Text(text, frozenset((a, b, types[kind]) for a, b, kind in spans if kind in types))


def held_out(text: str) -> bool:
    """Tell whether a sentence belongs to the fifth that is measured; it depends on the sentence alone."""
    return hashlib.sha256(text.encode()).digest()[0] % FIFTH == 0


def choose(scored: Iterable[SpanScore], threshold: float, types: Iterable[str]) -> list[Span]:
    """Return the spans of the wanted types from the most certain down that overlap no more certain one."""
    wanted, kept = set(types), list[Span]()
    for s in sorted(scored, key=lambda s: (-s.entity, s.start, s.end)):
        if s.entity < threshold:
            break
        if all(s.end <= a or b <= s.start for a, b, _ in kept):
            kept.append((s.start, s.end, s.type))
    return [k for k in kept if k[2] in wanted]


@dataclass(slots=True)
class Scored:
    """Texts with the tagger's spans."""

    texts: list[Text] = field(default_factory=list)
    spans: list[list[SpanScore]] = field(default_factory=list)

    def tag(self, tagger: SpanTagger, text: Text) -> None:
        """Read a text, which stands alone, as an abstract without a title."""
        self.texts.append(text)
        self.spans.append([s for s in tagger.tag("", text.text, floor=GRID[0]) if s.entity >= GRID[0]])

    def tally(self, threshold: float, types: Iterable[str], match: Callable[[Span, Span], bool]) -> Tally:
        """Compare with the annotation."""
        out = Tally()
        for text, spans in zip(self.texts, self.spans, strict=True):
            out.add(choose(spans, threshold, types), text.spans, match)
        return out

    def best_threshold(self, types: Iterable[str]) -> float:
        """Return the threshold of :data:`GRID` with the highest exact F1."""
        kinds = tuple(types)
        return max(GRID, key=lambda t: self.tally(t, kinds, exact).f1)


def mention_rows(name: str, train: Scored, test: Scored, types: Mapping[str, str]) -> list[Row]:
    """Measure the tagger; only the threshold comes from ``train``."""
    kinds = sorted(set(types.values()))
    threshold = train.best_threshold(kinds)
    system = f"shipped tagger, zero-shot, threshold {threshold} from train"
    rows = [
        Row(
            name,
            system,
            f"mention F1, {label}",
            str(test.tally(threshold, kinds, match)),
        )
        for label, match in (("exact span and type", exact), ("overlap and type", overlap))
    ]
    for kind in kinds:
        only = Scored([Text(t.text, frozenset(s for s in t.spans if s[2] == kind)) for t in test.texts], test.spans)
        rows.append(Row(name, system, f"{kind}, exact", str(only.tally(threshold, [kind], exact))))
    return rows


def need(*paths: Path) -> None:
    """Raise :class:`InputError` for the first path that is not there."""
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} is not there; give the folder that has benchmarks/ and gold/ with --data")


def gold(options: argparse.Namespace) -> list[Row]:
    """Cross-validate the role model over taggers that have not seen these pages."""
    need(options.data / "gold" / "dev.jsonl", options.data / "gold" / "train.jsonl", options.data / "seeds")
    from kg.train import roles
    from kg.train.run import role_examples

    examples, dev = role_examples(options.data, shipped("default"))
    _, figures = roles.train_roles(examples, range(dev), report=note)
    rows = []
    for name in ("nodes", "edges", "proposes", "uses", "targets", "compares_to", "type_of_matched"):
        precision, recall, f1 = figures.measures[name]
        ours = f"{f1:.3f} (P {precision:.3f}, R {recall:.3f})"
        if name in figures.nested:
            ours += f"; thresholds from the other half: {figures.nested[name]:.3f}"
        rows.append(Row(GOLD, f"shipped models, {dev} pages", f"{name} F1", ours, *PUBLISHED.get(name, ())))
    return rows


def scirex(options: argparse.Namespace) -> list[Row]:
    """Measure the shipped tagger on the mentions of SciREX dev."""
    folder = options.data / "benchmarks" / "scirex"
    need(folder / "train.jsonl.gz", folder / "dev.jsonl.gz")
    tagger, train, test = SpanTagger.load(shipped("default")), Scored(), Scored()
    for scored, name, limit in ((train, "train", TUNING_DOCUMENTS), (test, "dev", options.limit)):
        for number, sections in enumerate(read_scirex(folder / f"{name}.jsonl.gz")):
            if number == limit:
                break
            for section in sections:
                scored.tag(tagger, section)
            note(f"SciREX {name}: document {number + 1}")
    return mention_rows("SciREX dev", train, test, SCIREX_TYPES)


def tdmsci(options: argparse.Namespace) -> list[Row]:
    """Measure the shipped tagger on a fixed fifth of the TDMSci sentences."""
    need(path := options.data / "benchmarks" / "tdmsci" / "train.conll.gz")
    tagger, train, test = SpanTagger.load(shipped("default")), Scored(), Scored()
    for number, text in enumerate(read_tdmsci(path)):
        if number == options.limit:
            break
        (test if held_out(text.text) else train).tag(tagger, text)
    return mention_rows("TDMSci, held-out fifth of train", train, test, TDMSCI_TYPES)


def scier(options: argparse.Namespace) -> list[Row]:
    """Measure a model trained on SciER train for this purpose only; train it first if asked to."""
    folder = options.data / "benchmarks" / "scier"
    need(folder / "train.jsonl.gz", folder / "dev-spans.jsonl.gz")
    directory = options.train_scier or options.scier_model
    if directory is None:
        raise InputError("no SciER model: give --scier-model DIR, or --train-scier DIR to make one (half an hour)")
    try:
        from kg.train import scier as model
        from kg.train import scier_data, scier_decode
    except ImportError as e:
        raise InputError(f"torch is not installed ({e}); install the extra [train]") from e
    if options.train_scier:
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        model.train_scier(folder, directory, start=options.scier_start, epochs=options.epochs)
    need(directory / "model.pt", directory / "tokenizer.json")
    network, tokenizer = model.restore(directory / "model.pt"), model.load_tokenizer(directory)
    train = scier_data.read_strings(folder / "train.jsonl.gz")
    _, held = model.split_documents(train, model.HELD_OUT_DOCUMENTS, model.SEED)
    thresholds, _ = scier_decode.tune(network, list(model.chunks(held, tokenizer)))
    note(f"SciER: {thresholds}, chosen on {len(held)} documents of train")
    dev = list(model.chunks(scier_data.read_spans(folder / "dev-spans.jsonl.gz"), tokenizer))
    found = [f for chunk in scier_decode.find(network, dev, thresholds) for f in chunk]
    measures = scier_decode.measure([s for chunk in dev for s in chunk.sentences], found)

    def row(name: str, counts: Any, published: str = "") -> Row:
        ours = f"{counts.f1:.3f} (P {counts.precision:.3f}, R {counts.recall:.3f})"
        return Row(SCIER, "span network, trained on SciER train only here", name, ours, *PUBLISHED.get(published, ()))

    return [
        row("mention F1, exact span and type", measures.mention, "scier mention"),
        *(row(f"{kind}, exact", counts) for kind, counts in measures.by_type.items()),
        row("Rel F1, exact spans and relation", measures.relation),
        row("Rel+ F1, exact spans, types and relation", measures.relation_typed, "scier rel+"),
        *(row(f"{label}, Rel+", counts) for label, counts in measures.by_label.items() if options.details),
    ]


BENCHMARKS: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
    "gold": gold,
    "scirex": scirex,
    "tdmsci": tdmsci,
    "scier": scier,
}


def note(message: str) -> None:
    """Write a line to stderr."""
    print(message, file=sys.stderr, flush=True)


def table(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table."""
    head = ("benchmark", "system", "measure", "ours", "published", "source")
    cells = [head, ("---",) * len(head)]
    cells += [(r.benchmark, r.system, r.measure, r.ours, r.published, r.source) for r in rows]
    return "\n".join("| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in cells)


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared", help="folder of benchmarks/ and gold/")
    parser.add_argument("--skip", action="append", default=[], choices=sorted(BENCHMARKS), help="may be repeated")
    model = parser.add_mutually_exclusive_group()
    model.add_argument("--scier-model", type=Path, metavar="DIR", help="folder that --train-scier made")
    model.add_argument("--train-scier", type=Path, metavar="DIR", help="train the SciER model into this folder first")
    parser.add_argument("--scier-start", type=Path, metavar="FILE", help="checkpoint of `kg train` to start from")
    parser.add_argument("--epochs", type=int, default=6, help="of the SciER model (default 6)")
    parser.add_argument("--details", action="store_true", help="one line for each SciER relation too")
    parser.add_argument("--limit", type=int, default=-1, help="read only so many SciREX documents, TDMSci sentences")
    return parser


def main() -> int:
    """Print the table; the exit code is 1 if no benchmark could run."""
    options = arguments().parse_args()
    rows: list[Row] = []
    for name, run in BENCHMARKS.items():
        if name in options.skip:
            note(f"{name}: skipped as asked")
            continue
        try:
            rows += run(options)
        except InputError as e:
            note(f"{name}: skipped: {e}")
    print(table(rows))
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main())
