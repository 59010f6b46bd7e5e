"""Extractions by content: what was extracted once is not extracted again, also after a killed build."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from kg.codec import dump_extraction, load_extraction
from kg.ids import digest
from kg.model import Extraction, Paper


def content_key(paper: Paper, fingerprint: str) -> str:
    """Return the key of what an extractor with this fingerprint makes of a paper."""
    return digest(fingerprint, paper.title, paper.abstract, length=32)


class Cache:
    """A SQLite file of extractions; a broken or foreign file is begun anew, since it holds copies only."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._open(path)
        except sqlite3.DatabaseError:
            path.unlink(missing_ok=True)
            self._open(path)

    def _open(self, path: Path) -> None:
        self._db = sqlite3.connect(path, timeout=30)
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS extraction (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
            )
            self._db.commit()
        except sqlite3.DatabaseError:
            self._db.close()
            raise

    def get(self, key: str) -> Extraction | None:
        """Return what was kept under ``key``, or None."""
        row = self._db.execute("SELECT value FROM extraction WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        with suppress(ValueError):
            return load_extraction(row[0])
        return None

    def put(self, items: Iterable[tuple[str, Extraction]]) -> None:
        """Keep extractions, all or none."""
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO extraction VALUES (?, ?)", [(k, dump_extraction(e)) for k, e in items]
            )

    def keep_only(self, keys: Iterable[str]) -> None:
        """Forget everything else, so that the file does not grow with papers long gone."""
        with self._db:
            self._db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (key TEXT PRIMARY KEY)")
            self._db.execute("DELETE FROM wanted")
            self._db.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", ((k,) for k in keys))
            self._db.execute("DELETE FROM extraction WHERE key NOT IN (SELECT key FROM wanted)")

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
