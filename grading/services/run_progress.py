"""How far a grading run is, and how long it will take: from its jobs, and from what its workers told of it last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from grading.models import GradingJob, GradingRun, JobState, RunReport, Worker, WorkerKind
from grading.models.jobs import ACTIVE_JOB_STATES
from grading.time_left import Outlook, Part, outlook

# A worker that listens and has not taken part for so long is at something else.
JOINS_WITHIN = timedelta(minutes=3)


class Doing(StrEnum):
    """What is done for a run at this moment."""

    LOADING = "loading"
    SCORING = "scoring"
    WRITING = "writing"


@dataclass(frozen=True)
class RunProgress:
    """How far a run is. `rate_per_minute` and `seconds_left` are None where too little is known to say.

    `scored` and `written` count the answers of unfinished batches too; `written` is 0 in a run without feedback.
    """

    total: int
    queued: int
    running: int
    done: int
    failed: int
    cancelled: int
    with_feedback: bool
    scored: int
    written: int
    doing: tuple[Doing, ...]
    rate_per_minute: float | None
    seconds_left: int | None
    active: bool
    worker_listening: bool

    @property
    def steps(self) -> int:
        """Scores and texts of the whole run."""
        return self.total * (2 if self.with_feedback else 1)

    @property
    def steps_done(self) -> int:
        return self.scored + self.written


def run_progress(run: GradingRun) -> RunProgress:
    now = timezone.now()
    counts = dict(run.jobs.values_list("state").annotate(Count("pk")))
    done, failed, cancelled = (counts.get(s, 0) for s in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED))
    left = sum(counts.get(state, 0) for state in ACTIVE_JOB_STATES)
    listening = {worker.name: worker for worker in _listening(now)}
    batches = _Batches(run, listening, now) if left else None
    expected = batches.outlook(left) if batches else Outlook()
    return RunProgress(
        total=sum(counts.values()),
        queued=counts.get(JobState.QUEUED, 0),
        running=counts.get(JobState.RUNNING, 0),
        done=done,
        failed=failed,
        cancelled=cancelled,
        with_feedback=run.writes_feedback,
        scored=done + (batches.scored if batches else 0),
        written=(done + (batches.written if batches else 0)) if run.writes_feedback else 0,
        doing=batches.doing() if batches else (),
        rate_per_minute=expected.rate,
        seconds_left=None if expected.seconds is None else round(expected.seconds),
        active=left > 0,
        worker_listening=bool(listening),
    )


def _listening(now: datetime) -> list[Worker]:
    since = now - timedelta(seconds=settings.WORKER_SEEN_SECONDS)
    return list(Worker.objects.listening(since).filter(kind=WorkerKind.MARKING))


class _Batches:
    """What the workers of an active run are at."""

    def __init__(self, run: GradingRun, listening: Mapping[str, Worker], now: datetime) -> None:
        self._run, self._listening, self._now = run, listening, now
        running = GradingJob.objects.filter(run=run, state=JobState.RUNNING)
        # By worker, the answers that are still its own: a lost claim takes what was told of it along.
        self._held = dict(running.order_by().values_list("worker").annotate(Count("pk")))
        self._reports = list(run.reports.all())
        self._at_work = [report for report in self._reports if self._batch(report)]

    @property
    def scored(self) -> int:
        return sum(min(report.batch_scored, self._batch(report)) for report in self._at_work)

    @property
    def written(self) -> int:
        return sum(min(int(report.batch_written), self._batch(report)) for report in self._at_work)

    def doing(self) -> tuple[Doing, ...]:
        found = {Doing.SCORING if self._is_being_scored(report) else Doing.WRITING for report in self._at_work}
        idle = not self._at_work
        if any(worker.loading_since and (idle or name in self._held) for name, worker in self._listening.items()):
            found.add(Doing.LOADING)
        return tuple(doing for doing in Doing if doing in found)

    def _is_being_scored(self, report: RunReport) -> bool:
        return report.batch_scored < self._batch(report) or not self._run.writes_feedback

    def outlook(self, left: int) -> Outlook:
        present = [report for report in self._reports if report.worker in self._listening]
        gone = [report for report in self._reports if report.worker not in self._listening]
        return outlook(
            [self._part(report) for report in present],
            [self._part(report) for report in gone],
            queued=left - sum(self._batch(report) for report in present),
            batch_size=settings.MARKING_BATCH_SIZE,
            with_feedback=self._run.writes_feedback,
            joining=self._joining(present),
        )

    def _joining(self, present: list[RunReport]) -> list[float]:
        """Workers that listen and are expected to take part; runs take turns with each."""
        if not present or self._now - min(report.began_at for report in present) > JOINS_WITHIN:
            return []
        runs = GradingRun.objects.filter(jobs__state__in=ACTIVE_JOB_STATES).distinct().count()
        return [1 / max(1, runs)] * (len(self._listening) - len(present))

    def _batch(self, report: RunReport) -> int:
        return min(report.batch, self._held.get(report.worker, 0))

    def _part(self, report: RunReport) -> Part:
        batch = self._batch(report)
        return Part(
            scored=report.scored,
            scoring_seconds=report.scoring_seconds,
            written=report.written,
            writing_seconds=report.writing_seconds,
            wall_seconds=max(0.0, (report.told_at - report.began_at).total_seconds()),
            age=max(0.0, (self._now - report.told_at).total_seconds()),
            batch=batch,
            batch_scored=min(report.batch_scored, batch),
            batch_written=min(report.batch_written, batch),
        )
