"""The span tagger at run time: title and abstract in, scored spans out, by onnxruntime.

A model is a folder of ``tagger.onnx`` (the network, 8-bit), ``tokenizer.json`` (word pieces) and ``tagger.json``
(labels, thresholds, how it was trained).  :mod:`kg.train` makes it.  Papers go through one at a time, because 8-bit
activations are scaled by all that is in the input: so a paper's scores depend on that paper alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kg.errors import InputError
from kg.extract.spans import Section, Window, Word, candidate_spans, glued_to_previous, paper_words, windows

FORMAT = 1
FLOOR = 0.05
_SURROGATE = re.compile("[\ud800-\udfff]")

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SpanScore:
    """What the tagger thinks of one span of one paper; all scores are probabilities, 0..1.

    ``start`` and ``end`` are code-point offsets into the section, so that ``section_text[start:end] == text``.
    ``entity``: the span is the name of something; ``types`` and ``roles``: it is one, and of this type, in this role
    (several roles may hold at once).  The role ``main`` says that a careful reader would not leave it out.
    """

    section: Section
    start: int
    end: int
    text: str
    entity: float
    types: Mapping[str, float] = field(hash=False)
    roles: Mapping[str, float] = field(hash=False)

    @property
    def type(self) -> str:
        """The most probable type."""
        return max(self.types, key=lambda t: self.types[t])


class SpanTagger:
    """Scores the spans of a paper with a trained model; safe to share between threads.

    Make one with :meth:`load`.  The network runs on one thread: use processes for more.
    """

    def __init__(self, session: Any, tokenizer: Any, meta: Mapping[str, Any], fingerprint: str) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self.meta = meta
        self.fingerprint = fingerprint
        self.types: tuple[str, ...] = tuple(meta["types"])
        self.roles: tuple[str, ...] = tuple(meta["roles"])
        self._special = {name: int(tokenizer.token_to_id(f"[{name.upper()}]")) for name in ("cls", "sep", "unk")}

    @classmethod
    def load(cls, directory: Path) -> SpanTagger:
        """Load the model in ``directory``.

        Raises:
            InputError: a file is missing, is not what it should be, or was made for another version of this program.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        for name in ("tagger.json", "tokenizer.json", "tagger.onnx"):
            if not (directory / name).is_file():
                raise InputError(f"{directory / name}: no such file; give a folder made by `kg train`")
        try:
            meta = json.loads((directory / "tagger.json").read_text(encoding="utf8"))
            version = meta["format"]
        except (ValueError, KeyError, TypeError) as e:
            raise InputError(
                f"{directory / 'tagger.json'}: not the description of a model; run `kg train` again"
            ) from e
        if version != FORMAT:
            raise InputError(
                f"{directory / 'tagger.json'}: model format {version}, need {FORMAT}; run `kg train` again"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                str(directory / "tagger.onnx"), options, providers=["CPUExecutionProvider"]
            )
            tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        except Exception as e:  # both libraries raise bare or private classes for a damaged file
            reason = (str(e).splitlines() or [type(e).__name__])[0]
            raise InputError(f"{directory}: the model cannot be read ({reason}); run `kg train` again") from e
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return cls(session, tokenizer, meta, _digest(directory))

    def tag(self, title: str, abstract: str, *, floor: float = FLOOR) -> tuple[SpanScore, ...]:
        """Return the spans whose ``entity`` score is at least ``floor``, title first, in the order of the text.

        Text of any length and content is taken; long text is read in overlapping windows.
        """
        words = paper_words(title, abstract)
        if not words:
            return ()
        texts: dict[Section, str] = {"title": title, "abstract": abstract}
        best: dict[tuple[int, int], tuple[int, Floats]] = {}
        for window in self._windows(words):
            spans, scores = self._score(words, window)
            low, high = int(window.words[0]), int(window.words[-1])
            for (i, j), row in zip(spans, scores, strict=True):
                if row[0] < floor:
                    continue
                # Of two windows believe the one in which the span has more text on its nearer side.
                margin = min(i - low, high - j)
                if (i, j) not in best or best[i, j][0] < margin:
                    best[i, j] = (margin, row)
        out = []
        for (i, j), (_, row) in sorted(best.items()):
            section, start, end = words[i].section, words[i].start, words[j].end
            values = [round(float(v), 5) for v in row]
            types = dict(zip(self.types, values[1:], strict=False))
            roles = dict(zip(self.roles, values[1 + len(self.types) :], strict=False))
            text = texts[section][start:end]
            out.append(SpanScore(section, start, end, text, values[0], types, roles))
        return tuple(out)

    def _windows(self, words: Sequence[Word]) -> list[Window]:
        clean = [_SURROGATE.sub("\ufffd", w.text) for w in words]
        pieces = self._tokenizer.encode(clean, is_pretokenized=True, add_special_tokens=False)
        return windows(words, pieces, glued=glued_to_previous(words), **self._special)

    def _score(self, words: Sequence[Word], window: Window) -> tuple[list[tuple[int, int]], Floats]:
        """Return the candidate spans of a window, as indices into ``words``, and their probabilities."""
        inside = [words[k] for k in window.words]
        local = list(candidate_spans(inside))
        if not local:
            return [], np.zeros((0, 1), dtype=np.float32)
        starts, ends = (np.array(side, dtype=np.int64) for side in zip(*local, strict=True))
        feeds = {
            "input_ids": window.input_ids,
            "token_type_ids": window.token_type_ids,
            "shape_ids": window.shape_ids,
            "starts": window.first[starts],
            "ends": window.last[ends],
            "sizes": ends - starts + 1,
        }
        (logits,) = self._session.run(["logits"], feeds)
        scores: Floats = 1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0)))
        return [(int(window.words[i]), int(window.words[j])) for i, j in local], scores


def _digest(directory: Path) -> str:
    """Return a hash of what decides the scores of a model folder."""
    digest = hashlib.sha256()
    for name in ("tagger.onnx", "tokenizer.json"):
        digest.update((directory / name).read_bytes())
    return digest.hexdigest()[:16]
