"""The direction of imports: model and ids know nothing of the rest, stages no stage beside them, nothing the CLI."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

FREE = {"kg.model": {"kg.ids"}, "kg.ids": set(), "kg.errors": set(), "kg.text": set()}
STAGES = ("kg.readers", "kg.extract", "kg.resolve", "kg.export")
MODULES = sorted((ROOT / "kg").rglob("*.py"))
LIMIT = 450


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    name = name_of(path)
    used = {module for module in imports(path) if module.startswith("kg.")}
    if name in FREE:
        assert {m for m in used if m.count(".") == 1} <= FREE[name]
    own = next((stage for stage in STAGES if name.startswith(stage)), None)
    if own:
        others = [stage for stage in STAGES if stage != own]
        assert not {m for m in used if m.startswith(tuple(others))}
    if not name.startswith(("kg.__main__", "kg.cli", "kg.commands")):
        assert not {m for m in used if m.startswith(("kg.cli", "kg.commands"))}
    if not name.startswith(("kg.train", "kg.commands")):
        assert not {m for m in used if m.startswith("kg.train")}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_keep_to_one_subject(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LIMIT
