"""What a build did, told to its caller and kept as ``report.json``."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from kg.model import KnowledgeGraph
from kg.readers import Skipped

MAX_LISTED = 100_000
"""Merges of names that the report lists at most."""

MAX_SKIPPED = 10_000
"""Skipped records that are kept at most, the first ones read; all are counted."""


@dataclass(slots=True)
class Stage:
    """A step of a build: seconds of wall time, things that went through it, and most memory held in it, in MiB.

    The memory is that of this process and of those that extract where the system tells it (Linux), else 0; a process
    that writes files beside this one is not in it.
    """

    name: str
    seconds: float = 0.0
    items: int = 0
    memory: int = 0


@dataclass(slots=True)
class Report:
    """What a build did; :meth:`as_dict` is ``report.json``.

    ``read`` and ``skipped`` are about all records of the folder, ``reused`` counts papers whose extraction was kept
    from an earlier build, ``files`` are in step with the graph, and ``unchanged`` says that all of them were before.
    """

    load: Callable[[], KnowledgeGraph]
    read: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    skipped_count: int = 0
    duplicates: int = 0
    reused: int = 0
    unchanged: bool = False
    files: tuple[str, ...] = ()
    stages: list[Stage] = field(default_factory=list)
    made: KnowledgeGraph | None = None
    former: Mapping[str, Any] = field(default_factory=dict)

    @property
    def graph(self) -> KnowledgeGraph:
        """The graph; that of a folder in which nothing was to be done is made when it is asked for."""
        if self.made is None:
            self.made = self.load()
        return self.made

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds of wall time by stage."""
        return {stage.name: stage.seconds for stage in self.stages}

    def skip(self, skipped: Skipped) -> None:
        """Note what could not be read or extracted."""
        self.skipped_count += 1
        if len(self.skipped) < MAX_SKIPPED:
            self.skipped.append(skipped)

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Measure a stage; the caller says how many things went through it, and the memory of other processes."""
        stage = Stage(name)
        self.stages.append(stage)
        _forget_peak()
        started = time.perf_counter()
        try:
            yield stage
        finally:
            stage.seconds = time.perf_counter() - started
            stage.memory += _peak()

    def summary(self) -> Mapping[str, Any]:
        """Return counts: ``nodes`` by class, ``edges`` by property, and the numbers of ``results`` and ``evidence``."""
        if self.former:
            return self.former
        graph = self.graph
        nodes = Counter(e.type.value for e in graph.entities)
        nodes["Paper"] = len(graph.papers)
        nodes["Baseline"] = sum(e.baseline for e in graph.entities)
        edges: Counter[str] = Counter()
        evidence = len(graph.results)
        for claim in graph.claims:
            edges[claim.relation.value] += 1
            evidence += len(claim.evidence)
        self.former = {
            "nodes": dict(sorted(nodes.items())),
            "edges": dict(sorted(edges.items())),
            "results": len(graph.results),
            "evidence": evidence,
        }
        return self.former

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        skipped = [
            {"file": s.place.file, "line": s.place.line, "format": s.place.format, "reason": s.reason}
            for s in self.skipped
        ]
        merges = islice(self.graph.merges, MAX_LISTED)
        return {
            "records": {"read": self.read, "skipped": self.skipped_count, "duplicates": self.duplicates},
            "skipped": skipped,
            **self.summary(),
            "merges": [{"entity": m.entity, "label": m.left, "name": m.right, "reason": m.reason} for m in merges],
            "reused": self.reused,
            "files": list(self.files),
            "seconds": {name: round(seconds, 3) for name, seconds in self.seconds.items()},
            "stages": [
                {"stage": s.name, "seconds": round(s.seconds, 3), "items": s.items, "peak_memory_mib": s.memory}
                for s in self.stages
            ],
        }

    def dump(self) -> bytes:
        """Return the content of ``report.json``."""
        return (json.dumps(self.as_dict(), ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")


def read_summary(path: Path) -> dict[str, Any]:
    """Return the summary in a ``report.json``; empty if it cannot be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return {name: record[name] for name in ("nodes", "edges", "results", "evidence")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _forget_peak() -> None:
    if sys.platform == "linux":
        with suppress(OSError):
            # proc(5): resets the peak of the resident set, so that each stage has its own.
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak() -> int:
    return peak_memory(os.getpid())


def peak_memory(process: int) -> int:
    """Return the most resident memory that a process held, in MiB; 0 where the system does not tell."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return 0
