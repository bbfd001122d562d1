"""What a long command says while it works, on standard error: one line that renews itself, or lines in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

from mlcore.config import TrainProgress

# A log gets a line now and then, a terminal a line that is always fresh.
_LOG_SECONDS, _SCREEN_SECONDS = 30.0, 0.2


class Line:
    """Says something at most so often; `last` is always said."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._screen = self._stream.isatty()
        self._every = _SCREEN_SECONDS if self._screen else _LOG_SECONDS
        self._next = time.monotonic() + self._every

    def say(self, text: str, *, last: bool = False) -> None:
        if not last and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._every
        start, end = ("\r\x1b[K", "\n" if last else "") if self._screen else ("", "\n")
        print(f"{start}{text}", end=end, file=self._stream, flush=True)


class Counter:
    """How many of a known number are done, with rate and time left; to be used as `on_progress` inside `with`."""

    def __init__(self, what: str, total: int, stream: TextIO | None = None) -> None:
        self._what, self._total, self._done = what, total, 0
        self._line = Line(stream)

    def __enter__(self) -> Counter:
        self._started = time.monotonic()
        return self

    def __call__(self, done: int) -> None:
        self._done = done
        self._line.say(self._text())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._line.say(self._text(), last=True)

    def _text(self) -> str:
        seconds = max(time.monotonic() - self._started, 1e-9)
        rate = self._done / seconds
        left = f", {clock((self._total - self._done) / rate)} left" if 0 < self._done < self._total else ""
        return f"{self._what} {self._done} of {self._total} in {clock(seconds)} ({rate:.1f} a second{left})"


class TrainingLines:
    """A training's progress; to be used as `on_progress`. The end of each stage is always said."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._line = Line(stream)

    def __call__(self, progress: TrainProgress) -> None:
        self._line.say(training_text(progress), last=progress.steps > 0 and progress.step >= progress.steps)


def training_text(progress: TrainProgress) -> str:
    """One line: stage, steps, losses, learning rate, time and memory, each where it is known."""
    parts = [f"{progress.stage} {progress.step}/{progress.steps}" if progress.steps else progress.stage]
    if progress.train_loss is not None:
        parts.append(f"loss {progress.train_loss:.4f}")
    if progress.validation_loss is not None:
        parts.append(f"held out {progress.validation_loss:.4f}")
    if progress.learning_rate is not None:
        parts.append(f"rate {progress.learning_rate:.2e}")
    parts.append(clock(progress.seconds))
    if progress.memory_bytes:
        parts.append(f"{progress.memory_bytes / 1e9:.1f} GB")
    return ", ".join(parts)


def clock(seconds: float) -> str:
    """Seconds as people say them: 5 s, 2 min 05 s, 1 h 02 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
