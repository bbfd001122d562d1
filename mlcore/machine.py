"""What this process may use of its machine, and which machine that is. No torch.

The number of cores that the machine has says little: a process may be bound to some of them, and a control group may
pay for fewer. All files are looked for below a root, so that a test can bring its own.
"""

from __future__ import annotations

import hashlib
import os
import platform
import socket
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/")
_CGROUPS = "sys/fs/cgroup"
# Lines of /proc/cpuinfo that say which kind of processor it is, on x86 and on Arm.
_ABOUT_CPU = ("model name", "flags", "CPU implementer", "CPU part", "Features")


def usable_cores(root: Path = _ROOT) -> int:
    """The cores that this process may use: as many as it is bound to and its control groups pay for, at least 1.

    Of a quota of 2.5 cores two are used: a third thread would stand still for half of the time, and the others wait.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota(root)
    return bound if quota is None else max(1, min(bound, int(quota)))


def cpu_quota(root: Path = _ROOT) -> float | None:
    """The fewest cores that one of this process's control groups (version 1 or 2) pays for; None without a limit."""
    return min((quota for group in _groups(root) if (quota := _quota(group)) is not None), default=None)


def machine_name(root: Path = _ROOT) -> str:
    """What all processes of a running machine have in common, in containers too: its boot's id, or else its name."""
    return _read(root / "proc/sys/kernel/random/boot_id").strip() or socket.gethostname()


def processor(root: Path = _ROOT) -> str:
    """The processor's model, a digest of what it can do, and how many cores the machine has."""
    facts = dict(_pairs(_read(root / "proc/cpuinfo").partition("\n\n")[0]))
    told = "\n".join(f"{name}: {facts.get(name, '')}" for name in _ABOUT_CPU)
    model = facts.get("model name") or platform.processor() or platform.machine()
    return f"{model} · {hashlib.sha256(told.encode()).hexdigest()[:8]} · {os.cpu_count()} cores"


def _groups(root: Path) -> Iterator[Path]:
    """The directories of this process's groups and of those above them: each of them may have a limit.

    In a container the path may be the host's, of which only the last directory is mounted, as the topmost one.
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            top = root / _CGROUPS
        elif "cpu" in controllers.split(","):
            top = root / _CGROUPS / controllers
        else:
            continue
        group = top / path.lstrip("/")
        yield from (place for place in (group, *group.parents) if place.is_relative_to(top))


def _quota(group: Path) -> float | None:
    """Version 2 writes quota (or "max") and period into one file, version 1 quota (or -1) and period into two."""
    quota, _, period = _read(group / "cpu.max").strip().partition(" ")
    if not quota:
        quota, period = (_read(group / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
    try:
        return int(quota) / int(period) if int(quota) > 0 else None
    except (ValueError, ZeroDivisionError):
        return None


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, value = line.partition(":")
        yield name.strip(), value.strip()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
