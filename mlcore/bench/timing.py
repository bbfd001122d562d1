"""Two ways to do the same work, timed by turns so that a busy machine slows both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch

T = TypeVar("T")
P = TypeVar("P")


@dataclass
class Timed(Generic[T]):
    """Seconds of each repeat of one piece of work, and what the last one returned."""

    result: T
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def spread(self) -> str:
        """The fastest and the slowest repeat."""
        return f"{min(self.seconds):.2f} to {max(self.seconds):.2f} s in {len(self.seconds)} repeats"


def by_turns(repeats: int, ours: Callable[[int], T], peer: Callable[[int], P]) -> tuple[Timed[T], Timed[P]]:
    """Time both by turns. Each gets the number of the repeat, from 1; 0 is the warm-up, which is not timed."""
    first, second = Timed(ours(0)), Timed(peer(0))
    for repeat in range(1, repeats + 1):
        _time(first, ours, repeat)
        _time(second, peer, repeat)
    return first, second


def _time(timed: Timed[T], work: Callable[[int], T], repeat: int) -> None:
    _wait()
    started = time.perf_counter()
    timed.result = work(repeat)
    _wait()
    timed.seconds.append(time.perf_counter() - started)


def _wait() -> None:
    """A GPU works on after the call returns."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
