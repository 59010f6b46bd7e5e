"""Environments for processes that tests start."""

from __future__ import annotations

import os


def uncovered() -> dict[str, str]:
    """The environment without what makes processes write data of coverage: on a full disk that would fail first."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "COV_"))}
