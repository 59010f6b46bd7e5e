"""Tables on disk: what was written is read, by several at once, and the files go with the one who made them."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from kg.spool import FRAME, PREFIX, Scratch, Table, append_frames, new_file, read_frames, sweep, write_frames
from tests.paths import ROOT

ROWS = st.lists(st.tuples(st.text(max_size=4), st.integers(-9, 9), st.none()), max_size=60)


def table(folder: Path, *parts: range) -> Table[int]:
    scratch = Scratch(folder)
    return Table([write_frames(part, scratch.path) for part in parts], int, scratch)


@settings(max_examples=40, deadline=None)
@given(sections=st.lists(ROWS, max_size=4))
def test_sections_of_one_file_are_read_apart(sections: list[list[tuple[str, int, None]]]) -> None:
    scratch = Scratch(None)
    stream, path = new_file(scratch.path)
    with stream:
        written = [append_frames(rows, stream, path) for rows in sections]
    assert [list(read_frames(frames)) for frames in written] == sections
    assert [frames.size for frames in written] == list(map(len, sections))


def test_a_table_is_its_parts_one_after_the_other(tmp_path: Path) -> None:
    made = table(tmp_path, range(FRAME * 3), range(0), range(FRAME * 3, 2000))
    assert len(made) == 2000
    assert list(made) == list(made) == list(range(2000))
    assert 1999 in made
    assert made == tuple(range(2000))
    assert made != tuple(range(1999))


def test_table_is_read_by_several_at_once(tmp_path: Path) -> None:
    made = table(tmp_path, range(5000))
    sums: list[int] = []
    readers = [threading.Thread(target=lambda: sums.append(sum(made))) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert sums == [sum(range(5000))] * 4


def test_lone_surrogates_survive(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    assert list(read_frames(write_frames(["a\ud800", "b"], scratch.path))) == ["a\ud800", "b"]


def test_files_go_with_the_table_and_not_before(tmp_path: Path) -> None:
    made = table(tmp_path, range(10))
    sweep(tmp_path)
    assert list(made) == list(range(10)), "somebody uses it"
    del made
    assert not list(tmp_path.iterdir())


def test_files_of_a_killed_process_are_swept(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from kg.spool import Scratch, write_frames; "
        "s = Scratch(Path(sys.argv[1])); write_frames(range(9), s.path); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, cwd=ROOT)
    (left,) = tmp_path.glob(f"{PREFIX}*")
    assert len(list(left.iterdir())) == 2
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())
