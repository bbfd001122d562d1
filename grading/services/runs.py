"""Grading runs: what a teacher starts, stops and watches on the assignment's page."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction
from django.utils import timezone

from courses.models import Assignment, Submission
from courses.transitions import move_all
from grading import tasks
from grading.exceptions import NoModelVersion, NothingToMark
from grading.models import GradingJob, GradingRun, JobState, ModelVersion, RunScope, Worker
from grading.models.jobs import ACTIVE_JOB_STATES
from grading.selectors import by_person, graded


def grading_run_start(
    *,
    assignment: Assignment,
    by: User,
    scope: str,
    submissions: Collection[Submission] | None = None,
    with_feedback: bool = True,
) -> GradingRun:
    """Queue the marking of an assignment's submissions; the run that is active already where nothing new is to start.

    Approved grades are left alone, and so is what a person is working on, unless it was selected.

    Raises:
        NoModelVersion: no version is in use.
        NothingToMark: nothing of the selection is left to mark, and no run is active.
    """
    version = ModelVersion.objects.in_use(assignment.course_id)
    if version is None:
        raise NoModelVersion
    with transaction.atomic():
        _lock(assignment)
        chosen = list(_to_mark(assignment, RunScope(scope), submissions).values_list("pk", flat=True))
        if not chosen:
            return _active_run(assignment)
        run = GradingRun.objects.create(
            assignment=assignment, version=version, requested_by=by, scope=scope, with_feedback=with_feedback
        )
        GradingJob.objects.bulk_create([GradingJob(run=run, submission_id=pk) for pk in chosen], batch_size=500)
        tasks.wake_marking()
    return run


def grading_run_cancel(*, run: GradingRun, by: User) -> int:
    """Stop what has not been written yet; the number of jobs stopped. A worker notices by itself."""
    now = timezone.now()
    with transaction.atomic():
        GradingRun.objects.filter(pk=run.pk, cancelled_at=None).update(cancelled_at=now)
        return move_all(run.jobs.all(), ACTIVE_JOB_STATES, JobState.CANCELLED, finished_at=now, error_code="cancelled")


def grading_run_retry_failed(*, run: GradingRun, by: User) -> int:
    """Queue the failed jobs of a run again, with their attempts counted anew; the number of jobs queued."""
    with transaction.atomic():
        _lock(run.assignment)
        busy = GradingJob.objects.active().filter(submission__assignment=run.assignment).values("submission")
        failed = run.jobs.filter(submission__state="ready").exclude(submission__in=busy)
        again = move_all(
            failed, [JobState.FAILED], JobState.QUEUED, attempt=0, finished_at=None, error_code="", error_detail=""
        )
        if again:
            GradingRun.objects.filter(pk=run.pk).update(cancelled_at=None)
            run.reports.all().delete()  # their pace would count the time in between
            tasks.wake_marking()
    return again


def worker_listening(kind: str) -> bool:
    since = timezone.now() - timedelta(seconds=settings.WORKER_SEEN_SECONDS)
    return Worker.objects.listening(since).filter(kind=kind).exists()


def _lock(assignment: Assignment) -> None:
    """Starts and retries of one assignment take turns, so that a second click starts nothing twice."""
    Assignment.objects.select_for_update().get(pk=assignment.pk)


def _to_mark(
    assignment: Assignment, scope: RunScope, submissions: Collection[Submission] | None
) -> models.QuerySet[Submission]:
    busy = GradingJob.objects.active().values("submission")
    rows = assignment.submissions.ready().exclude(pk__in=busy).exclude(grades__state="approved")
    if scope == RunScope.SELECTED:
        return rows.filter(pk__in=[submission.pk for submission in submissions or ()])
    rows = rows.exclude(pk__in=by_person().values("submission"))
    return rows.exclude(pk__in=graded().values("submission")) if scope == RunScope.UNGRADED else rows


def _active_run(assignment: Assignment) -> GradingRun:
    run = assignment.grading_runs.filter(jobs__state__in=ACTIVE_JOB_STATES).order_by("-pk").first()
    if run is None:
        raise NothingToMark
    return run
