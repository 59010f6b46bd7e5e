"""What a built folder remembers: where its papers come from, what was extracted of them, and how the graph was made.

All of it lies in the hidden folder ``.state``. Without it the graph is whole, but the next build begins anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kg.ids import BASE
from kg.resolve import Overrides
from kg.state.sources import Source

__all__ = ["FOLDER", "Source", "State", "load_state"]

FOLDER = ".state"
STATE_FILE = "state.json"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A folder at its last build.

    ``graph`` is the hash of all that the graph follows from; ``fingerprint`` that of the extractor; ``base`` the IRI
    under which things are minted, ``license`` that of the licence; ``formats`` are those that were last asked for,
    ``files`` those files that are in step with the graph, with their sizes in bytes, ``gone`` former ones that are to
    be removed; ``overrides`` are the user's file of names.
    """

    sources: tuple[Source, ...] = ()
    graph: str = ""
    fingerprint: str = ""
    base: str = BASE
    license: str | None = None
    formats: tuple[str, ...] = ()
    files: Mapping[str, int] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    overrides: Overrides = field(default_factory=Overrides)

    def dump(self) -> bytes:
        """Return the content of the state file."""
        different = sorted(sorted(pair) for pair in self.overrides.different)
        record = {
            "version": VERSION,
            "graph": self.graph,
            "fingerprint": self.fingerprint,
            "base": self.base,
            "license": self.license,
            "formats": self.formats,
            "files": dict(self.files),
            "gone": self.gone,
            "overrides": {
                "same": dict(self.overrides.same),
                "different": different,
                "names": dict(self.overrides.names),
            },
            "sources": [asdict(source) for source in self.sources],
        }
        return (json.dumps(record, indent=1) + "\n").encode("ascii")


def load_state(out: Path) -> State | None:
    """Return what the folder ``out`` remembers; None where it remembers nothing, or nothing that can be understood."""
    try:
        record = json.loads((out / FOLDER / STATE_FILE).read_text(encoding="ascii"))
        if record["version"] != VERSION:
            return None
        names = record["overrides"]
        return State(
            sources=tuple(Source(**{**s, "parts": tuple(s["parts"])}) for s in record["sources"]),
            graph=record["graph"],
            fingerprint=record["fingerprint"],
            base=record["base"],
            license=record["license"],
            formats=tuple(record["formats"]),
            files=dict(record["files"]),
            gone=tuple(record["gone"]),
            overrides=Overrides(names["same"], frozenset(map(frozenset, names["different"])), names["names"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
