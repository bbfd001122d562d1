"""The queue of grading jobs, as a worker uses it: take a batch, keep the lease, write results or failures.

A job's attempt number is its fencing token: what was claimed again, or cancelled, can no longer be written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, When
from django.utils import timezone

from courses.transitions import TransitionLost, move, move_all
from grading.mapping import question_key, question_of, rubric_snapshot
from grading.models import GradingJob, GradingRun, JobState
from grading.services.claiming import claims
from grading.services.versions import version_directory
from gradingsite import tallies
from mlcore.schemas import Answer, Question

ATTEMPTS = 3


@dataclass(frozen=True)
class Ticket:
    """One claimed job: the right to write its result, as long as the attempt is still this one."""

    job_id: int
    submission_id: int
    attempt: int
    text: str

    @property
    def answer(self) -> Answer:
        return Answer(str(self.job_id), self.text)


@dataclass(frozen=True)
class Claim:
    """A batch of one run: one assignment, one model version."""

    worker: str
    run_id: int
    version_id: int
    version_name: str
    version_directory: Path
    compute_dtype: str
    with_feedback: bool
    takes_edited: bool
    key: str
    snapshot: Mapping[str, Any]
    tickets: tuple[Ticket, ...] = field(default=())

    @property
    def question(self) -> Question:
        return question_of(self.key, self.snapshot)


@claims
def jobs_claim(*, worker: str, limit: int, dtypes: Sequence[str] = ()) -> Claim | None:
    """Take up to `limit` queued jobs of one run, or None where nothing is queued.

    Runs take turns, the oldest first, so that a large one does not keep the others waiting. Jobs that failed before
    come last, so that a bad answer does not spoil a batch of good ones.

    `dtypes` are what the worker can multiply matrices in, its own choice first. A run's first worker gives it that
    choice, and it keeps it, so that the same answer keeps the same mark; a worker leaves runs that it cannot go on
    with, and comes last to those for which it would have to load the model in another dtype.
    """
    with transaction.atomic():
        run = _next_run(dtypes)
        if run is None:
            return None
        queued = run.jobs.filter(state=JobState.QUEUED).order_by("attempt", "pk").select_for_update(skip_locked=True)
        keys = list(queued.values_list("pk", flat=True)[:limit])
        now = timezone.now()
        move_all(
            GradingJob.objects.filter(pk__in=keys),
            [JobState.QUEUED],
            JobState.RUNNING,
            attempt=F("attempt") + 1,
            worker=worker,
            heartbeat_at=now,
            started_at=now,
        )
        GradingRun.objects.filter(pk=run.pk).update(claimed_at=now)
        _keep_dtype(run, dtypes)
        return _claim(worker, run, keys)


def _next_run(dtypes: Sequence[str]) -> GradingRun | None:
    waiting = GradingJob.objects.filter(state=JobState.QUEUED).values("run")
    runs = GradingRun.objects.filter(pk__in=waiting).select_related("version", "assignment")
    turns = [F("claimed_at").asc(nulls_first=True), F("pk").asc()]
    if not dtypes:
        return runs.order_by(*turns).first()
    reloads = Case(When(compute_dtype__in=["", dtypes[0]], then=0), default=1)
    return runs.filter(compute_dtype__in=["", *dtypes]).order_by(reloads, *turns).first()


def _keep_dtype(run: GradingRun, dtypes: Sequence[str]) -> None:
    """The first worker of a run decides; one that claims at the same moment reads what was decided."""
    if dtypes and not run.compute_dtype:
        GradingRun.objects.filter(pk=run.pk, compute_dtype="").update(compute_dtype=dtypes[0])
        run.refresh_from_db(fields=["compute_dtype"])


def _claim(worker: str, run: GradingRun, keys: Sequence[int]) -> Claim | None:
    # Only what is really ours: between reading and moving, another worker may have taken a row.
    mine = GradingJob.objects.filter(pk__in=keys, worker=worker, state=JobState.RUNNING).select_related("submission")
    tickets = tuple(Ticket(job.pk, job.submission_id, job.attempt, job.submission.text) for job in mine.order_by("pk"))
    if not tickets:
        return None
    return Claim(
        worker=worker,
        run_id=run.pk,
        version_id=run.version_id,
        version_name=run.version.name,
        version_directory=version_directory(run.version),
        compute_dtype=run.compute_dtype,
        with_feedback=run.writes_feedback,
        takes_edited=run.scope == "selected",
        key=question_key(run.assignment),
        snapshot=rubric_snapshot(run.assignment),
        tickets=tickets,
    )


def jobs_heartbeat(*, claim: Claim) -> int:
    """Renew the lease on a batch; how many of its jobs are still ours."""
    return _ours(claim, claim.tickets).update(heartbeat_at=timezone.now())


def jobs_give_back(*, claim: Claim, tickets: Iterable[Ticket]) -> int:
    """Put jobs back that were claimed but not marked, without counting the attempt: the worker is stopping."""
    return move_all(
        _ours(claim, tickets), [JobState.RUNNING], JobState.QUEUED, attempt=F("attempt") - 1, worker="", started_at=None
    )


def job_fail(*, ticket: Ticket, code: str, detail: str, final: bool = False) -> None:
    """Write down that marking this answer failed: queued again while attempts are left, unless trying is useless."""
    tallies.count("model_errors", kind=code)
    job = GradingJob(pk=ticket.job_id, state=JobState.RUNNING)
    guard = {"attempt": ticket.attempt}
    words: dict[str, Any] = {"error_code": code, "error_detail": detail.replace("\0", "")[:2000]}
    try:
        if final or ticket.attempt >= ATTEMPTS:
            move(job, JobState.FAILED, guard=guard, finished_at=timezone.now(), **words)
        else:
            move(job, JobState.QUEUED, guard=guard, worker="", **words)
    except TransitionLost:
        pass  # cancelled, or claimed again: nothing to write


def jobs_release_stale() -> int:
    """Take back the jobs of workers that are not heard of any more; the number of jobs."""
    before = timezone.now() - timedelta(seconds=settings.LEASE_SECONDS)
    with transaction.atomic():
        stale = GradingJob.objects.stale(before)
        lost = move_all(
            stale.filter(attempt__gte=ATTEMPTS),
            [JobState.RUNNING],
            JobState.FAILED,
            finished_at=timezone.now(),
            error_code="worker_lost",
        )
        return lost + move_all(stale, [JobState.RUNNING], JobState.QUEUED, worker="", error_code="worker_lost")


def _ours(claim: Claim, tickets: Iterable[Ticket]) -> Any:
    """The rows that this worker still holds, each at the attempt that it was claimed with."""
    by_attempt: dict[int, list[int]] = defaultdict(list)
    for ticket in tickets:
        by_attempt[ticket.attempt].append(ticket.job_id)
    held = Q(pk__in=[])
    for attempt, keys in by_attempt.items():
        held |= Q(attempt=attempt, pk__in=keys)
    return GradingJob.objects.filter(held, worker=claim.worker, state=JobState.RUNNING)
