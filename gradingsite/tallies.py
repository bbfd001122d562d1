"""Counters that all processes share: counted in memory, added to rows of the database every few seconds.

A site has several web and worker processes, on one machine or more, and a scrape reaches one of them. Rows are what
they all have; so what a scrape reads is the sum of all, and it goes on where it was after a restart.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import Counter

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F

log = logging.getLogger(__name__)

Series = tuple[str, str]

# Seconds. Pages should stay below the first ones; the last ones are uploads and tasks.
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0)

_counts: Counter[Series] = Counter()
_lock = threading.Lock()
_thread: threading.Thread | None = None
_ended = threading.Event()


def count(name: str, amount: float = 1, /, **labels: str) -> None:
    """Add to a counter."""
    with _lock:
        _counts[name, _written(labels)] += amount  # type: ignore[assignment]
    _start()


def observe(name: str, value: float, /, **labels: str) -> None:
    """Add to a histogram: to the bucket that the value falls in, and to the sum."""
    edge = next((str(edge) for edge in BUCKETS if value <= edge), "+Inf")
    count(f"{name}_bucket", le=edge, **labels)
    count(f"{name}_sum", value, **labels)


def flush() -> None:
    """Add what was counted to the rows. Where the database is away it is kept for the next time."""
    with _lock:
        taken = dict(_counts)
        _counts.clear()
    if not taken:
        return
    try:
        with transaction.atomic():
            # In one order, so that two processes that add to the same rows wait for each other and never in a ring.
            for (name, labels), value in sorted(taken.items()):
                _add(name, labels, value)
    except DatabaseError as error:
        log.warning("counts are kept until the database answers: %s", error)
        with _lock:
            _counts.update(taken)


def _add(name: str, labels: str, value: float) -> None:
    from grading.models import Tally

    if not Tally.objects.filter(name=name, labels=labels).update(value=F("value") + value):
        _row, created = Tally.objects.get_or_create(name=name, labels=labels, defaults={"value": value})
        if not created:
            Tally.objects.filter(name=name, labels=labels).update(value=F("value") + value)


def _written(labels: dict[str, str]) -> str:
    return json.dumps(labels, sort_keys=True, separators=(",", ":"), ensure_ascii=False)[:300]


def _start() -> None:
    """A thread of each process that counts, begun at its first count: a process that forks has none yet."""
    global _thread  # noqa: PLW0603 - one per process is the point
    if _thread is None and settings.METRICS_FLUSH_SECONDS:
        with _lock:
            if _thread is None:
                _thread = threading.Thread(target=_run, name="tallies", daemon=True)
                _thread.start()


def _run() -> None:
    while not _ended.wait(settings.METRICS_FLUSH_SECONDS):
        flush()
        connection.close()


def _forget() -> None:
    """In a forked process: its parent's counts are its parent's, and threads do not come along."""
    global _thread, _lock
    _thread, _lock = None, threading.Lock()
    _counts.clear()


os.register_at_fork(after_in_child=_forget)
