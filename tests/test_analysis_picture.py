"""Drawings as PNG: as large as they should be, with ink and words on them; and what is said where none can be made."""

from __future__ import annotations

import struct
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import resvg_py
from typer.testing import CliRunner

from kg.analysis import picture
from kg.analysis.figure import Link, Node, draw, svg_file
from kg.cli import app
from kg.errors import InputError, KGError
from tests.paths import ROOT

WHITE = (255, 255, 255)


def pixels(png: bytes) -> tuple[int, int, list[tuple[int, ...]]]:
    """Width, height and colours of a PNG with eight bits for each of red, green, blue and alpha."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    parts: list[tuple[bytes, bytes]] = []
    at = 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length)[0] == zlib.crc32(kind + body)
        parts.append((kind, body))
        at += length + 12
    width, height, *form = struct.unpack(">IIBBBBB", parts[0][1])
    assert form == [8, 6, 0, 0, 0]
    data = zlib.decompress(b"".join(body for kind, body in parts if kind == b"IDAT"))
    size, above, found = 4 * width, bytearray(4 * width), list[tuple[int, ...]]()
    for start in range(0, len(data), size + 1):
        line = bytearray(data[start + 1 : start + 1 + size])
        for number in range(size):
            left, upper = (line[number - 4] if number > 3 else 0), above[number]
            corner = above[number - 4] if number > 3 else 0
            guesses = (0, left, upper, (left + upper) // 2, nearest(left, upper, corner))
            line[number] = (line[number] + guesses[data[start]]) & 255
        found += [tuple(line[number : number + 3]) for number in range(0, size, 4)]
        above = line
    return width, height, found


def nearest(left: int, upper: int, corner: int) -> int:
    guess = left + upper - corner
    return min((abs(guess - left), 0, left), (abs(guess - upper), 1, upper), (abs(guess - corner), 2, corner))[2]


def boxes(label: str) -> str:
    nodes = [Node("a", label, 0, strong=True), Node("b", "", 1)]
    return svg_file(draw("Two boxes", "One leads to the other.", nodes, [Link("a", "b")]))


@pytest.mark.parametrize(
    "command",
    [
        ["lineage", "QLoRA"],
        ["trends", "--kind", "dataset"],
        ["leaderboard", "MS COCO"],
    ],
    ids=lambda command: command[0],
)
def test_commands_write_png_twice_as_large_as_svg(command: list[str], tmp_path: Path) -> None:
    name, *rest = command
    for ending in ("svg", "PNG"):
        line = [name, str(ROOT / "exports"), *rest, "--figure", str(tmp_path / f"figure.{ending}")]
        done = CliRunner().invoke(app, line)
        assert done.exit_code == 0, done.output
    drawn = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    width, height, colors = pixels((tmp_path / "figure.PNG").read_bytes())
    size = picture._SIZE.search(drawn)
    assert size
    assert (width, height) == (2 * float(size[1]), 2 * float(size[2]))
    counted = Counter(colors)
    assert counted.most_common(1)[0][0] == WHITE, "light, whatever the system prefers"
    assert 0.005 < 1 - counted[WHITE] / len(colors) < 0.5
    assert len(counted) > 20, "letters have soft edges"


def test_words_are_on_the_picture() -> None:
    dark = [sum(max(color) < 90 for color in pixels(picture.png(boxes(label)))[2]) for label in ("", "MMMM")]
    assert dark[1] > dark[0] + 100


def test_a_drawing_gives_the_same_picture_each_time() -> None:
    assert picture.png(boxes("Same")) == picture.png(boxes("Same"))


def test_a_huge_drawing_is_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "MOST", 40_000)
    width, height, _ = pixels(picture.png('<svg xmlns="http://www.w3.org/2000/svg" width="800" height="200"/>'))
    assert (width, height) == (400, 100)


def test_other_endings_are_refused(tmp_path: Path) -> None:
    line = ["lineage", str(ROOT / "exports"), "QLoRA", "--figure", str(tmp_path / "figure.pdf")]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 2
    assert done.stderr.endswith("figure.pdf: a drawing is written as SVG or PNG; let the name end in .svg or .png\n")
    assert not list(tmp_path.iterdir())


def test_without_the_extra_a_line_tells_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    line = ["trends", str(ROOT / "exports"), "--figure", str(tmp_path / "figure.png")]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert "pip install 'paper-kg[figures]'" in done.stderr
    assert picture.drawing_file(Path("figure.svg"), "<svg/>") == b"<svg/>", "SVG needs nothing"


@pytest.fixture
def fresh() -> Iterator[None]:
    picture._font.cache_clear()
    yield
    picture._font.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_without_a_font_no_picture_without_words_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resvg_py, "svg_to_bytes", partial(resvg_py.svg_to_bytes, skip_system_fonts=True))
    with pytest.raises(KGError, match=r"no font to write .*; install one of Noto Sans, .*, or write SVG"):
        picture.png(boxes("Words"))


@pytest.mark.usefixtures("fresh")
def test_any_font_is_better_than_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "FONTS", ("No Such Font", "Nor Such A One"))
    assert picture.png(boxes("Words")) != picture.png(boxes(""))


def test_what_is_no_drawing_is_told() -> None:
    with pytest.raises(KGError, match="the drawing cannot be made a PNG"):
        picture.png("<svg")
    with pytest.raises(InputError, match="let the name end in"):
        picture.drawing_file(Path("figure"), "<svg/>")
