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
    """Seconds of each repeat of one piece of work, and what it returned."""

    result: T
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def spread(self) -> str:
        """The fastest and the slowest repeat."""
        return f"{min(self.seconds):.2f} to {max(self.seconds):.2f} s in {len(self.seconds)} repeats"


def by_turns(repeats: int, ours: Callable[[], T], peer: Callable[[], P]) -> tuple[Timed[T], Timed[P]]:
    """Run both once to warm up, then by turns, `repeats` times each."""
    first, second = Timed(ours()), Timed(peer())
    for _ in range(repeats):
        first.seconds.append(_seconds(ours))
        second.seconds.append(_seconds(peer))
    return first, second


def _seconds(work: Callable[[], object]) -> float:
    _wait()
    started = time.perf_counter()
    work()
    _wait()
    return time.perf_counter() - started


def _wait() -> None:
    """A GPU works on after the call returns."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
