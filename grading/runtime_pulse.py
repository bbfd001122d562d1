"""The pulse of a worker process: a thread that keeps its row fresh and renews the lease on what it is working on.

It has a database connection of its own, so that the lease is renewed while the model is busy. From it the working
thread learns that its work was cancelled or given to somebody else, or that the process is to stop.
"""

from __future__ import annotations

import logging
import math
import multiprocessing
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import FrameType
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from grading import tasks
from grading.models import WorkerKind
from grading.services.workers import worker_gone, worker_seen
from gradingsite import tallies

log = logging.getLogger(__name__)

# Of the soft shutdown's seconds; the rest is for giving back what was not finished.
FINISHING_SHARE = 0.6
BUSY_OVER_SECONDS = 60.0  # about so far back goes the share of its time that a worker was busy


class StopFlag:
    """Set by a worker's main process when it begins to stop, read by its processes that work.

    It is one number (when, on the machine's own clock; 0 is never) in memory that is shared because they are forked
    after this module was imported; it has no lock, so that a signal handler can set it.
    """

    def __init__(self) -> None:
        self._shared = multiprocessing.RawValue("d", 0.0)

    def set(self) -> None:
        self._shared.value = self._shared.value or time.monotonic()

    def clear(self) -> None:
        self._shared.value = 0.0

    def is_set(self) -> bool:
        return bool(self._shared.value)

    def hurries(self) -> bool:
        """Whether what is at work must be left: a batch may be finished in most of the time that Celery waits."""
        since: float = self._shared.value
        return bool(since) and time.monotonic() - since > FINISHING_SHARE * settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT


stopping = StopFlag()


@dataclass
class Lease:
    """What is being worked on. `beat` renews it and says whether it still holds; `lost` is set when it does not."""

    beat: Callable[[], bool]
    lost: threading.Event = field(default_factory=threading.Event)


class Busy:
    """How much of its time a process works. One thread works and another looks now and then."""

    def __init__(self) -> None:
        self.share = 0.0
        self._since: float | None = None
        self._seconds = 0.0
        self._looked = time.monotonic()
        self._lock = threading.Lock()

    def begin(self) -> None:
        with self._lock:
            self._since = time.monotonic()

    def end(self) -> None:
        with self._lock:
            self._settle(time.monotonic())
            self._since = None

    def look(self) -> float:
        """The busy seconds since the last look; `share` then holds the share of the last minute or so."""
        with self._lock:
            now = time.monotonic()
            self._settle(now)
            seconds, passed = self._seconds, max(now - self._looked, 1e-6)
            self._seconds, self._looked = 0.0, now
        fades = math.exp(-passed / BUSY_OVER_SECONDS)
        self.share = fades * self.share + (1 - fades) * min(1.0, seconds / passed)
        return seconds

    def _settle(self, now: float) -> None:
        if self._since is not None:
            self._seconds += now - self._since
            self._since = now


class Pulse:
    """One per worker process; see `pulse()`."""

    def __init__(self, kind: WorkerKind) -> None:
        self.kind = kind
        # Never used again by a later process, so that a late write of this one cannot pass for the other's.
        self.name = f"{kind}@{socket.gethostname()[:60]}:{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.stopping = stopping
        self.busy = Busy()
        self._facts: dict[str, str] = {}
        self._loading_since: datetime | None = None
        self._writing = threading.Lock()
        self._lease: Lease | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(timeout=5)

    def tell(self, **facts: str) -> None:
        """What the health page shows of this worker from the next beat on: arguments of `worker_seen`."""
        self._facts = self._facts | facts

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Say, at once, that the model is being loaded while this is open: whoever watches a run waits for it."""
        self._loading_since = timezone.now()
        self._tell_now()
        try:
            yield
        finally:
            self._loading_since = None
            self._tell_now()

    @contextmanager
    def holding(self, beat: Callable[[], bool]) -> Iterator[Lease]:
        """Renew a lease until the work is done."""
        lease = Lease(beat)
        self._lease = lease
        self.busy.begin()
        try:
            yield lease
        finally:
            self.busy.end()
            self._lease = None

    def _run(self) -> None:
        try:
            while True:
                self._tick()
                if self._ended.wait(settings.HEARTBEAT_SECONDS):
                    worker_gone(name=self.name)
                    return
        except DatabaseError:
            log.warning("the row of %s could not be removed; it will be forgotten by itself", self.name)
        finally:
            connection.close()

    def _tick(self) -> None:
        try:
            seconds = self.busy.look()
            tallies.count("worker_busy_seconds", seconds, kind=self.kind)
            self._seen()
            lease = self._lease
            if lease is not None and not lease.beat():
                lease.lost.set()
        except DatabaseError as error:
            # The database may be away for a moment. Whether the lease survived is seen at the next beat or write.
            log.warning("no heartbeat: %s", error)
            connection.close()

    def _seen(self) -> None:
        # Two threads write it: the later word must be the last.
        with self._writing:
            share, since = round(self.busy.share, 3), self._loading_since
            worker_seen(name=self.name, kind=self.kind, busy_share=share, loading_since=since, **self._facts)

    def _tell_now(self) -> None:
        try:
            self._seen()
        except DatabaseError as error:
            log.warning("the next heartbeat will tell what this worker does: %s", error)


_pulse: Pulse | None = None


def pulse(kind: WorkerKind) -> Pulse:
    """The pulse of this process, started where it is not beating yet."""
    global _pulse  # noqa: PLW0603 - one per process is the point
    if _pulse is None:
        _pulse = Pulse(kind)
        _pulse.start()
    return _pulse


def start() -> None:
    """Begin in a fresh worker process, if it takes marking or training. It also looks at what is queued already."""
    kind = kind_of_process()
    if kind is None or kind == WorkerKind.DEFAULT:
        return
    pulse(kind)
    task = tasks.mark_next if kind == WorkerKind.MARKING else tasks.train_next
    threading.Thread(target=_send, args=(task,), daemon=True).start()


def start_main() -> None:
    """Begin in a worker's main process: one for short work does it there, in threads."""
    if kind_of_process() == WorkerKind.DEFAULT:
        pulse(WorkerKind.DEFAULT)


def stop() -> None:
    global _pulse  # noqa: PLW0603
    if _pulse is not None:
        _pulse.stop()
        _pulse = None
    tallies.flush()


def kind_of_process() -> WorkerKind | None:
    """What this worker is for: by MARGINALIA_WORKER_KIND, or by the queues that it takes from."""
    named = os.environ.get("MARGINALIA_WORKER_KIND", "")
    if named:
        return WorkerKind(named)
    queues = current_app.amqp.queues.consume_from
    return next((kind for kind in WorkerKind if kind in queues), None)


def watch_for_shutdown() -> None:
    """In a worker's main process: pass its first stop signal on to the processes that work.

    Celery only waits for them, and kills them when its time for a soft shutdown is over; told at once, they give back
    what they cannot finish.
    """
    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
        earlier = signal.getsignal(number)
        if callable(earlier):
            signal.signal(number, _telling(earlier))


def _telling(earlier: Callable[[int, FrameType | None], Any]) -> Callable[[int, FrameType | None], Any]:
    def handle(number: int, frame: FrameType | None) -> Any:
        stopping.set()
        return earlier(number, frame)

    return handle


def _send(task: object) -> None:
    try:
        task.delay()  # type: ignore[attr-defined]
    except Exception:  # any transport's own error; beat wakes later
        log.warning("the broker could not be reached to look at the queue", exc_info=True)
