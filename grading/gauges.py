"""What the rows say of the work at this moment: what waits and for how long, who works, how fast it goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Avg, Count, Min, QuerySet
from django.utils import timezone

from grading.models import (
    GradingJob,
    JobState,
    Pilot,
    PilotState,
    Rewrite,
    RewriteState,
    TrainingRun,
    TrainingState,
    Worker,
    WorkerKind,
)
from grading.services.mails import untold
from grading.services.operations import BACKUP, last_time
from gradingsite import disk

RATE_SECONDS = 60


@dataclass(frozen=True)
class Gauge:
    name: str
    help: str
    values: tuple[tuple[tuple[str, ...], float], ...]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Queue:
    """What waits in the rows for one kind of work."""

    kind: str
    length: int
    oldest: datetime | None

    @property
    def age(self) -> float:
        """Seconds that the oldest has waited."""
        return max(0.0, (timezone.now() - self.oldest).total_seconds()) if self.oldest else 0.0


def queues() -> tuple[Queue, ...]:
    return (
        _queue("marking", GradingJob.objects.filter(state=JobState.QUEUED), "queued_at"),
        _queue("rewrites", Rewrite.objects.filter(state=RewriteState.QUEUED), "created_at"),
        _queue("pilots", Pilot.objects.filter(state=PilotState.QUEUED), "created_at"),
        _queue("training", TrainingRun.objects.filter(state=TrainingState.QUEUED), "created_at"),
        _queue("mail", untold(), "released_at"),
    )


def _queue(kind: str, rows: QuerySet[Any], since: str) -> Queue:
    found = rows.order_by().aggregate(number=Count("pk"), oldest=Min(since))
    return Queue(kind, found["number"], found["oldest"])


def all_gauges() -> Iterator[Gauge]:
    waiting = queues()
    yield Gauge("queue_length", "Rows that wait.", tuple(((q.kind,), float(q.length)) for q in waiting), ("kind",))
    ages = tuple(((q.kind,), q.age) for q in waiting)
    yield Gauge("queue_oldest_seconds", "How long the oldest row has waited.", ages, ("kind",))
    yield from _workers()
    yield from _work()
    yield Gauge("disk_free_ratio", "Free share of the disk that holds what is written.", (((), disk.free_share()),))
    backup = last_time(BACKUP)
    if backup is not None:
        yield Gauge("last_backup_timestamp_seconds", "When the last backup was made.", (((), backup.timestamp()),))


def _workers() -> Iterator[Gauge]:
    since = timezone.now() - timedelta(seconds=settings.WORKER_SEEN_SECONDS)
    seen = (
        Worker.objects.listening(since).order_by().values("kind").annotate(number=Count("pk"), busy=Avg("busy_share"))
    )
    by_kind = {row["kind"]: row for row in seen}
    alive = tuple(((str(kind),), float(by_kind.get(kind, {}).get("number", 0))) for kind in WorkerKind)
    yield Gauge("workers", "Workers that were heard of lately.", alive, ("kind",))
    busy = tuple(((str(kind),), float(row["busy"])) for kind, row in by_kind.items())
    yield Gauge("worker_busy_ratio", "Share of the last minute that they worked, on average.", busy, ("kind",))


def _work() -> Iterator[Gauge]:
    jobs = dict(GradingJob.objects.order_by().values_list("state").annotate(number=Count("pk")))
    states = tuple(((str(state),), float(jobs.get(state, 0))) for state in JobState)
    yield Gauge("grading_jobs", "Grading jobs by state.", states, ("state",))
    since = timezone.now() - timedelta(seconds=RATE_SECONDS)
    done = GradingJob.objects.filter(state=JobState.SUCCEEDED, finished_at__gte=since).count()
    yield Gauge("marks_per_second", "Marks a second over the last minute.", (((), done / RATE_SECONDS),))
    runs = dict(TrainingRun.objects.order_by().values_list("state").annotate(number=Count("pk")))
    trainings = tuple(((str(state),), float(runs.get(state, 0))) for state in TrainingState)
    yield Gauge("training_runs", "Training runs by state.", trainings, ("state",))
