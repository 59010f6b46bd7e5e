"""paper-kg: a knowledge graph of research papers, every edge with its sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kg.annotation import annotate
    from kg.building import build

__version__ = "0.1.0"
__all__ = ["__version__", "annotate", "build"]


_HOME = {"annotate": "kg.annotation", "build": "kg.building"}


def __getattr__(name: str) -> object:
    # Imported on use: `import kg` stays quick, and the stages do not import each other through the package.
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'kg' has no attribute {name!r}")
