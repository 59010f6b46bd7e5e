"""Identifiers made from content: equal content gives equal identifiers on every machine and in every run."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote

ONTOLOGY = "https://w3id.org/paper-kg/ontology#"
VOCABULARY = "https://w3id.org/paper-kg/vocab/"
BASE = "https://w3id.org/paper-kg/id/"

_LATEX = re.compile(
    r"\\(?:textbf|textit|texttt|textsc|textsuperscript|textsubscript|text|mathrm|mathbf|mathcal|emph|cdot)\b|[$\\{}]"
)


def digest(*parts: str, length: int = 12) -> str:
    """Return the first ``length`` hexadecimal digits of the SHA-256 of ``parts``.

    Parts are joined with a separator that cannot occur in them, so ``("ab", "c")`` and ``("a", "bc")`` differ.

    >>> digest("ab", "c") == digest("a", "bc")
    False
    """
    joined = "\x1f".join(part.replace("\x1f", " ") for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def title_key(title: str) -> str:
    r"""Return the form under which two titles count as the same: letters and digits only, LaTeX markup removed.

    >>> title_key(r"HyperZ$\cdot$W: A Test") == title_key("HyperZ W - a test")
    True
    """
    text = _LATEX.sub("", unicodedata.normalize("NFKC", title)).casefold()
    return re.sub(r"[\W_]+", "", text)


def slug(name: str, *, limit: int = 60) -> str:
    """Return ``name`` as a readable, lower-case path segment of ASCII letters, digits and hyphens (may be empty).

    >>> slug("NVIDIA A100 (80 GB)")
    'nvidia-a100-80-gb'
    """
    text = unicodedata.normalize("NFKD", _LATEX.sub("", name)).encode("ascii", "ignore").decode().casefold()
    text = re.sub(r"[^a-z0-9+]+", "-", text.replace("+", "plus")).strip("-")
    return text[:limit].rstrip("-")


@lru_cache(maxsize=65_536)
def paper_id(title: str) -> str:
    """Return the id of the paper with this title, for instance ``paper/deep-residual-learning-1f0c2a9b``.

    The title alone decides, not an identifier of a catalogue: those are not always unique in real dumps.
    """
    key = title_key(title) or title
    return f"paper/{slug(title, limit=48) or 'untitled'}-{digest(key, length=8)}"


def entity_id(kind: str, key: str, label: str, *, alone: bool = True, readable: str | None = None) -> str:
    """Return the id of an entity, for instance ``method/resnet-50``.

    ``key`` is the normalised name that tells entities of one kind apart. It enters as a hash where the readable part
    would not tell them apart: when another entity reads the same (``alone`` is false: homonyms, ``C`` and ``C#``), and
    for a name without Latin letters or cut at its limit. ``readable`` is the slug of the label where it is known.

    >>> entity_id("method", "resnet50", "ResNet-50")
    'method/resnet-50'
    """
    readable = slug(label) if readable is None else readable
    if readable and alone and len(readable) < 60:
        return f"{kind}/{readable}"
    return f"{kind}/{readable or 'x'}-{digest(kind, key, length=6)}"


def claim_id(subject: str, relation: str, object_: str) -> str:
    """Return the id of a claim; evidence is left out so that the same claim of two papers is one claim."""
    return f"claim/{digest(subject, relation, object_, length=16)}"


def evidence_id(paper: str, section: str, start: int, end: int) -> str:
    """Return the id of a place in a paper: one piece of evidence may support several claims."""
    return f"evidence/{digest(paper, section, str(start), str(end), length=16)}"


def result_id(paper: str, section: str, start: int, value_text: str, metric: str, method: str) -> str:
    """Return the id of a numeric result."""
    return f"result/{digest(paper, section, str(start), value_text, metric, method, length=16)}"


@lru_cache(maxsize=65_536)
def iri(identifier: str, base: str = BASE) -> str:
    """Return the IRI of an id under ``base``.

    >>> iri("method/resnet-50")
    'https://w3id.org/paper-kg/id/method/resnet-50'
    """
    return base + quote(identifier, safe="/-._~")
