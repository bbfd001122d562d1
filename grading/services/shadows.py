"""Shadow mode: a candidate also marks what the version in use marks, and nobody who reviews sees what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from courses.models import Submission
from grading.exceptions import VersionNotReady
from grading.mapping import question_key
from grading.models import Grade, GradeSource, ModelVersion, ShadowMark, VersionState
from grading.services.claiming import claims
from grading.services.versions import version_directory, version_event

MOST_AT_ONCE = 32


@dataclass(frozen=True)
class ShadowWork:
    """Answers to one question that a candidate is to mark, as they were when the version in use marked them."""

    version_id: int
    version_name: str
    version_directory: Path
    key: str
    snapshot: Mapping[str, Any]
    texts: Mapping[int, str]


def version_shadow_start(*, version: ModelVersion, by: User) -> None:
    """Let a candidate mark, unseen, what the version in use marks from now on.

    Raises:
        VersionNotReady: it is no candidate, or its files were deleted.
    """
    wanted = ModelVersion.objects.filter(pk=version.pk, state=VersionState.CANDIDATE, files_deleted_at=None)
    if not wanted.exists():
        raise VersionNotReady(name=version.name, state=version.get_state_display())
    with transaction.atomic():
        if wanted.filter(shadow_since=None).update(shadow_since=timezone.now()):
            version_event(version, by, "shadow_started", version.state)


def version_shadow_stop(*, version: ModelVersion, by: User) -> None:
    """End the shadow mode of a version; what it marked so far is kept for the comparison."""
    with transaction.atomic():
        if ModelVersion.objects.filter(pk=version.pk).exclude(shadow_since=None).update(shadow_since=None):
            version_event(version, by, "shadow_stopped", version.state)


@claims
def shadow_next() -> ShadowWork | None:
    """The oldest answers that a candidate in shadow mode has still to mark, all of one assignment and one rubric."""
    for version in ModelVersion.objects.filter(state=VersionState.CANDIDATE).exclude(shadow_since=None).order_by("pk"):
        rows = list(_unmarked(version).order_by("pk")[:MOST_AT_ONCE])
        if rows:
            first = rows[0]
            alike = [
                row
                for row in rows
                if row.submission.assignment_id == first.submission.assignment_id
                and row.rubric_snapshot == first.rubric_snapshot
            ]
            return ShadowWork(
                version_id=version.pk,
                version_name=version.name,
                version_directory=version_directory(version),
                key=question_key(first.submission.assignment),
                snapshot=first.rubric_snapshot,
                texts={row.submission_id: row.submission.text for row in alike},
            )
    return None


def shadow_write(*, work: ShadowWork, scores: Mapping[int, float | None]) -> int:
    """Keep what the candidate said, empty where it failed; nothing where its shadow mode ended meanwhile."""
    if not ModelVersion.objects.filter(pk=work.version_id).exclude(shadow_since=None).exists():
        return 0
    # An answer that was deleted meanwhile has nothing left to compare.
    there = Submission.objects.filter(pk__in=scores).values_list("pk", flat=True)
    marks = [ShadowMark(version_id=work.version_id, submission_id=pk, score=scores[pk]) for pk in there]
    return len(ShadowMark.objects.bulk_create(marks, ignore_conflicts=True))


def _unmarked(version: ModelVersion) -> Any:
    """Grades that a model proposed since the shadow mode began, of the scope, whose answers the candidate has not
    marked."""
    rows = Grade.objects.filter(source=GradeSource.MODEL, created_at__gte=version.shadow_since)
    if version.course_id:
        rows = rows.filter(submission__assignment__course=version.course_id)
    seen = ShadowMark.objects.filter(version=version).values("submission")
    return rows.exclude(submission__in=seen).exclude(submission__text="").select_related("submission__assignment")
