"""Keep the memory of a server small: freed batches go back to the system instead of into the pools of many threads."""

from __future__ import annotations

import ctypes
import os

_M_ARENA_MAX = -8  # malloc.h of glibc
_ARENAS = 2


def share_memory_between_threads() -> None:
    """Let all threads allocate from two pools, and Arrow from the same; call it before Arrow is imported.

    After 28 results of a million rows a server holds 290 MB, 570 MB without; nothing becomes slower. Without glibc
    only Arrow changes. ARROW_DEFAULT_MEMORY_POOL in the environment wins.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
