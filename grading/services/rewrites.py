"""Feedback written again to match a teacher's points: asked for at the desk, written by a worker before anything else,
offered beside the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from courses.transitions import move_all
from grading import tasks
from grading.exceptions import GradeIsClosed, NoModelVersion, PointsMissing
from grading.mapping import question_key, question_of
from grading.models import Grade, GradeState, ModelVersion, Rewrite, RewriteState
from grading.services.claiming import claims
from grading.services.leaks import text_without_passages
from grading.services.versions import version_directory
from mlcore.schemas import Answer, Question

ATTEMPTS = 3
_OPEN = (RewriteState.QUEUED, RewriteState.RUNNING, RewriteState.DONE, RewriteState.FAILED)


@dataclass(frozen=True)
class RewriteClaim:
    """One rewrite that a worker holds, as long as the attempt is still this one."""

    pk: int
    attempt: int
    version_name: str
    version_directory: Path
    key: str
    snapshot: Mapping[str, Any]
    text: str
    points: Decimal

    @property
    def question(self) -> Question:
        return question_of(self.key, self.snapshot)

    @property
    def answer(self) -> Answer:
        return Answer(str(self.pk), self.text)


def open_rewrite(grade: Grade) -> Rewrite | None:
    """What the desk offers or waits for: not what was taken or discarded."""
    return grade.rewrites.exclude(state=RewriteState.CLOSED).first()


def rewrite_request(*, grade: Grade, by: User) -> Rewrite:
    """Ask for feedback that matches the teacher's points, or the proposed ones where there are none. An earlier
    request that still stands is closed, unless it is for the same points and still to be written.

    Raises:
        NoModelVersion, PointsMissing, GradeIsClosed.
    """
    if ModelVersion.objects.in_use(grade.submission.assignment.course_id) is None:
        raise NoModelVersion
    with transaction.atomic():
        row = Grade.objects.select_for_update().get(pk=grade.pk)
        if row.state != GradeState.PROPOSED:
            raise GradeIsClosed(state=row.get_state_display())
        points = row.proposed_points if row.points is None else row.points
        if points is None:
            raise PointsMissing
        waiting = open_rewrite(row)
        if waiting and waiting.points == points and waiting.state in (RewriteState.QUEUED, RewriteState.RUNNING):
            return waiting
        rewrite_close(grade=row)
        rewrite = Rewrite.objects.create(grade=row, by=by, points=points)
        tasks.wake_marking()
    return rewrite


def rewrite_close(*, grade: Grade) -> int:
    """The teacher took the text or does not want it: it is not offered again. What is being written is dropped."""
    return move_all(Rewrite.objects.filter(grade=grade), _OPEN, RewriteState.CLOSED)


@claims
def rewrite_claim() -> RewriteClaim | None:
    """Take the oldest request, or None where none is left."""
    for row in Rewrite.objects.filter(state=RewriteState.QUEUED).select_related("grade__submission__assignment"):
        version = ModelVersion.objects.in_use(row.grade.submission.assignment.course_id)
        if version is None:
            continue
        mine = Rewrite.objects.filter(pk=row.pk, attempt=row.attempt)
        taken = {"attempt": row.attempt + 1, "heartbeat_at": timezone.now()}
        if move_all(mine, [RewriteState.QUEUED], RewriteState.RUNNING, **taken):
            return _claim(row, version)
    return None


def _claim(row: Rewrite, version: ModelVersion) -> RewriteClaim:
    submission = row.grade.submission
    return RewriteClaim(
        pk=row.pk,
        attempt=row.attempt + 1,
        version_name=version.name,
        version_directory=version_directory(version),
        key=question_key(submission.assignment),
        snapshot=row.grade.rubric_snapshot,
        text=submission.text,
        points=row.points,
    )


def _held(claim: RewriteClaim) -> Any:
    return Rewrite.objects.filter(pk=claim.pk, attempt=claim.attempt, state=RewriteState.RUNNING)


def rewrite_heartbeat(*, claim: RewriteClaim) -> bool:
    return bool(_held(claim).update(heartbeat_at=timezone.now()))


def rewrite_write(*, claim: RewriteClaim, text: str) -> bool:
    """Offer what was written, without other students' words; False where nobody wants it any more."""
    row = Rewrite.objects.filter(pk=claim.pk).select_related("grade__submission__assignment").first()
    version = ModelVersion.objects.filter(name=claim.version_name).values_list("pk", flat=True).first()
    if row is not None and version is not None:
        text = text_without_passages(text=text, submission=row.grade.submission, version_id=version)
    return bool(move_all(_held(claim), [RewriteState.RUNNING], RewriteState.DONE, text=text.replace("\0", "")))


def rewrite_fail(*, claim: RewriteClaim) -> None:
    move_all(_held(claim), [RewriteState.RUNNING], RewriteState.FAILED)


def rewrite_give_back(*, claim: RewriteClaim) -> None:
    move_all(_held(claim), [RewriteState.RUNNING], RewriteState.QUEUED, attempt=F("attempt") - 1)


def rewrites_release_stale() -> int:
    """Take back what lost workers held; the number queued again."""
    before = timezone.now() - timedelta(seconds=settings.LEASE_SECONDS)
    stale = Rewrite.objects.filter(state=RewriteState.RUNNING, heartbeat_at__lt=before)
    move_all(stale.filter(attempt__gte=ATTEMPTS), [RewriteState.RUNNING], RewriteState.FAILED)
    return move_all(stale, [RewriteState.RUNNING], RewriteState.QUEUED)
