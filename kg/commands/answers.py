"""What commands with an answer share: format, evidence, a file to write to."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import KGError

if TYPE_CHECKING:
    from kg.analysis.render import Document

AnswerFormat = Annotated[str, typer.Option("--format", "-f", help="table, md, csv, html or json.")]
WithEvidence = Annotated[bool, typer.Option("--evidence", "-e", help="Print the sentences, numbered.")]
To = Annotated[Path | None, typer.Option("--out", "-o", help="File to write the answer to, instead of printing it.")]
FigureFile = Annotated[Path | None, typer.Option("--figure", help="File for the drawing: NAME.svg or NAME.png.")]


def emit(document: Document, fmt: str, evidence: bool, out: Path | None = None) -> None:
    """Print an answer, or write it to a file.

    Raises:
        InputError: the format is unknown.
        KGError: the file cannot be written.
    """
    from kg.analysis.render import render

    terminal = out is None and sys.stdout.isatty()
    width = shutil.get_terminal_size((120, 24)).columns if out is None else 120
    text = render(document, fmt, evidence=evidence, width=width, color=terminal and "NO_COLOR" not in os.environ)
    if out is not None:
        write_text(out, text)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


def write_drawing(path: Path, svg: str) -> None:
    """Write a drawing as SVG or PNG, as the ending of the name says.

    Raises:
        InputError: the name has another ending, or no PNG can be made here.
        KGError: it cannot be written.
    """
    from kg.analysis.picture import drawing_file

    write_bytes(path, drawing_file(path, svg))


def write_text(path: Path, text: str) -> None:
    """Write a file as UTF-8; a failed write leaves the former file whole.

    Raises:
        KGError: it cannot be written.
    """
    write_bytes(path, text.encode("utf-8", "replace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file; a failed write leaves the former file whole.

    Raises:
        KGError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise KGError(f"{path}: cannot be written ({error.strerror or error})") from error
