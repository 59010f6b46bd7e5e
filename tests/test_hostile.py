"""Hostile input: bombs, endless lines, odd files. Each is a clear report with its place, in bounded time and memory.

Every attack runs in a process of its own whose memory is limited, and whose peak and processor time are measured.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import multiprocessing
import os
import resource
import tarfile
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import zstandard

from kg.errors import InputError
from kg.model import Paper
from kg.readers import Skipped, deduplicate, read
from kg.readers import source as source_module
from kg.readers.bibtex import _MAX_ENTRY
from kg.readers.fields import MAX_ABSTRACT, MAX_AUTHORS, MAX_TITLE
from tests.paths import ROOT

MEMORY = 1 << 30
"""Bytes that an attack may take at most, whatever its size."""

SECONDS = 60.0
"""Processor time that an attack may take at most; most take less than one second."""

SOUND = b'{"title": "A Sound Title", "abstract": "An abstract."}\n'
ATOM = b'<feed xmlns="http://www.w3.org/2005/Atom"><id>http://arxiv.org/</id>\n'
ENTRY = b"<entry><title>A Sound Title</title></entry>\n"
PAGE = b"byAK and the research community\n\nMay 1\n\n"
SENTENCES = b"A sentence of an abstract, long enough to be one. " * 9
PAPER = b"A Sound Title\n\n" + SENTENCES + b"\n\n6 authors\n\nNov 12, 2024 2\n\n"
RIS = b"TY  - JOUR\nTI  - A Sound Title\nER  - \n"
EXAMPLES = (
    "openalex-works.json",
    "semantic-scholar.json",
    "daily-papers-api.json",
    "arxiv-snapshot.jsonl",
    "architecture-search.jsonl",
)

linux = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs the files of Linux under /dev and /proc")


@dataclass
class Outcome:
    """What reading came to. ``memory`` is the growth of the peak in bytes, ``seconds`` processor time."""

    papers: int = 0
    titles: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    skipped: list[tuple[str, int, str]] = field(default_factory=list)
    skips: int = 0
    error: str = ""
    memory: int = 0
    seconds: float = 0.0

    @property
    def reasons(self) -> str:
        return " | ".join(reason for _, _, reason in self.skipped)


def _read_all(inputs: list[str], stdin: bytes | None) -> Outcome:
    outcome = Outcome()
    try:
        for item in read(inputs, stdin=None if stdin is None else io.BytesIO(stdin)):
            if isinstance(item, Skipped):
                outcome.skips += 1
                if outcome.skips <= 50:
                    outcome.skipped.append((item.place.file, item.place.line, item.reason))
            else:
                outcome.papers += 1
                if outcome.papers <= 50:
                    outcome.titles.append(item.title[:100])
                    outcome.lines.append(item.places[0].line)
    except InputError as error:
        outcome.error = str(error)
    return outcome


def _confined(work: Callable[[], Outcome], user: int | None, pipe: Any) -> None:
    def used() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS) * 2, int(SECONDS) * 2))
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    before, started = used(), time.process_time()
    outcome = work()
    outcome.memory, outcome.seconds = used() - before, time.process_time() - started
    pipe.send(outcome)


@dataclass(frozen=True)
class _ReadAll:
    inputs: tuple[str, ...]
    stdin: bytes | None = None

    def __call__(self) -> Outcome:
        return _read_all(list(self.inputs), self.stdin)


def attack(*inputs: str | Path, stdin: bytes | None = None, user: int | None = None) -> Outcome:
    """Read in a confined process; fail when it dies, hangs, or takes too much."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    work = _ReadAll(tuple(map(str, inputs)), stdin)
    process = context.Process(target=_confined, args=(work, user, sender))
    process.start()
    sender.close()
    try:
        assert receiver.poll(SECONDS * 5), f"reading hangs: {inputs}"
        outcome: Outcome = receiver.recv()
    except EOFError:
        process.join()
        pytest.fail(f"the process died, exit code {process.exitcode}: {inputs}")
    finally:
        process.kill()
        process.join()
    assert outcome.seconds < SECONDS
    for message in (outcome.error, *(reason for _, _, reason in outcome.skipped)):
        assert not message or message.isprintable()
    return outcome


def write(path: Path, *parts: bytes | tuple[bytes, int]) -> Path:
    """Write a file of pieces, some of them many times over, without holding it in memory."""
    with path.open("wb") as stream:
        for part in filter(None, parts):
            piece, times = part if isinstance(part, tuple) else (part, 1)
            block = piece * max(1, min(times, (1 << 20) // len(piece)))
            count, rest = divmod(times, len(block) // len(piece))
            for _ in range(count):
                stream.write(block)
            stream.write(piece * rest)
    return path


# XML


@pytest.mark.parametrize("layers", [1, 3])
def test_xml_entities_are_never_expanded(layers: int, tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    quadratic = f'<!ENTITY q "{"x" * 100_000}">'
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret of this machine")
    external = f'<!ENTITY s SYSTEM "{secret.as_uri()}"><!ENTITY n SYSTEM "http://127.0.0.1:9/x">'
    remote = '<!ENTITY % remote SYSTEM "http://127.0.0.1:9/evil.dtd"> %remote;'
    subset = f'<!ENTITY l0 "lol">{laughs}{quadratic}{external}{remote}'
    doctype = f'<!DOCTYPE feed SYSTEM "http://127.0.0.1:9/feed.dtd" [{subset}]>'
    entries = "".join(
        f"<entry><title>Title {text}</title></entry>\n" for text in ("&l9;", "&q;" * 20_000, "&s;", "&n;", "sound")
    )
    data = f'<?xml version="1.0"?>{doctype}\n{ATOM.decode()}{entries}</feed>'.encode()
    packed = data
    for _ in range(layers - 1):
        packed = gzip.compress(packed)
    outcome = attack("-", stdin=packed)
    # A reference that means nothing without the document type stays as it is written.
    assert outcome.titles == ["Title &l9;", "Title &s;", "Title &n;", "Title sound"]
    assert outcome.reasons == 'the field "title" has 60,006 characters; at most 5,000 are read'
    assert outcome.memory < 100 << 20


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (ATOM + b"<entry><title>Deep</title>", b"</entry>\n" + ENTRY),
        (
            b"<TEI>\n<teiHeader>",
            b"</teiHeader><teiHeader><fileDesc><titleStmt><title>A Sound Title</title></titleStmt></fileDesc>"
            b"</teiHeader>",
        ),
        (
            b"<article>\n<front><article-meta>",
            b"</front><front><article-meta><title-group><article-title>A Sound Title</article-title></title-group>"
            b"</article-meta></front>",
        ),
    ],
    ids=["atom", "tei", "jats"],
)  # fmt: skip
def test_xml_a_million_deep_costs_one_record(start: bytes, end: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "deep.xml", start, (b"<x>", 1_000_000), (b"</x>", 1_000_000), end)
    outcome = attack(path)
    assert outcome.titles == ["A Sound Title"]
    assert [line for _, line, _ in outcome.skipped] == [2]
    assert outcome.memory < 200 << 20


@pytest.mark.parametrize(
    "name", ["utf-16", "utf-7", "undefined", "idna", "base64", "rot13", "unicode_escape", "x-none"]
)
def test_an_encoding_that_cannot_be_true_is_not_believed(name: str) -> None:
    entry = "<entry><title>Café \\ud800</title></entry>"
    data = f'<?xml version="1.0" encoding="{name}"?>\n{ATOM.decode()}{entry}'.encode()
    (paper,) = read(["-"], stdin=io.BytesIO(data))
    assert isinstance(paper, Paper)
    assert paper.title == "Café \\ud800"


def test_tiny_xml_records_behind_a_huge_one_take_linear_time(tmp_path: Path) -> None:
    huge = (b"<entry>", (b"x", 7 << 20), b"</entry>\n")
    outcome = attack(write(tmp_path / "a.xml", ATOM, *huge, (ENTRY, 20_000)))
    assert outcome.papers == 20_000
    assert outcome.lines[-1] == 52
    assert outcome.seconds < 20


def test_xml_comments_without_end_cost_no_time_and_no_record(tmp_path: Path) -> None:
    outcome = attack(write(tmp_path / "a.xml", ATOM, (b"<!--", 3_000_000), b"\n", ENTRY))
    assert outcome.titles == ["A Sound Title"]
    assert outcome.seconds < 20
    outcome = attack("-", stdin=ATOM + b"<!-- never closed\n" + ENTRY * 3)
    assert outcome.papers == 3


# compression and archives


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstandard.compress], ids=["gz", "bz2", "zst"])
@pytest.mark.parametrize("layers", [1, 2])
def test_bombs_are_given_up(pack: Callable[[bytes], bytes], layers: int) -> None:
    bomb = SOUND + b" " * (100 << 20)
    for _ in range(layers):
        bomb = pack(bomb)
    outcome = attack("-", stdin=bomb)
    assert outcome.papers == 1
    assert "unpacks to more than 200 times its size" in outcome.reasons
    assert outcome.memory < 300 << 20


def test_layers_that_are_modest_each_are_a_bomb_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "FREE_OUTPUT", 1 << 16)
    # About 60-fold each: noise in the inner data keeps the ratio of each layer below the limit.
    inner = bytearray(SOUND)
    for _ in range(300):
        inner += os.urandom(40).hex().encode() + b" " * 12_000
    once = gzip.compress(bytes(inner) + b"\n" + SOUND)
    assert len(inner) < 200 * len(once)
    thrice = gzip.compress(b"".join(gzip.compress(once) for _ in range(40)))
    outcome = attack("-", stdin=thrice)
    assert "unpacks to more than 200 times its size" in outcome.reasons + outcome.error


def test_a_frame_that_asks_for_too_much_memory_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=30)
    packer = zstandard.ZstdCompressor(compression_params=parameters)
    frame = packer.compressobj()
    data = frame.compress(SOUND) + frame.flush()
    outcome = attack("-", stdin=data)
    assert "memory" in outcome.error
    assert outcome.memory < 200 << 20


def test_archives_are_not_unpacked_so_their_names_reach_no_disk(tmp_path: Path) -> None:
    slip = io.BytesIO()
    with zipfile.ZipFile(slip, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../escaped.jsonl", SOUND)
        archive.writestr("bomb.json", b"0" * (50 << 20))
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as tar:
        info = tarfile.TarInfo("../../escaped.jsonl")
        info.size = len(SOUND)
        tar.addfile(info, io.BytesIO(SOUND))
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "slip.zip").write_bytes(slip.getvalue())
    (folder / "slip.tar.gz").write_bytes(inner.getvalue())
    (folder / "zip-in.gz").write_bytes(gzip.compress(slip.getvalue()))
    (folder / "z.jsonl").write_bytes(SOUND)
    outcome = attack(folder)
    assert outcome.papers == 1
    reasons = {Path(file).name: reason for file, _, reason in outcome.skipped}
    assert "is a ZIP archive" in reasons["slip.zip"]
    assert "is a ZIP archive" in reasons["zip-in.gz"]
    assert "is a tar archive" in reasons["slip.tar.gz"]
    assert not [*tmp_path.rglob("escaped*")]


# lines and values beyond all measure


@pytest.mark.parametrize(
    ("start", "piece", "end", "sound"),
    [
        (SOUND + b'{"title": "', b"x", b'"}\n' + SOUND, 2),
        (SOUND, b"[", b"\n" + SOUND, 2),
        (b"title,abstract\nA Sound Title,x\n", b"x", b"\nA Sound Title,x\n", 2),
        (b"title\tabstract\nA Sound Title\tx\n", b"\t", b"\nA Sound Title\tx\n", 2),
        (b"@misc{a, title={A Sound Title}}\n", b"x", b"\n@misc{b, title={A Sound Title}}\n", 2),
        (RIS + b"TY  - JOUR\nAB  - ", b"x", b"\nER  - \n" + RIS, 2),
        (PAGE + PAPER, b"x", b"\n\n" + PAPER, 2),
        (ATOM + ENTRY + b"<entry><title>", b"x", b"</title></entry>\n" + ENTRY, 2),
        (ATOM + ENTRY + b"<!--", b"x", b"-->" + ENTRY, 2),
    ],
    ids=["json", "json-brackets", "csv", "tsv", "bibtex", "ris", "page", "xml", "xml-comment"],
)  # fmt: skip
def test_a_line_of_100_megabytes(start: bytes, piece: bytes, end: bytes, sound: int, tmp_path: Path) -> None:
    count = 100_000_000 if piece not in b"[\t" else 20_000_000
    outcome = attack(write(tmp_path / "long", start, (piece, count), end))
    assert outcome.titles.count("A Sound Title") == sound
    assert outcome.skips or start.endswith(b"<!--")
    assert outcome.memory < 400 << 20


def test_text_without_a_line_end_is_refused(tmp_path: Path) -> None:
    outcome = attack(write(tmp_path / "long.txt", (b"x", 100_000_000)))
    assert "is of no format that can be read" in outcome.error
    assert outcome.memory < 50 << 20


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b"[{"], ids=["lists", "objects", "both"])
def test_json_a_million_deep_costs_one_record(opening: bytes, tmp_path: Path) -> None:
    closing = {b"[": b"]", b'{"a":': b"}", b"[{": b"}]"}[opening]
    value = b"1" if opening != b"[{" else b""
    path = write(tmp_path / "deep.jsonl", SOUND, (opening, 10**6), value, (closing, 10**6), b"\n", SOUND)
    outcome = attack(path)
    assert outcome.papers == 2
    assert 2 in [line for _, line, _ in outcome.skipped]
    assert outcome.memory < 200 << 20


def test_json_of_many_empty_values_stays_in_bounds(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", SOUND, b'{"title": "Many", "x": [', (b"[],", 5_000_000), b"[]]}\n", SOUND)
    outcome = attack(path)
    assert outcome.papers + outcome.skips == 3


def test_a_title_and_an_abstract_beyond_all_measure() -> None:
    records = [
        {"title": "x" * 10_000_000},
        {"title": "x" * MAX_TITLE},
        {"title": "Long", "abstract": "word " * (MAX_ABSTRACT // 5 + 1)},
        {"title": "Many", "authors": ["A B"] * 1_000_000},
        {"title": "Crowd", "authors": [f"A B{n}" for n in range(MAX_AUTHORS)], "venue": "v" * 10_000_000},
        {"title": "Named", "authors": ["A" * 5_000_000, "Ada Lovelace"], "url": "https://x.org/" + "y" * 5_000_000},
    ]
    outcome = attack("-", stdin="\n".join(map(json.dumps, records)).encode())
    assert outcome.titles == ["x" * 100, "Crowd", "Named"]
    assert [(line, reason) for _, line, reason in outcome.skipped] == [
        (1, 'the field "title" has 10,000,000 characters; at most 5,000 are read'),
        (3, f'the field "abstract" has {MAX_ABSTRACT + 5:,} characters; at most {MAX_ABSTRACT:,} are read'),
        (4, "the record lists 1,000,000 authors; at most 50,000 are believed"),
    ]


def test_a_table_of_a_million_columns(tmp_path: Path) -> None:
    wide = write(tmp_path / "wide.csv", b"title,abstract\n", (b"x,", 1_000_000), b"\nA Sound Title,x\n")
    outcome = attack(wide)
    assert outcome.titles == ["A Sound Title"]
    assert outcome.skipped[0][1] == 2
    assert "1000001 cells" in outcome.reasons
    header = write(tmp_path / "header.csv", b"title,abstract", (b",x", 1_000_000), b"\nA,b\n")
    assert "is of no format" in attack(header).error


def test_a_quotation_mark_that_nobody_closes(tmp_path: Path) -> None:
    rows = [(b'"A, b","c, d"\n', 30_000), b'"open,x\n', (b"A Sound Title,y\n", 100_000)]
    outcome = attack(write(tmp_path / "a.csv", b"title,abstract\n", *rows))
    assert outcome.papers > 60_000
    assert outcome.skips == 1
    assert outcome.skipped[0][1] == 30_002
    assert "unclosed quotation mark" in outcome.reasons


def test_names_of_bibtex_that_unfold_to_terabytes() -> None:
    doubled = b"".join(b"@string{x%d = x%d # x%d}\n" % (n, n - 1, n - 1) for n in range(1, 60))
    data = b'@string{x0 = "laugh"}\n' + doubled + b"@misc{a, title = x59}\n@misc{b, title = {A Sound Title}}\n"
    outcome = attack("-", stdin=data)
    assert "A Sound Title" in outcome.titles
    assert f"stand for more than {_MAX_ENTRY:,} characters" in outcome.reasons
    assert outcome.memory < 100 << 20


@pytest.mark.parametrize(
    "entry",
    [
        b"@misc{bad" + b" " * 100_000 + b"x, title = {y}}\n",
        b"@misc{bad, title = {" + b"{" * 100_000 + b"}\n",
        b"@misc{bad, title = {" + b"{" * 100_000 + b"}" * 100_001 + b"}\n",
        b"@misc{bad, title = {x}\n" + b"}" * 100_000 + b"\n",
        b'@misc{bad, title = "' + b"{" * 100_000 + b'"}\n',
        b"@misc{bad, author = {A" + b" " * 100_000 + b"B}, title = {y}\n",
        b"@misc{bad, title = {x}, " + b"abstract = {y}, " * 2_000 + b"}\n",
    ],
    ids=["blanks", "open", "deep", "closed", "quoted", "author", "fields"],
)
def test_odd_entries_of_bibtex_cost_themselves_only(entry: bytes) -> None:
    outcome = attack("-", stdin=b"@misc{a, title = {First}}\n" + entry + b"@misc{b, title = {Last}}\n")
    assert {outcome.titles[0], outcome.titles[-1]} == {"First", "Last"}
    assert outcome.papers + outcome.skips <= 3
    assert outcome.seconds < 20


def test_records_of_ris_without_an_end() -> None:
    data = b"TY  - JOUR\nTI  - First\n" * 3 + b"TY  - JOUR\nTI  - A Sound Title\nER  - \nTY  - JOUR\nTI  - Last"
    outcome = attack("-", stdin=data)
    assert outcome.titles == ["First", "First", "First", "A Sound Title", "Last"]
    long = b"TY  - JOUR\n" + b"AU  - A, B\n" * 200_000 + b"TY  - JOUR\nTI  - Last\nER  - \n"
    outcome = attack("-", stdin=long)
    assert outcome.titles == ["Last"]
    assert "longer than" in outcome.reasons


def test_a_page_of_many_papers_and_an_abstract_without_end(tmp_path: Path) -> None:
    outcome = attack(write(tmp_path / "many.txt", PAGE, (PAPER, 20_000)))
    assert outcome.papers == 20_000
    assert outcome.memory < 50 << 20
    endless = write(tmp_path / "endless.txt", PAGE, b"A Title\n\n", (SENTENCES + b"\n\n", 5_000), PAPER)
    outcome = attack(endless)
    assert outcome.titles[-1] == "A Sound Title"
    assert outcome.seconds < 20
    assert outcome.memory < 100 << 20


# characters


def test_bytes_that_are_no_text_cost_no_record() -> None:
    odd = [b"\xff\xfe\xfd", b"\xc3(", b"\xe2\x80", b"\xf5\x80\x80\x80", b"\xed\xa0\x80", b"\x00", b"\x80" * 5000]
    data = b"".join(b'{"title": "T%d %s end", "abstract": "a"}\n' % pair for pair in enumerate(odd))
    outcome = attack("-", stdin=data)
    assert outcome.papers == len(odd) - 1  # the last title is too long
    assert [title[:3].strip() for title in outcome.titles] == [f"T{n}" for n in range(len(odd) - 1)]


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_signs_that_look_like_line_ends_are_none(sign: str) -> None:
    abstract = "An abstract. " * 5
    for text in (
        json.dumps({"title": f"One{sign}Line", "abstract": abstract}, ensure_ascii=False) + '\n{"title": "Next"}\n',
        f"title,abstract\nOne{sign}Line,{abstract}\nNext,y\n",
        f"@misc{{a, title = {{One{sign}Line}}, abstract = {{{abstract}}}}}\n@misc{{b, title = {{Next}}}}\n",
        f"TY  - JOUR\nTI  - One{sign}Line\nAB  - {abstract}\nER  - \nTY  - JOUR\nTI  - Next\nER  - \n",
    ):
        found = list(read(["-"], stdin=io.BytesIO(text.encode())))
        assert [item.title for item in found if isinstance(item, Paper)] == ["One Line", "Next"], text


@pytest.mark.parametrize("name", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_damaged_unicode_of_any_width(name: str) -> None:
    text = "title,abstract\n" + "A Sound Title,An abstract\n" * 200
    data = text.encode(name)
    if name == "utf-32-be":
        data = b"\x00\x00\xfe\xff" + data
    for cut in (1, 2, 3):
        outcome = attack("-", stdin=data[:-cut])
        assert outcome.titles[0] == "A Sound Title"
        assert outcome.papers + outcome.skips == 200
    middle = len(data) // 2 // 4 * 4
    outcome = attack("-", stdin=data[:middle] + b"\xd8\x00\xdc\xdc" + data[middle:])
    assert outcome.papers >= 198


def test_lone_surrogates_end_up_nowhere() -> None:
    data = b'{"title": "A \\ud835 B", "authors": ["\\udc00"], "url": "https://x.org/\\ud800"}\n'
    (paper,) = read(["-"], stdin=io.BytesIO(data))
    assert isinstance(paper, Paper)
    assert (paper.title, paper.url) == ("A \ufffd B", None)
    repr(paper).encode("utf-8")


def test_signs_that_drive_a_terminal_reach_no_message() -> None:
    page = PAGE + b"x\x1b]0;owned\x07 \x9b2J\n\nA Title\n\n" + SENTENCES + b"\n\n6 authors\n"
    outcome = attack("-", stdin=page)
    assert outcome.papers + outcome.skips >= 1
    error = "<entry><id>http://arxiv.org/api/errors#x</id><summary>bad\n\x9b2J id</summary></entry>"
    outcome = attack("-", stdin=ATOM + error.encode())
    assert outcome.reasons == "the arXiv API answered with an error: bad \ufffd2J id"


# shapes of values


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_field_may_be_of_every_kind(example: str) -> None:
    """Each value of an example is replaced in turn; the other records are read as if nothing were wrong."""
    raw = (ROOT / "examples" / example).read_text(encoding="utf-8")
    records = [json.loads(line) for line in raw.splitlines()] if example.endswith("l") else json.loads(raw)
    records = records if isinstance(records, list) else records.get("results") or records["data"]
    whole = [record for record in records if _readable(json.dumps([record]))]
    odd: list[Any] = [None, [], {}, "", "12", 10**400, -1, 1.5e300, True, ["x", None, {}], {"x": []}, [[]], [[[["x"]]]]]
    lines = []
    for path in _paths(whole[0]):
        for value in odd:
            damaged = json.loads(json.dumps(whole[0]))
            _place(damaged, path, value)
            lines.append(json.dumps(damaged))
    data = "\n".join([json.dumps(whole[1]), *lines, json.dumps(whole[1])])
    found = list(read(["-"], stdin=io.BytesIO(data.encode())))
    titles = Counter(item.title for item in found if isinstance(item, Paper))
    assert len(found) == len(lines) + 2
    expected = _readable(json.dumps(whole[1]))[0]
    assert titles[expected.title] == 2
    for item in found:
        repr(item).encode("utf-8")


def _readable(text: str) -> list[Paper]:
    try:
        return [item for item in read(["-"], stdin=io.BytesIO(text.encode())) if isinstance(item, Paper)]
    except InputError:
        return []


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    pairs: Any = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, inner in pairs:
        if key != "abstract_inverted_index" or len(path) < 3:
            yield from _paths(inner, (*path, key)) if key != "abstract_inverted_index" else iter([(*path, key)])


def _place(record: Any, path: tuple[str | int, ...], value: Any) -> None:
    for key in path[:-1]:
        record = record[key]
    record[path[-1]] = value


def test_nulls_numbers_as_texts_and_keys_given_twice() -> None:
    lines = [
        '{"title": null, "abstract": null, "authors": null, "year": null, "doi": null}',
        '{"title": 1984, "year": "2024", "authors": [1, null, "Ada Lovelace"]}',
        '{"title": "First", "title": "Last", "year": "1e5", "abstract": ["one text"]}',
        '{"title": ["a", "b"]}',
        '{"title": "Infinite", "year": 1e999, "pmid": NaN, "id": -0.0}',
    ]
    found = list(read(["-"], stdin=io.BytesIO("\n".join(lines).encode())))
    assert [item.title if isinstance(item, Paper) else item.reason for item in found] == [
        "the record has no title",
        "1984",
        "Last",
        'the field "title" is a list where text is expected',
        "Infinite",
    ]
    assert isinstance(found[1], Paper)
    assert (found[1].date, found[1].authors) == ("2024", ("Ada Lovelace",))


# files


@linux
def test_pipes_and_devices_never_hang_the_reading(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a named pipe"), ("/dev/zero", "a device"), ("/dev/full", "a device")):
        outcome = attack(path)
        assert outcome.error.startswith(f"{path}: is {kind}, no regular file")
    (tmp_path / "a.jsonl").write_bytes(SOUND)
    outcome = attack(tmp_path)
    assert outcome.papers == 1
    assert "is a named pipe, no regular file" in outcome.reasons


@linux
def test_a_file_that_turns_into_a_pipe_behind_our_back(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_bytes(SOUND)
    second.write_bytes(SOUND)
    reading = read([tmp_path])
    assert isinstance(next(reading), Paper)
    second.unlink()
    os.mkfifo(second)
    (skipped,) = reading
    assert isinstance(skipped, Skipped)
    assert (skipped.place.file, skipped.reason) == (str(second), "is a named pipe, not a regular file")


@linux
def test_what_the_shell_opened_is_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, SOUND)
    os.close(writing)
    try:
        assert attack(f"/proc/self/fd/{reading}").papers == 1
    finally:
        os.close(reading)
    with (tmp_path / "a.jsonl").open("w+b") as stream:
        stream.write(SOUND)
        stream.flush()
        assert attack(f"/dev/fd/{stream.fileno()}").papers == 1


def test_links_in_circles_end(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(SOUND)
    for name in ("x", "y", "z"):
        (folder / name).symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to(folder / "self")
    outcome = attack(folder)
    assert outcome.papers == 1
    reasons = {Path(file).name: reason for file, _, reason in outcome.skipped}
    assert reasons.keys() == {"x", "y", "z", "self"}
    assert "is not followed" in reasons["x"]
    assert "cannot be read" in reasons["self"]
    # Three links to their own folder, forty levels deep: nobody could count these names.
    assert attack(f"{tmp_path}/**/*.jsonl").papers == 1
    assert "is a link to nothing, or to itself" in attack(folder / "self").error


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can read as somebody else")
def test_what_may_not_be_read_is_told_and_the_rest_read() -> None:
    with tempfile.TemporaryDirectory() as folder:  # the folders of pytest are closed to others
        os.chmod(folder, 0o755)
        _read_as_nobody(Path(folder))


def _read_as_nobody(folder: Path) -> None:
    (folder / "a.jsonl").write_bytes(SOUND)
    for name in ("secret.jsonl", "inner/b.jsonl"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(SOUND)
        path.chmod(0)
    (folder / "inner").chmod(0)
    outcome = attack(folder, user=65534)
    assert outcome.papers == 1
    assert {Path(file).name: reason for file, _, reason in outcome.skipped} == {
        "secret.jsonl": "cannot be opened: Permission denied",
        "inner": "the folder cannot be read: Permission denied",
    }
    assert "secret.jsonl: cannot be opened: Permission denied" in attack(folder / "secret.jsonl", user=65534).error
    assert "inner: the folder cannot be read: Permission denied" in attack(folder / "inner", user=65534).error


def test_files_that_vanish_grow_and_shrink_while_they_are_read(tmp_path: Path) -> None:
    record = b'{"title": "T%05d", "abstract": "' + b"x" * 500 + b'"}\n'
    lines = [record % number for number in range(4000)]
    for name in "abcd":
        (tmp_path / f"{name}.jsonl").write_bytes(b"".join(lines))
    reading = read([tmp_path])
    assert isinstance(next(reading), Paper)
    with (tmp_path / "a.jsonl").open("ab") as stream:
        stream.write(record % 99999)
    (tmp_path / "b.jsonl").unlink()
    os.truncate(tmp_path / "c.jsonl", 300_100)
    rest = list(reading)
    found = Counter(Path(item.places[0].file).name for item in rest if isinstance(item, Paper))
    assert found["a.jsonl"] == 4000
    assert found["d.jsonl"] == 4000
    assert 500 < found["c.jsonl"] < 600
    reasons = {Path(item.place.file).name: item.reason for item in rest if isinstance(item, Skipped)}
    assert reasons.keys() == {"b.jsonl", "c.jsonl"}
    assert "No such file" in reasons["b.jsonl"]
    assert "broken JSON" in reasons["c.jsonl"]


def test_a_folder_of_many_files(tmp_path: Path) -> None:
    first = tmp_path / "00000.jsonl"
    first.write_bytes(SOUND)
    for number in range(1, 10_000):
        os.link(first, tmp_path / f"{number:05}.jsonl")
    outcome = attack(tmp_path)
    assert outcome.papers == 10_000
    assert outcome.memory < 50 << 20


def test_empty_files_of_every_kind(tmp_path: Path) -> None:
    for name, data in {"a.json": b"", "b.gz": gzip.compress(b""), "c.bib": b"\n\n", "d.xml": b"\xef\xbb\xbf"}.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "e.jsonl").write_bytes(SOUND)
    outcome = attack(tmp_path)
    assert outcome.papers == 1
    assert [reason for _, _, reason in outcome.skipped] == ["is empty; name a file with papers"] * 4


# growth


def test_reading_and_joining_grow_linearly() -> None:
    """Ten times the records take about ten times as long, for titles and abstracts that are alike but not the same."""

    def records(count: int) -> bytes:
        words = [
            "pruning",
            "graph",
            "speech",
            "vision",
            "network",
            "sparse",
            "deep",
            "fast",
            "robust",
            "edge",
            "x",
            "y",
        ]
        parts = []
        for number in range(count):
            title = " ".join(words[(number * k + k) % 11] for k in (1, 5, 7)) + f" {number // 2}"
            abstract = " ".join(words[(number // 3 * k) % 11] + str(number // 3 % 97) for k in range(40))
            parts.append(json.dumps({"title": title, "abstract": abstract, "doi": f"10.1000/{number // 50}"}))
        return "\n".join(parts).encode()

    def seconds(count: int) -> float:
        data = records(count)
        started = time.process_time()
        papers = [item for item in read(["-"], stdin=io.BytesIO(data)) if isinstance(item, Paper)]
        assert len(deduplicate(papers)) <= len(papers) == count
        return time.process_time() - started

    small = min(seconds(1000) for _ in range(3))
    assert seconds(10_000) < 20 * small
