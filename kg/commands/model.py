"""The model at work on a text, and its training."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from kg.commands.common import Debug, Fast, Model, user_errors
from kg.errors import InputError


def annotate(
    text: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Text file; standard input if left out or -.")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Title of the text.")] = "",
    model: Model = None,
    fast: Fast = False,
    debug: Debug = False,
) -> None:
    """Say what a text states: JSON lines of sentences with mentions, claims and results."""
    with user_errors(debug):
        from kg.annotation import annotate as run

        body = sys.stdin.buffer.read() if text is None or str(text) == "-" else _read(text)
        for sentence in run(body.decode("utf-8", "replace"), title=title, model=model, fast=fast):
            print(json.dumps(sentence, ensure_ascii=False))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder with gold/ and seeds/.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Model folder to write.")],
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 13,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of the tagger.")] = 9,
    encoder: Annotated[Path | None, typer.Option(help="Folder of an encoder's weights.")] = None,
    tagger: Annotated[bool, typer.Option(help="Train the tagger too, not the rest alone.")] = True,
    fast: Annotated[bool, typer.Option("--fast", help="Train the small model without an encoder.")] = False,
    debug: Debug = False,
) -> None:
    """Train a model from annotated papers (needs the extra `train`: pip install 'paper-kg[train]')."""
    with user_errors(debug):
        try:
            from kg.train.run import train as run

            run(data, out, seed=seed, epochs=epochs, encoder=encoder, tagger=tagger, fast=fast)
        except ImportError as error:
            raise InputError(
                f"training needs packages that are not here ({error}); pip install 'paper-kg[train]'"
            ) from error
