"""The commands: thin functions over those of the package, one module a subject, listed in :data:`COMMANDS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kg.commands import ask, build, check, compare, explore, look, model, serve

COMMANDS: tuple[Callable[..., Any], ...] = (
    build.build,
    build.remove,
    build.export,
    ask.query,
    ask.questions,
    serve.serve,
    look.show,
    look.stats,
    compare.compare,
    compare.leaderboard,
    compare.lineage,
    explore.gaps,
    explore.similar,
    explore.topics,
    explore.trends,
    check.validate,
    check.evaluate,
    model.annotate,
    model.train,
    build.formats,
)
"""All commands in the order in which help lists them; a command is called like its function."""
