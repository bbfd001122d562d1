"""A limit on how long the checks of one answer may take: an answer that is made to be slow must not hold up a class."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Well below a lease: a regular expression holds the interpreter, and no heartbeat beats meanwhile.
TEXT_SECONDS = 20.0


class TooSlow(Exception):
    """It was not done in its time."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let what is done inside take so many seconds. Only the main thread can be interrupted; others are not limited.

    A regular expression is interrupted in its middle; another extension's call when it comes back.

    Raises:
        TooSlow: it took longer.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"it took more than {seconds:g} s")

    begun = time.monotonic()
    handler = signal.signal(signal.SIGALRM, ring)
    delay, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if delay:  # somebody else's, that goes on
            signal.setitimer(signal.ITIMER_REAL, max(1e-3, delay - (time.monotonic() - begun)), interval)
