"""The documentation: each command has a section, what it says to type is right, the site builds without a warning."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import sys
import warnings
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from kg import ids, ontology
from kg.export import FORMATS
from kg.query import questions
from kg.readers import READERS
from tests.paths import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
TEXTS = [
    *PAGES,
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md", "benchmarks/README.md")),
]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^\s*```.*?^\s*```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)|\{download\}`[^<`]*<([^>]+)>`")


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "_generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _load()


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def typed(text: str) -> Iterator[str]:
    """Yield the command lines of kg in the console blocks of a page."""
    for block in re.findall(r"^ *```console\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        # A line that ends inside quotes goes on in the next one.
        lines = block.splitlines()
        while lines:
            line = lines.pop(0).strip()
            if line.startswith("$ "):
                while line.count("'") % 2 and lines:
                    line += " " + lines.pop(0).strip()
                for part in re.split(r" \| (?=kg)", line[2:]):
                    if part.startswith("kg "):
                        yield part


def test_each_command_has_a_section_and_each_section_a_command() -> None:
    text = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    assert re.findall(r"^## kg (\w+)$", text, re.MULTILINE) == list(generate.commands())
    for name, section in zip(generate.commands(), re.split(r"^## kg ", text, flags=re.MULTILINE)[1:], strict=True):
        assert f"<!-- options: {name} -->" in section
        words = re.sub(r"```.*?```|<!--.*?-->", "", section.partition("\n")[2], flags=re.DOTALL)
        assert len(words.split()) >= 5, f"kg {name} is not explained"


@pytest.mark.parametrize("name", list(generate.commands()))
def test_options_are_all_told(name: str) -> None:
    told = generate.options(name)
    for parameter in generate.commands()[name].params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            assert all(re.search(rf"`{option}[ `]", told) for option in parameter.opts)
            assert parameter.help.replace("`", "") in told.replace(r"\|", "|").replace("`", "")


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_what_pages_say_to_type_is_taken(path: Path) -> None:
    for line in typed(path.read_text(encoding="utf-8")):
        words = shlex.split(re.split(r" [<>|] ", line)[0], comments=True)
        command = generate.commands().get(words[1]) if len(words) > 1 else None
        if words[1:] == ["--help"] or words[1:2] == ["COMMAND"]:
            continue
        assert command is not None, f"{line}: no such command"
        try:
            command.make_context(words[1], words[2:])
        except Exception as error:  # typer carries a copy of click, whose exceptions are its own
            pytest.fail(f"{line}: {getattr(error, 'message', error)}")


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_links_inside_the_project_lead_somewhere(path: Path) -> None:
    for match in _LINK.finditer(_FENCED.sub("", path.read_text(encoding="utf-8"))):
        target = (match[1] or match[2]).partition("#")[0]
        if target and not re.match(r"[a-z]+:", target):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_generated_parts_tell_all_that_there_is() -> None:
    parts = {name: make() for name, make in generate.PARTS.items()}
    assert all(f"`{reader.name}`" in parts["readers"] for reader in READERS)
    assert all(f"| `{name}` |" in parts["exports"] for name in FORMATS)
    assert all(f"## {question.name}\n" in parts["questions"] for question in questions())
    terms = parts["classes"] + parts["properties"]
    for term in ontology.declared():
        if term.value.startswith(ids.ONTOLOGY) and term != ontology.INFERRED:
            assert f"### kg:{term.value.removeprefix(ids.ONTOLOGY)}\n" in terms
            assert ontology.definition(term) in terms
    assert "a class without a name" not in terms
    assert '`"title"` or `"abstract"`' in terms or '`"abstract"` or `"title"`' in terms


def test_a_command_that_fails_fails_the_build() -> None:
    with pytest.raises(RuntimeError, match="no such file or folder"):
        generate.fill("<!-- run -->\n```console\n$ kg stats nowhere\n```")


def test_output_is_cut_where_the_page_says() -> None:
    filled = generate.fill("<!-- run: 2 -->\n```console\n$ kg questions\n```\nmore")
    assert filled.startswith("```console\n$ kg questions\nabout ")
    assert filled.endswith("\n...\n```\nmore")
    assert filled.count("\n") == 6


def test_python_of_the_pages_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").mkdir()
    # The smallest example with results on the dataset that the page asks about.
    for name in ("compression.csv", "arxiv-query.xml"):
        shutil.copy(ROOT / "examples" / name, tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["python"])
    names: dict[str, object] = {"__name__": "page"}
    count = 0
    for page in ("reference/python.md", "howto/gephi.md"):
        for language, code in _BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
            if language == "python":
                exec(compile(code, page, "exec"), names)
                count += 1
    assert count >= 3
    assert len(names["graph"]) > 10  # type: ignore[arg-type]


class _Loaded(HTMLParser):
    """Collects what a page loads by itself: scripts, styles, fonts, pictures; links that people follow are no load."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "link"):
            self.addresses += [values[key] or "" for key in ("src", "href") if key in values]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for package in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(package, reason="the site is built with the extra docs: pip install 'paper-kg[docs]'")
    from sphinx.cmd.build import build_main

    folder = tmp_path_factory.mktemp("site")
    arguments = ["-W", "--keep-going", "-q", "-b", "html", "-d", str(folder / "trees"), str(DOCS), str(folder / "html")]
    with warnings.catch_warnings():
        # What the parts of the generator will have to change of each other is no news of ours.
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        assert build_main(arguments) == 0
    return folder / "html"


def test_site_builds_with_every_page(site: Path) -> None:
    for page in PAGES:
        assert (site / page.relative_to(DOCS).with_suffix(".html")).is_file()
    assert (site / "searchindex.js").is_file()


def test_site_loads_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        parser = _Loaded()
        parser.feed(page.read_text(encoding="utf-8"))
        assert parser.addresses
        assert not [address for address in parser.addresses if re.match(r"(?:https?:)?//", address)], page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", style.read_text(encoding="utf-8")), style.name


def test_site_shows_answers_and_drawings(site: Path) -> None:
    tutorial = (site / "tutorial.html").read_text(encoding="utf-8")
    assert tutorial.count("<svg") >= 2
    assert "Lineage of Transformer" in tutorial
    assert "Results on ImageNet" in tutorial
    assert "<!-- run" not in tutorial
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    assert "--page-year" in commands
    api = (site / "reference" / "python.html").read_text(encoding="utf-8")
    for name in ("kg.building.build", "kg.store.open_graph", "kg.analysis.leaderboard.leaderboard"):
        assert f'id="{name}"' in api
