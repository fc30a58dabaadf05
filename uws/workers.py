"""Names of workers, and whether the process behind a name is surely gone.

A lease must run out before a silent worker's job is given to another, unless the worker's process can be seen
to be dead: it is, if it ran under this very boot in this very process namespace and its number is free, or
belongs to a process that started at another time. In any doubt it counts as alive.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

_SEPARATOR = "|"
_PROC = Path("/proc")


def worker_name() -> str:
    """Name a new worker of this process: host | boot and namespace | process | its start | a random part."""
    parts = (socket.gethostname()[:80], _place(), str(os.getpid()), _started(os.getpid()), secrets.token_hex(4))
    return _SEPARATOR.join(part.replace(_SEPARATOR, "_") for part in parts)


def is_gone(name: str) -> bool:
    """Tell whether the process that bore the name has certainly ended."""
    parts = name.split(_SEPARATOR)
    if len(parts) != 5 or not parts[1] or parts[1] != _place() or not parts[2].isdigit() or not parts[3]:
        return False
    pid = int(parts[2])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    now_started = _started(pid)
    return bool(now_started) and now_started != parts[3]


def _place() -> str:
    """Identify boot and process namespace; empty where the system does not tell (then leases decide)."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Give the start time of a process in clock ticks since boot; empty where unknown."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
    # The command in parentheses may hold anything; the start time is the 20th field after it.
    fields = text.rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""
