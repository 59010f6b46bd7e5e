"""Data files of the project, found in an installed wheel and in a checkout alike."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from kg.errors import KGError
from kg.ids import digest

_PACKAGE = Path(__file__).resolve().parent
_IN_CHECKOUT = {"ontology": _PACKAGE.parent / "ontology", "queries": _PACKAGE.parent / "examples" / "queries"}


def data(name: str) -> Path:
    """Return the path of a data file or folder, for instance ``ontology/kg.ttl`` or ``queries``.

    The wheel carries them inside the package; a checkout has them beside it.

    Raises:
        KGError: there is no such file.
    """
    top, _, rest = name.partition("/")
    for root in (_PACKAGE / "_data" / top, _IN_CHECKOUT.get(top)):
        path = root / rest if root and rest else root
        if path and path.exists():
            return path
    raise KGError(f"{name}: this file of the installation is missing; install paper-kg again")


@lru_cache(maxsize=8)
def code_digest(part: str = "") -> str:
    """Return a hash of the code of the package, or of the folder ``part`` of it: what other code made is not reused."""
    files = (p for p in (_PACKAGE / part).rglob("*") if p.suffix in (".py", ".toml", ".js", ".css", ".html"))
    return digest(*(p.read_text(encoding="utf-8") for p in sorted(files)), length=16)
