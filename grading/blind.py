"""Papers of a sample that checks a promise: nobody sees what was proposed for them before they are marked."""

from __future__ import annotations

from collections.abc import Iterable

from courses.models import Submission
from grading.models import AcceptanceSample, Grade


def blind_sample(submission: Submission) -> AcceptanceSample | None:
    """The sample that this paper is to be marked blind for; None where it may be seen with its proposal."""
    return AcceptanceSample.objects.unmarked().filter(grade__submission=submission).first()


def without_blind_proposals(grades: Iterable[Grade]) -> list[Grade]:
    """The grades for showing only, never to be saved: those of an unmarked sample have lost their proposal."""
    rows = list(grades)
    sampled = AcceptanceSample.objects.unmarked().filter(grade__submission__in={row.submission_id for row in rows})
    blind = set(sampled.values_list("grade__submission", flat=True))
    for row in rows:
        if row.submission_id in blind:
            row.proposed_points = row.proposed_score = None
    return rows
