"""A plain model of what the site has accepted, kept in memory while the faults go on."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Accepted:
    """An answer of which the site said that it was handed in."""

    pk: int
    student: str
    assignment: int
    content: bytes
    file: bool


@dataclass(frozen=True)
class Approval:
    """What a teacher gave; `sure` where the site said that it was kept."""

    points: str
    mark: str
    sure: bool


@dataclass(frozen=True)
class Seen:
    """A student was shown something about a grade; by then it had to be released."""

    student: str
    submission: int
    marks: frozenset[str]
    graded: bool
    until: datetime


@dataclass
class Model:
    uploads: dict[str, Accepted] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)  # sent, and no answer came: it may be there or not, but not twice
    approvals: dict[int, list[Approval]] = field(default_factory=dict)
    runs: set[int] = field(default_factory=set)
    trainings: set[int] = field(default_factory=set)
    must_be_released: set[int] = field(default_factory=set)
    seen: list[Seen] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def approved(self, grade: int, approval: Approval) -> None:
        with self.lock:
            self.approvals.setdefault(grade, []).append(approval)

    def counted(self, what: str) -> None:
        with self.lock:
            self.requests[what] += 1
