"""Drawings as files: SVG, or PNG made of it by resvg, as the ending of the file's name says."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from pathlib import Path

from kg.errors import InputError, KGError

ZOOM = 2.0
"""Pixels of a PNG, each way, for one of the drawing: sharp on paper and on fine screens."""
MOST = 40_000_000
"""Pixels of the largest PNG; what would have more is made smaller."""
FONTS = ("Noto Sans", "DejaVu Sans", "Liberation Sans", "Segoe UI", "Arial", "Helvetica", "Roboto", "Verdana", "Ubuntu")
"""Fonts without serifs, one of which a system may have: the first that is there writes what names no font at hand."""
_SIZE = re.compile(r'<svg\b[^>]*?\swidth="([\d.]+)"[^>]*?\sheight="([\d.]+)"')
_BLANK = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
_LETTER = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
    '<text y="9" font-family="sans-serif" font-size="12">M</text></svg>'
)


def drawing_file(path: Path, svg: str) -> bytes:
    """Return a drawing as the content of a file of this name.

    Raises:
        InputError: the name ends neither in .svg nor in .png, or no PNG can be made here.
    """
    ending = path.suffix.lower()
    if ending == ".svg":
        return svg.encode("utf-8", "replace")
    if ending != ".png":
        raise InputError(f"{path}: a drawing is written as SVG or PNG; let the name end in .svg or .png")
    try:
        return png(svg)
    except ImportError as error:
        raise InputError(
            f"{path}: a PNG needs the package resvg-py: pip install 'paper-kg[figures]'; or let the name end in .svg"
        ) from error


def png(svg: str) -> bytes:
    """Return a drawing as PNG, in its light colours, :data:`ZOOM` times as large.

    Text is written with the fonts of this system, so that the same drawing may look a little different elsewhere.

    Raises:
        ImportError: resvg-py is missing.
        KGError: the system has no font, or the drawing cannot be drawn.
    """
    import resvg_py

    zoom = ZOOM
    if size := _SIZE.search(svg):
        area = float(size[1]) * float(size[2])
        zoom = min(zoom, math.sqrt(MOST / area)) if area else zoom
    font = _font()
    if not font:
        raise KGError(f"no font to write the text of a PNG with; install one of {', '.join(FONTS[:3])}, or write SVG")
    try:
        return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom, background="#ffffff", sans_serif_family=font))
    except ValueError as error:
        raise KGError(f"the drawing cannot be made a PNG ({error}); write it as SVG") from error


@lru_cache(maxsize=1)
def _font() -> str:
    """Return the first of :data:`FONTS` that is there, else any; empty if the system has none.

    The renderer tells nothing of fonts: it writes with another what names one that is missing, and leaves text out when
    there is none at all.
    """
    import resvg_py

    def letter(font: str) -> bytes:
        return bytes(resvg_py.svg_to_bytes(svg_string=_LETTER, sans_serif_family=font))

    other = letter("\x1f")
    if other == bytes(resvg_py.svg_to_bytes(svg_string=_BLANK)):
        return ""
    return next((font for font in FONTS if letter(font) != other), FONTS[0])
