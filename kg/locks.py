"""Locks on open files: they go when their process does, however it ends."""

from __future__ import annotations

import os
import sys

# Network file systems without locks answer with one of several errors; what means "somebody else has it" is told apart.
if sys.platform == "win32":
    import msvcrt

    def take(descriptor: int, *, shared: bool = False) -> bool:
        """Lock an open file without waiting; return whether that went well.

        A file system without locks counts as one on which nobody else holds any.
        """
        if shared:
            return True  # an open file cannot be removed here, which is all that a shared lock is for
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        except OSError:
            return True
        return True

else:
    import fcntl

    def take(descriptor: int, *, shared: bool = False) -> bool:
        """Lock an open file without waiting; return whether that went well.

        A file system without locks counts as one on which nobody else holds any.
        """
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


def is_at(descriptor: int, path: str | os.PathLike[str]) -> bool:
    """Return whether an open file still lies at ``path``: a lock file may go while somebody waits for it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False
