"""The try-it box: an answer that an admin typed, marked by a version and the one in use beside it."""

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
from grading.models import ModelVersion, Trial, TrialState
from grading.services.claiming import claims
from grading.services.versions import version_directory
from mlcore.rows import guess_language
from mlcore.schemas import Answer, Question

ATTEMPTS = 2
KEPT = timedelta(days=1)


@dataclass(frozen=True)
class TrialClaim:
    """One typed answer with the versions that are to mark it, by name."""

    pk: int
    attempt: int
    question: Question
    answer: Answer
    versions: Mapping[str, Path]


def trial_start(
    *, version: ModelVersion, by: User, question: str, reference_answer: str, answer: str, max_points: Decimal
) -> Trial:
    """Have an answer marked by this version and by the one in use."""
    with transaction.atomic():
        row = Trial.objects.create(
            version=version,
            by=by,
            question=question,
            reference_answer=reference_answer,
            answer=answer,
            max_points=max_points,
        )
        tasks.wake_marking()
    return row


@claims
def trial_claim() -> TrialClaim | None:
    """Take the oldest trial that waits, or None where none does."""
    for row in Trial.objects.filter(state=TrialState.QUEUED).select_related("version").order_by("pk"):
        mine = Trial.objects.filter(pk=row.pk, attempt=row.attempt)
        taken = {"attempt": row.attempt + 1, "heartbeat_at": timezone.now()}
        if move_all(mine, [TrialState.QUEUED], TrialState.RUNNING, **taken):
            return _claim(row)
    return None


def trial_heartbeat(*, claim: TrialClaim) -> bool:
    return bool(_held(claim).update(heartbeat_at=timezone.now()))


def trial_write(*, claim: TrialClaim, results: Mapping[str, Any]) -> bool:
    """Keep what the versions said; False where the claim is lost."""
    return bool(move_all(_held(claim), [TrialState.RUNNING], TrialState.DONE, results=dict(results)))


def trial_fail(*, claim: TrialClaim, code: str) -> None:
    move_all(_held(claim), [TrialState.RUNNING], TrialState.FAILED, error_code=code)


def trial_give_back(*, claim: TrialClaim) -> None:
    move_all(_held(claim), [TrialState.RUNNING], TrialState.QUEUED, attempt=F("attempt") - 1)


def trials_release_stale() -> int:
    """Take back what lost workers held, and forget what is older than a day; the number queued again."""
    now = timezone.now()
    Trial.objects.filter(created_at__lt=now - KEPT).delete()
    stale = Trial.objects.filter(
        state=TrialState.RUNNING, heartbeat_at__lt=now - timedelta(seconds=settings.LEASE_SECONDS)
    )
    move_all(stale.filter(attempt__gte=ATTEMPTS), [TrialState.RUNNING], TrialState.FAILED, error_code="worker_lost")
    return move_all(stale, [TrialState.RUNNING], TrialState.QUEUED)


def _claim(row: Trial) -> TrialClaim:
    in_use = ModelVersion.objects.in_use(row.version.course_id)
    versions = [row.version] if in_use is None or in_use.pk == row.version_id else [row.version, in_use]
    most = float(row.max_points)
    return TrialClaim(
        pk=row.pk,
        attempt=row.attempt + 1,
        question=Question(
            id=f"trial-{row.pk}",
            text=row.question,
            reference_answer=row.reference_answer,
            max_points=most,
            step=most / 20,
            language=guess_language(row.question + " " + row.answer),
        ),
        answer=Answer("trial", row.answer),
        versions={version.name: version_directory(version) for version in versions},
    )


def _held(claim: TrialClaim) -> Any:
    return Trial.objects.filter(pk=claim.pk, attempt=claim.attempt, state=TrialState.RUNNING)
