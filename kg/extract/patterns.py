"""Naming patterns: places where the form of the text alone says that a name stands there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from kg.model import EntityType
from kg.text import Span

_TITLE_NAME = re.compile(r"^\s*([^:?!]{2,60}?)\s*(?:(?::|--|—)\s+\S|\sTechnical\sReport\s*$)", re.IGNORECASE)
# Mixed case (SlowFast, iPhone), all capitals with two letters or more (COCO), letters with digits (YOLOv3, A100).
_NAME = re.compile(
    r"(?<![\w\\{-])(?:"
    r"[A-Z][a-z0-9]+(?:[A-Z][\w]*)+(?:[-/.+][\w+]+)*"  # SlowFast, MobileNetV2, DeepLab-v3+
    r"|[a-z]+[A-Z][\w]*(?:-[\w+]+)*"  # iCaRL, nnU-Net
    r"|[A-Z]{2,}[\w]*(?:[-/.+][\w+]+)*\+{0,2}"  # COCO, BERT-base, GPT-3.5, PASCAL-VOC
    r"|[A-Z][\w]*(?:-[\w]+)*-(?:[A-Z0-9][\w.]*)(?:[-/][\w.+]+)*"  # Swin-T, U-Net, Cortex-M4
    r"|[A-Z][a-z]*\d[\w.]*(?:-[\w.]+)*"  # A100, Llama3-8B
    r")(?![\w])"
)
# Words are taken whole (possessive): else their hyphens can be cut in exponentially many ways.
_DATASET = re.compile(
    r"\b((?:[A-Z0-9][\w.+-]*+)(?:[ /-](?:[A-Z0-9][\w.+-]*+|of|in))*?)"
    r"\s+(?:data ?sets?|benchmarks?|corpus|corpora|suite)\b"
)
_TOKEN_NOT_NAME = re.compile(
    r"^(?:[IVX]+|[A-Z]|\d.*|Fig\w*|Sec\w*|Eq\w*|URL|PDF|SOTA|SoTA|AI|ML|DL"
    r"|CVPR|ICLR|NeurIPS|ICML|ECCV|ICCV|AAAI|ACL|EMNLP)$"
)


@dataclass(frozen=True, slots=True)
class Named:
    """A span that a naming pattern marks, with the pattern's name and the type it suggests, if any."""

    start: int
    end: int
    pattern: str
    type: EntityType | None = None


@lru_cache(maxsize=64)
def title_name(title: str) -> Span | None:
    """Return the span of ``X`` in a title ``X: a longer description`` or ``X Technical Report``.

    >>> title_name("FlashRNN: Optimizing RNNs")
    (0, 8)
    """
    match = _TITLE_NAME.match(title)
    if not match or len(match.group(1).split()) > 5:
        return None
    return match.start(1), match.end(1)


def named_spans(text: str, section: str) -> tuple[Named, ...]:
    """Return spans of ``text`` that look like names; spans of different patterns may overlap."""
    found: list[Named] = []
    if section == "title" and (span := title_name(text)):
        found.append(Named(*span, "title"))
    for match in _DATASET.finditer(text):
        if not _TOKEN_NOT_NAME.match(match.group(1)) and len(match.group(1).split()) <= 6:
            found.append(Named(match.start(1), match.end(1), "dataset", EntityType.DATASET))
    for match in _NAME.finditer(text):
        surface = match.group().rstrip("-/.")
        end = match.start() + len(surface)
        if len(surface) > 1 and not _TOKEN_NOT_NAME.match(surface):
            found.append(Named(match.start(), end, "shape"))
    return tuple(found)
