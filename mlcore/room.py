"""How many threads other work leaves room for, looked at again and again while a process computes. No torch.

Two threads that share a product wait for each other. Where one of them has lost its core to another program, both stand
still: the waiting one spins away what is left, or has to be woken for every product. One thread waits for nobody.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

_SECONDS = 0.5
# What was seen before a pause of so many looks says nothing about now.
_STALE = 4
_STAT = Path("/proc/stat")


class Room:
    """Cores that are free for this process, as far as it may use them.

    Args:
        cores: the most that it may use.
        used: seconds that all processors worked for anybody since they were started; None where that is not known.
        own: seconds that they worked for this process.
        clock: seconds.
    """

    def __init__(
        self,
        cores: int,
        used: Callable[[], float | None] | None = None,
        own: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cores, self._used, self._own, self._clock = cores, used or processor_seconds, own, clock
        self._machine = os.cpu_count() or cores
        self._at, self._others = clock(), self._of_others()

    def look(self) -> int | None:
        """The threads that there is room for, at least one; None where it is too early to say.

        Cheap enough to be called after each token. What runs at a low priority takes no room: it makes some itself.
        """
        now = self._clock()
        passed = now - self._at
        if passed < _SECONDS:
            return None
        before, self._at, self._others = self._others, now, self._of_others()
        if passed > _STALE * _SECONDS or before is None or self._others is None:
            return None
        free = self._machine - (self._others - before) / passed
        return max(1, min(self._cores, round(free)))

    def _of_others(self) -> float | None:
        used = self._used()
        return None if used is None else used - self._own()


def processor_seconds(stat: Path = _STAT) -> float | None:
    """Seconds that the machine's processors worked, what its host took from them included.

    What ran at a low priority is left out, unless this process has one itself.
    """
    try:
        name, user, low, system, _idle, _waiting, hard, soft, stolen = stat.read_text(encoding="ascii").split()[:9]
    except (OSError, ValueError):
        return None
    ticks = sum(map(int, (user, system, hard, soft, stolen)))
    if os.getpriority(os.PRIO_PROCESS, 0) > 0:
        ticks += int(low)
    return ticks / os.sysconf("SC_CLK_TCK") if name == "cpu" else None
