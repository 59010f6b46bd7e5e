"""Worker processes that keep their manners."""

from __future__ import annotations

import gc
import os
import threading
from multiprocessing import connection, parent_process

RARE = (100_000, 50, 100)
"""Thresholds of the garbage collector while values without cycles are made by the million: a tenth less time."""


def start_worker() -> None:
    """Prepare a worker process of a pool: collect garbage rarely, and end when the parent does, however it ends.

    A pool's workers wait for work for ever when their parent was killed.
    """
    gc.set_threshold(*RARE)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
