"""What was thrown at the site, and what came of it; the long run (`make fuzz`) closes with its line."""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HANG_SECONDS = 10.0
# How many inputs a long run tries in all; 0 is the short run of the normal suite.
FUZZ = int(os.environ.get("FUZZ", "0"))


def tries(share: float, short: int) -> int:
    """How many inputs one test tries: its share of a long run, or `short` of them."""
    return max(1, round(FUZZ * share)) if FUZZ else short


@dataclass
class Tally:
    inputs: int = 0
    errors: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def one(self, what: str, *places: Path) -> Iterator[None]:
        """One input. Whatever is raised is an error; so is an input that takes long or leaves files in `places`.

        A long run goes on and fails at its end; the short one fails at once, so that hypothesis can make it small.
        """
        before = {path for place in places for path in place.rglob("*")}
        self.inputs += 1
        start = time.monotonic()
        try:
            yield
        except Exception:
            self.errors.append(f"{what}\n{traceback.format_exc(limit=-8)}")
            if not FUZZ:
                raise
        taken = time.monotonic() - start
        hung = taken > HANG_SECONDS
        if hung:
            self.hangs.append(f"{what}: {taken:.1f} s")
        left = {path for place in places for path in place.rglob("*") if path.is_file()} - before
        self.left += [f"{what}: {path.name}" for path in left]
        if not FUZZ:
            assert not hung, f"{taken:.1f} s"
            assert not left, left

    def line(self) -> str:
        return f"{self.inputs} inputs, {len(self.errors)} errors, {len(self.hangs)} hangs, {len(self.left)} left behind"


TALLY = Tally()
