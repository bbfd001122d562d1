"""How much memory a piece of work takes at its highest, for this process and for the one that reads documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from courses.extraction import reading

MEGABYTE = 1024 * 1024


def growth_of(work: Callable[[], object]) -> int:
    """Megabytes that this process held more at the highest point than before."""
    Path("/proc/self/clear_refs").write_text("5")  # the mark of the highest point starts anew
    before = _status("self", "VmRSS")
    work()
    return (_status("self", "VmHWM") - before) // 1024


def reading_process() -> int:
    """Megabytes that the reading process held at the highest, as far as it still lives."""
    process = reading._reader._process
    return _status(str(process.pid), "VmHWM") // 1024 if process and process.poll() is None else 0


def _status(process: str, key: str) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(key)), 0)
