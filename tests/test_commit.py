"""Files that are put in place together: whatever happens, a folder is as it was or as it is meant to be."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kg.errors import InputError, KGError
from kg.export.commit import FOLDER, Transaction, latest, lock, settle, told
from tests.paths import ROOT

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process: not on Windows")

NAMES = ("a.txt", "b.txt", "sub/c.txt", "sub/deep/d.txt")
BOX = ("box", "first", "second")
"""A folder that is replaced as a whole, and its files."""


def fill(directory: Path, version: str) -> None:
    """Commit a version of every file and of the folder."""
    with lock(directory) as held, told(directory), Transaction(held) as files:
        for name in NAMES:
            files.write(name, f"{name} {version}".encode())
        box = files.stage(BOX[0])
        box.mkdir()
        for name in BOX[1:]:
            (box / name).write_text(f"{name} {version}", encoding="utf-8")


def plain(directory: Path) -> dict[str, str]:
    """All files outside hidden folders."""
    return {
        path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8")
        for path in directory.rglob("*")
        if path.is_file() and not path.relative_to(directory).parts[0].startswith(".")
    }


def read(directory: Path) -> dict[str, str]:
    """What a reader sees that may write nothing."""
    found = {name: latest(directory, name).read_text(encoding="utf-8") for name in NAMES}
    box = latest(directory, BOX[0])
    return found | {f"{BOX[0]}/{name}": (box / name).read_text(encoding="utf-8") for name in BOX[1:]}


def version(number: str) -> dict[str, str]:
    names = {name: f"{name} {number}" for name in NAMES}
    return names | {f"{BOX[0]}/{name}": f"{name} {number}" for name in BOX[1:]}


def in_child(work: Callable[[], None]) -> int:
    """Run ``work`` in a forked process and return its exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.utime", "os.truncate", "open"}


def at_step(number: int, action: Callable[[], None]) -> None:
    """Let ``action`` happen before the ``number``-th call that may change a file (in this process, for good)."""
    seen = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in CHANGES:
            seen += 1
            if seen == number:
                action()

    sys.addaudithook(hook)


def no_space() -> None:
    raise OSError(28, "No space left on device")


def test_all_files_change_together_and_nothing_else_stays(tmp_path: Path) -> None:
    fill(tmp_path, "1")
    assert plain(tmp_path) == version("1")
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    fill(tmp_path, "2")
    assert plain(tmp_path) == version("2") | {"mine.txt": "mine"}
    assert not (tmp_path / FOLDER).exists()
    assert len({(tmp_path / name).stat().st_mtime_ns for name in (*NAMES, BOX[0])}) == 1


@pytest.fixture
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk: that matters to a loss of power, which cannot be tried here."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@posix
@pytest.mark.usefixtures("unsynced")
def test_a_writer_killed_at_any_step_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    fill(tmp_path, "0")
    outcomes = []
    for step in range(1, 500):
        before, after = version(str(step - 1)), version(str(step))

        def work(step: int = step) -> None:
            at_step(step, lambda: os._exit(9))
            fill(tmp_path, str(step))

        status = in_child(work)
        seen = read(tmp_path)
        assert seen in (before, after), f"step {step}: a mixture"
        outcomes.append(seen == after)
        settle(tmp_path)
        assert plain(tmp_path) == seen, f"step {step}: settled to another state than a reader saw"
        if status == 0:
            break
        fill(tmp_path, str(step))
        assert plain(tmp_path) == after, f"step {step}: the next writer does not get through"
        assert not (tmp_path / FOLDER).exists(), f"step {step}: leftovers"
    assert status == 0, "the steps do not end"
    assert len(outcomes) > 40
    assert outcomes == sorted(outcomes), "there is one commit point"
    assert outcomes.count(True) > 8, "the renames lie behind it"


@posix
@pytest.mark.usefixtures("unsynced")
def test_a_disk_that_is_full_at_any_step_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    fill(tmp_path, "0")
    unfinished = 0
    for step in range(1, 500):
        before, after = version(str(step - 1)), version(str(step))

        def work(step: int = step) -> None:
            at_step(step, no_space)
            try:
                fill(tmp_path, str(step))
            except KGError as error:
                message = str(error)
                clear = "No space left on device" in message and "\n" not in message
                kept = "nothing in the folder has changed" in message
                complete = "the new graph is complete but not in place" in message
                os._exit(2 if clear and kept else 3 if clear and complete else 4)

        status = in_child(work)
        assert status in (0, 2, 3), f"step {step}: no clear error"
        assert status == 3 or not list(tmp_path.glob(f"{FOLDER}/new-*/*")), f"step {step}: takes up space for nothing"
        seen = read(tmp_path)
        assert seen == (before if status == 2 else after), f"step {step}: {status}"
        unfinished += status == 3
        settle(tmp_path)
        assert plain(tmp_path) == seen
        fill(tmp_path, str(step))
        assert not (tmp_path / FOLDER).exists()
        if status == 0 and seen == after and step > 100:
            break
    assert unfinished > 3


def test_an_error_discards_what_was_staged(tmp_path: Path) -> None:
    fill(tmp_path, "1")

    def fail() -> None:
        with lock(tmp_path) as held, Transaction(held) as files:
            files.write("a.txt", b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert plain(tmp_path) == version("1")
    assert not (tmp_path / FOLDER).exists()


def test_what_was_promised_and_not_written_fails_the_commit(tmp_path: Path) -> None:
    fill(tmp_path, "1")
    with lock(tmp_path) as held:
        files = Transaction(held)
        files.write("a.txt", b"new")
        files.stage("never.txt")
        with pytest.raises(KGError, match=r"never\.txt: cannot be written"):
            files.commit()
    assert plain(tmp_path) == version("1")


@pytest.mark.parametrize("name", ["", "/etc/x", "../x", "a/../../x", ".commit/journal", "a\\..\\x"])
def test_names_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    with lock(tmp_path) as held, Transaction(held) as files, pytest.raises(ValueError, match="no name of a file"):
        files.stage(name)


@pytest.mark.parametrize(
    "journal",
    [
        "",
        "no JSON",
        "[]",
        '{"staging": "new-0123456789abcdef", "names": ["../outside"]}',
        '{"staging": "new-0123456789abcdef", "names": ["/etc/outside"]}',
        '{"staging": "../..", "names": ["a.txt"]}',
        '{"staging": "new-0123456789abcdef", "names": 7}',
    ],
)
def test_a_journal_that_is_not_ours_moves_nothing(tmp_path: Path, journal: str) -> None:
    folder = tmp_path / "downloaded"
    fill(folder, "1")
    staging = folder / FOLDER / "new-0123456789abcdef"
    staging.mkdir(parents=True)
    (staging / "outside").write_text("x", encoding="utf-8")
    (folder / FOLDER / "journal").write_text(journal, encoding="utf-8")
    settle(folder)
    assert read(folder) == plain(folder) == version("1")
    fill(folder, "2")
    assert plain(folder) == version("2")
    assert [path.name for path in tmp_path.iterdir()] == ["downloaded"]


@posix
def test_a_journal_does_not_write_through_links(tmp_path: Path) -> None:
    folder, outside = tmp_path / "downloaded", tmp_path / "home"
    outside.mkdir()
    fill(folder, "1")
    staging = folder / FOLDER / "new-0123456789abcdef"
    (staging / "link").mkdir(parents=True)
    (staging / "link" / "keys").write_text("x", encoding="utf-8")
    (folder / "link").symlink_to(outside)
    (folder / FOLDER / "journal").write_text(
        '{"staging": "new-0123456789abcdef", "names": ["link/keys"]}', encoding="utf-8"
    )
    settle(folder)
    assert not list(outside.iterdir())


HOLD = """
import sys, pathlib
from kg.export.commit import lock
with lock(pathlib.Path(sys.argv[1])):
    print(1, flush=True)
    input()
"""


def test_a_second_writer_is_told_at_once_and_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as other:
        assert other.stdout
        assert other.stdout.readline().strip() == b"1"
        started = time.monotonic()
        with pytest.raises(KGError, match=rf"\({other.pid} on .*is writing to this folder; wait .* --out"):
            fill(tmp_path, "1")
        assert time.monotonic() - started < 2
        other.kill()
    fill(tmp_path, "1")
    assert plain(tmp_path) == version("1")
    assert not (tmp_path / FOLDER).exists()


def test_writers_take_turns(tmp_path: Path) -> None:
    """Threads that try until they get through: nobody is let in twice at a time, nobody trips over the tidying up."""
    inside, most, done = 0, 0, 0
    guard = threading.Lock()
    errors: list[BaseException] = []

    def writer() -> None:
        nonlocal inside, most, done
        for _ in range(15):
            while True:
                try:
                    with lock(tmp_path):
                        with guard:
                            inside += 1
                            most = max(most, inside)
                        time.sleep(0.001)
                        with guard:
                            inside -= 1
                            done += 1
                    break
                except KGError as error:
                    if "is writing to this folder" not in str(error):
                        errors.append(error)
                        return

    threads = [threading.Thread(target=writer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert (most, done) == (1, 60)
    assert not (tmp_path / FOLDER).exists()


def test_a_file_in_the_way_is_an_input_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    for directory in (file, file / "below"):
        with pytest.raises(InputError, match="not a folder; choose another place"), lock(directory):
            pass


def as_reader(directory: Path, work: Callable[[], None]) -> int:
    """Run ``work`` in a child that may not write to the folder: as nobody where this runs as root."""
    modes = {path: path.stat().st_mode & 0o777 for path in (directory, *directory.rglob("*"))}
    for path, mode in modes.items():
        path.chmod(mode & 0o555)

    def child() -> None:
        if os.getuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        work()

    parents = {path: path.stat().st_mode & 0o777 for path in directory.parents if os.stat(path).st_uid == os.getuid()}
    for path, mode in parents.items():
        if path != Path("/"):
            path.chmod(mode | 0o055)
    try:
        return in_child(child)
    finally:
        for path, mode in {**parents, **modes}.items():
            path.chmod(mode)


@posix
def test_a_folder_that_may_not_be_written_is_told_and_read(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    fill(folder, "1")

    def write() -> None:
        with pytest.raises(KGError, match=r"old.*: cannot be written \(Permission denied\)"):
            fill(folder, "2")

    assert as_reader(folder, write) == 0
    assert plain(folder) == version("1")


@posix
def test_a_reader_that_may_not_write_sees_a_commit_whose_writer_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    fill(folder, "1")

    def killed() -> None:
        at_rename = 0

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal at_rename
            at_rename += event == "os.rename"
            if at_rename == 4:  # the journal, then two files
                os._exit(9)

        sys.addaudithook(hook)
        fill(folder, "2")

    assert in_child(killed) == 9
    assert plain(folder) not in (version("1"), version("2")), "the plain files are a mixture for now"

    def look() -> None:
        settle(folder)
        assert (folder / FOLDER / "journal").exists()
        assert read(folder) == version("2")

    assert as_reader(folder, look) == 0
    settle(folder)
    assert plain(folder) == version("2")
