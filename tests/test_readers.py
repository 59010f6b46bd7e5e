"""Readers: every format by its case folder, recognition, compression, inputs, limits, and errors for people."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from kg.errors import InputError
from kg.model import Paper
from kg.readers import READERS, Sample, Skipped, detect, read
from kg.readers import source as source_module
from kg.readers.json_stream import Problem, json_values
from kg.readers.source import lines, open_source

CASES = sorted(path for path in (Path(__file__).parent / "cases" / "readers").iterdir() if path.is_dir())
TINY = b'{"title": "A Title", "abstract": "An abstract."}\n'


def case_file(case: Path) -> Path:
    return next(path for path in case.iterdir() if path.name != "expected.json")


def described(item: Paper | Skipped) -> dict[str, Any]:
    if isinstance(item, Skipped):
        return {"line": item.place.line, "reason": item.reason}
    (place,) = item.places
    fields = ("title", "abstract", "authors", "author_count", "date", "identifiers", "url", "venue")
    given = {name: getattr(item, name) for name in fields}
    return {"line": place.line, **{name: value for name, value in given.items() if value not in (None, (), "")}}


def as_json(items: list[dict[str, Any]]) -> Any:
    return json.loads(json.dumps(items))


def from_bytes(data: bytes, **options: Any) -> list[Paper | Skipped]:
    return list(read(["-"], stdin=io.BytesIO(data), **options))


def titles(items: list[Paper | Skipped]) -> list[str]:
    return [item.title for item in items if isinstance(item, Paper)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    found = list(read([case_file(case)]))
    papers = [described(item) for item in found if isinstance(item, Paper)]
    skipped = [described(item) for item in found if isinstance(item, Skipped)]
    assert as_json(papers) == expected["papers"]
    assert as_json(skipped) == expected["skipped"]
    places = [item.place if isinstance(item, Skipped) else item.places[0] for item in found]
    assert {place.format for place in places} == {expected["format"]}
    assert {place.file for place in places} == {case_file(case).as_posix()}


def test_every_format_has_a_case() -> None:
    formats = {json.loads((case / "expected.json").read_text(encoding="utf-8"))["format"] for case in CASES}
    assert formats == {reader.name for reader in READERS}
    assert len({reader.title for reader in READERS}) == len(READERS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_name_of_a_file_does_not_matter(case: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "data.pdf"
    renamed.write_bytes(case_file(case).read_bytes())
    assert [described(item) for item in read([renamed])] == [described(item) for item in read([case_file(case)])]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstandard.compress], ids=["gz", "bz2", "zst"])
def test_compressed_input_reads_the_same(case: Path, pack: Callable[[bytes], bytes]) -> None:
    data = case_file(case).read_bytes()
    assert from_bytes(pack(data)) == from_bytes(data)


@pytest.mark.parametrize("case", [case for case in CASES if case.name != "records-lines"], ids=lambda case: case.name)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_unicode_encodings_read_the_same(case: Path, encoding: str) -> None:
    text = case_file(case).read_text(encoding="iso-8859-1" if case.name == "jats" else "utf-8").lstrip("\ufeff")
    recoded = text.replace('encoding="ISO-8859-1"', 'encoding="UTF-8"')
    expected = [described(item) for item in from_bytes(recoded.encode())]
    assert [described(item) for item in from_bytes(recoded.encode(encoding))] == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_line_ends_of_windows_read_the_same(case: Path) -> None:
    data = case_file(case).read_bytes().replace(b"\r\n", b"\n")
    expected = [described(item) for item in from_bytes(data)]
    assert [described(item) for item in from_bytes(data.replace(b"\n", b"\r\n"))] == expected


def test_frames_and_layers_of_compression() -> None:
    assert len(from_bytes(zstandard.compress(TINY) + zstandard.compress(TINY))) == 2
    assert len(from_bytes(gzip.compress(TINY) + gzip.compress(TINY))) == 2
    assert titles(from_bytes(zstandard.compress(gzip.compress(TINY)))) == ["A Title"]
    packed = TINY
    for _ in range(4):
        packed = gzip.compress(packed)
    with pytest.raises(InputError, match="compressed more than 3 times"):
        from_bytes(packed)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstandard.compress], ids=["gz", "bz2", "zst"])
def test_a_damaged_archive_keeps_what_was_read(pack: Callable[[bytes], bytes]) -> None:
    # Random titles do not compress away, so the damage lies behind the sample.
    generator = random.Random(7)
    data = b"".join(
        b'{"title": "Title %d", "abstract": "%x"}\n' % (n, generator.getrandbits(2000)) for n in range(6000)
    )
    packed = pack(data)
    *papers, last = from_bytes(packed[: len(packed) * 2 // 3])
    assert len(papers) > 400
    assert isinstance(last, Skipped)
    assert "damaged or cut off" in last.reason
    with pytest.raises(InputError, match="damaged or cut off"):
        from_bytes(packed[:40])


def test_a_decompression_bomb_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "FREE_OUTPUT", 1 << 20)
    bomb = gzip.compress(TINY + b" " * (1 << 23))
    paper, skipped = from_bytes(bomb)
    assert isinstance(paper, Paper)
    assert isinstance(skipped, Skipped)
    assert "unpacks to more than 200 times its size" in skipped.reason


def test_a_line_without_end_is_passed_over_without_holding_it() -> None:
    class Endless(io.RawIOBase):
        left = 40 * (1 << 20)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            size = min(len(buffer), self.left)
            buffer[:size] = b"x" * size
            self.left -= size
            return size

    class Chained(io.RawIOBase):
        def __init__(self) -> None:
            self.parts: list[Any] = [io.BytesIO(TINY + b'{"title": "'), Endless(), io.BytesIO(b'"}\n' + TINY)]

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            while self.parts:
                if size := self.parts[0].readinto(buffer):
                    return int(size)
                self.parts.pop(0)
            return 0

    first, skipped, last = read(["-"], stdin=io.BufferedReader(Chained()))
    assert isinstance(first, Paper)
    assert isinstance(skipped, Skipped)
    assert (skipped.place.line, skipped.reason) == (2, "a record longer than 16,777,216 characters is passed over")
    assert isinstance(last, Paper)
    assert last.places[0].line == 3


def test_lines_are_bounded() -> None:
    found = list(lines(io.StringIO("short\n" + "x" * 50 + "\nlast"), limit=10))
    assert found == [(1, "short"), (2, None), (3, "last")]
    assert list(lines(io.StringIO("exactly ten"[:10]), limit=10)) == [(1, "exactly te")]


def test_a_bibliography_with_an_endless_line_goes_on() -> None:
    data = b"@misc{a, title={First}}\n%" + b"x" * (17 << 20) + b"\n@misc{b, title={Second}}\n"
    first, skipped, second = from_bytes(data)
    assert titles([first, second]) == ["First", "Second"]
    assert isinstance(skipped, Skipped)
    assert skipped.place.line == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b" \n\n ", "is empty"),
        (b"\x00\x00\x00\x00", "is empty"),
        (b"%PDF-1.7\n%\xe2\xe3", "is a PDF file"),
        (b"PK\x03\x04 and so on", "is a ZIP archive"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is an image"),
        (b"PAR1" + b"\x00" * 50, "is a Parquet file"),
        (bytes(range(256)) * 8, "is a binary file"),
        (b"Dear diary, today nothing happened.", "is of no format that can be read"),
        (b"name,age\nAda,36\n", "a table needs a header with a title column"),
        (b"<!doctype html><html><title>x</title></html>", "is a web page"),
        (b"<html><body>x</body></html>", "is a web page"),
        (b'<?xml version="1.0"?><rss><item/></rss>', "is XML with the root element <rss>"),
        (b'{"name": "no paper"}', 'its records have no "title"'),
        (b"[1, 2, 3]", 'its records have no "title"'),
        (b"[" * 5000, 'its records have no "title"'),
        (b'<feed xmlns="http://www.w3.org/2005/Atom"><id>http://arxiv.org/api/x</id></feed>', "holds no papers"),
        (b"title,abstract\n", "holds no papers"),
        (b"new\nbyAK and the research community\nMar 12\n", "holds no papers"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(b"%PDF-1.7", mtime=0), "is a PDF file"),
        (b"\x1f\x8b\x08 no gzip at all", "damaged or cut off"),
    ],
)
def test_a_wrong_file_is_one_clear_line(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        list(read([path]))
    text = str(caught.value)
    assert text.startswith(f"{path.as_posix()}: ")
    assert message in text
    assert "\n" not in text
    assert caught.value.exit_code == 2


def test_a_named_file_is_checked_before_anything_is_read(tmp_path: Path) -> None:
    good, bad = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    good.write_bytes(TINY)
    bad.write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        read([good, bad])


def test_what_is_wrong_in_a_folder_is_reported_and_the_rest_read(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_bytes(TINY)
    (tmp_path / ".hidden.jsonl").write_bytes(TINY)
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "b.jsonl").write_bytes(TINY)
    (tmp_path / "c.csv").write_bytes(b"title,abstract\n")
    (tmp_path / "deep" / "er" / "d.jsonl").write_bytes(TINY.replace(b"A Title", b"Another"))
    (tmp_path / "deep" / "link").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    found = list(read([tmp_path]))
    assert titles(found) == ["A Title", "Another"]
    reasons = {Path(item.place.file).name: item.reason for item in found if isinstance(item, Skipped)}
    assert reasons.keys() == {".git", ".hidden.jsonl", "a.pdf", "c.csv", "link", "pipe"}
    assert "hidden" in reasons[".git"]
    assert "hidden" in reasons[".hidden.jsonl"]
    assert reasons["a.pdf"].startswith("is a PDF file")
    assert "holds no papers" in reasons["c.csv"]
    assert "regular" in reasons["pipe"]


def test_inputs_in_any_order_and_form_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for name in "abc":
        Path("in", f"{name}.jsonl").write_bytes(TINY.replace(b"A Title", name.encode()))
    files = ["in/a.jsonl", "in/b.jsonl", "in/c.jsonl"]
    expected = list(read(files))
    assert [item.places[0].file for item in expected if isinstance(item, Paper)] == files
    for inputs in (
        files[::-1],
        ["in"],
        ["in/*.jsonl"],
        ["**/*.jsonl"],
        ["in/[ab].jsonl", "in/c.jsonl"],
        [*files, "in", "in/b.jsonl"],
    ):
        assert list(read(inputs)) == expected


def test_a_file_reached_twice_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(TINY)
    (tmp_path / "same.jsonl").symlink_to(path)
    assert len(list(read([path, tmp_path, tmp_path / "." / "a.jsonl"]))) == 1


def test_a_name_with_brackets_is_a_name_first(tmp_path: Path) -> None:
    path = tmp_path / "papers[1].jsonl"
    path.write_bytes(TINY)
    assert titles(list(read([path]))) == ["A Title"]


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
def test_a_file_name_that_is_no_text_can_be_printed(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.jsonl"))
    path.write_bytes(TINY)
    (paper,) = read([path])
    assert isinstance(paper, Paper)
    assert paper.places[0].file.encode("utf-8").endswith("/\ufffd\ufffd.jsonl".encode())


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["missing.json"], "there is no such file"),
        (["missing/*.json"], "no file matches this pattern"),
        ([""], "empty name"),
        ([], "no input"),
    ],
)
def test_inputs_that_stand_for_nothing(inputs: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(inputs)


def test_an_empty_folder_and_a_broken_link(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no files"):
        read([tmp_path])
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="link to nothing"):
        read([link])


def test_standard_input_beside_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(TINY)
    found = list(read([path, "-"], stdin=io.BytesIO(b"@misc{x, title={From the Pipe}}")))
    assert {item.places[0].file for item in found if isinstance(item, Paper)} == {"<stdin>", path.as_posix()}


def test_a_named_pipe_is_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, TINY)
    os.close(writing)
    try:
        assert titles(list(read([f"/dev/fd/{reading}"]))) == ["A Title"]
    finally:
        os.close(reading)


def test_page_year_completes_dates_and_invents_nothing() -> None:
    page = case_file(next(case for case in CASES if case.name == "hf-page-dated"))
    dates = [item.date for item in read([page], page_year=2025) if isinstance(item, Paper)]
    assert dates == ["2023-11-27", "2024-11-12", "2025-03-29"]
    organisations = case_file(next(case for case in CASES if case.name == "hf-page-organisations"))
    dates = [item.date for item in read([organisations], page_year=2025) if isinstance(item, Paper)]
    assert dates[1] == "--02-29"  # 2025 has no such day
    with pytest.raises(InputError, match="is no year"):
        read([page], page_year=24)


def test_pages_strung_together_read_like_single_ones() -> None:
    pages = [
        case_file(case) for case in CASES if case.name in ("hf-page-dated", "hf-page-organisations", "hf-page-plain")
    ]
    single = [{**described(item), "line": 0} for page in pages for item in read([page])]
    together = from_bytes(b"\n\n".join(page.read_bytes() for page in pages))
    assert [{**described(item), "line": 0} for item in together] == single


def test_an_unclosed_quotation_mark_in_a_table_is_reported() -> None:
    sound = b'"A, with a comma","b, too"\n' * 300
    data = b"title,abstract\n" + sound + b'"Second,b\n' + b"Next,c\n" * 500
    *papers, skipped = from_bytes(data)
    assert titles(papers) == ["A, with a comma"] * 300
    assert isinstance(skipped, Skipped)
    assert (skipped.place.line, skipped.reason) == (302, "the row runs over 501 lines (an unclosed quotation mark?)")
    # Where no cell needs quotation marks, they are taken for text and nothing gets lost.
    assert titles(from_bytes(b'title,abstract\n"Second,b\nNext,c\n')) == ['"Second', "Next"]


def test_xml_records_are_bounded_and_cut_off_ones_reported() -> None:
    feed = '<feed xmlns="http://www.w3.org/2005/Atom"><id>http://arxiv.org/</id>\n<entry><title>A</title></entry>\n'
    long = f"<entry><title>{'x' * (9 << 20)}</title></entry>\n"
    found = from_bytes(f"{feed}{long}<entry><title>B</title></entry>\n<entry><title>C".encode())
    assert titles(found) == ["A", "B"]
    reasons = [(item.place.line, item.reason) for item in found if isinstance(item, Skipped)]
    assert reasons == [
        (3, "a record longer than 8,388,608 characters is passed over"),
        (5, "broken XML: <entry> has no end; the file is cut off"),
    ]


def test_a_comment_in_xml_that_never_ends_costs_no_record() -> None:
    start = b'<feed xmlns="http://www.w3.org/2005/Atom"><id>http://arxiv.org/</id>\n<!-- open\n'
    first, second = b"<entry><title>A</title></entry>", b"<entry><title>B</title></entry></feed>"
    assert titles(from_bytes(start + first + b" " * (9 << 20) + second)) == ["A", "B"]


def test_a_link_after_an_abstract_belongs_to_it() -> None:
    page = "byAK and the research community\n\nMay 1\n\nA Title\n\n" + "A sentence of an abstract. " * 9
    page += "\n\nProject page: https://example.org/x\n\n  • 2 authors\n·\nMay 1, 2024\n"
    (paper,) = from_bytes(page.encode())
    assert isinstance(paper, Paper)
    assert paper.abstract.endswith("abstract. Project page: https://example.org/x")
    assert (paper.author_count, paper.date) == (2, "2024-05-01")


def test_detection_takes_a_sample_or_a_text() -> None:
    assert detect("") is None
    assert detect('{"title": "x"}').name == "records"  # type: ignore[union-attr]
    for case in CASES:
        expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))["format"]
        opened = open_source(io.BytesIO(case_file(case).read_bytes()))
        reader = detect(Sample(opened.sample(), opened.complete))
        assert reader is not None
        assert reader.name == expected


def test_a_first_record_longer_than_the_sample_is_recognised() -> None:
    words = {f"word{n}": [n] for n in range(30_000)}
    work = {"id": "https://openalex.org/W1", "authorships": [], "abstract_inverted_index": words, "title": "Long"}
    (paper,) = from_bytes(json.dumps(work).encode())
    assert isinstance(paper, Paper)
    assert paper.places[0].format == "openalex"
    assert paper.abstract.endswith("word29999")


def test_json_values_know_their_lines_across_buffers() -> None:
    count = 20_000
    data = "[\n" + ",\n".join(json.dumps({"title": f"é{n}", "nested": {"results": n}}) for n in range(count)) + "\n]"
    found = list(json_values(io.StringIO(data)))
    assert [line for line, _ in found] == list(range(2, count + 2))
    assert found[-1][1] == {"title": f"é{count - 1}", "nested": {"results": count - 1}}


def test_a_large_container_is_streamed() -> None:
    records = [{"title": f"t{n}", "abstract": "x" * 300} for n in range(3000)]
    data = json.dumps({"meta": {"count": 3000}, "results": records, "after": [1]}, indent=0)
    found = list(json_values(io.StringIO(data), limit=5000))
    assert [value for _, value in found] == records


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"a": 1}, {"b": tru}, {"c": 3}]', [{"a": 1}, "!", {"c": 3}]),
        ('{"a": 1} {"b": 2}\n{"c": "cut', [{"a": 1}, {"b": 2}, "!"]),
        ('[\n {"a": [\n  {"x": 1}\n ],},\n {"b": 2}\n]', ["!", {"b": 2}]),
        ("]]}}", []),
        ('[}, {"a": 1}]', [{"a": 1}]),
        ('{"results": [{"a": 1}], "x" 1}', [{"a": 1}, "!"]),
        ('{"results": [1, 2]}', [{"results": [1, 2]}]),
        ("[1" + "0" * 5000 + "]", ["!"]),
        ('{"a": 1}\n{"b": "x\ny"}\n', [{"a": 1}, {"b": "x\ny"}]),
        ("[[1, 2], 3]", [[1, 2], 3]),
        ('\x1e{"a": 1}\n\x1e{"b": 2}', [{"a": 1}, {"b": 2}]),
    ],
)
def test_broken_json_costs_one_record(text: str, expected: list[object]) -> None:
    found = ["!" if isinstance(value, Problem) else value for _, value in json_values(io.StringIO(text))]
    assert found == expected
