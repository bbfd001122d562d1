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


def by_turns(
    repeats: int, ours: Callable[[int], T], peer: Callable[[int], P], *, warm_up: bool = True
) -> tuple[Timed[T], Timed[P]]:
    """Time both by turns. Each gets the number of the repeat, from 1; 0 is the warm-up, which is not timed."""
    if warm_up:
        ours(0)
        peer(0)
    first, second = _timed(ours, 1), _timed(peer, 1)
    for repeat in range(2, repeats + 1):
        first = _timed(ours, repeat, first)
        second = _timed(peer, repeat, second)
    return first, second


def _timed(work: Callable[[int], T], repeat: int, before: Timed[T] | None = None) -> Timed[T]:
    _wait()
    started = time.perf_counter()
    result = work(repeat)
    _wait()
    seconds = time.perf_counter() - started
    return Timed(result, [*(before.seconds if before else ()), seconds])


def _wait() -> None:
    """A GPU works on after the call returns."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
