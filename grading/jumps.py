"""From one paper to another that is wanted for a reason: it has no grade, or its proposal is the least certain."""

from __future__ import annotations

from django.db.models import F, FloatField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast

from courses.models import Submission
from grading.models import Grade, GradeState
from grading.queue import Narrow, review_queue
from grading.shown import shown_first

JUMPS = ("ungraded", "uncertain")


def jump_from(submission: Submission, to: str, *, order: str = "student", narrow: Narrow | None = None) -> int | None:
    """The key of the paper to show, None where there is none but this one. `to` is one of JUMPS."""
    if to == "uncertain":
        rows = _by_uncertainty(submission)
        return rows.exclude(pk=submission.pk).values_list("pk", flat=True).first()
    assignment = submission.assignment
    wanted = set(review_queue(assignment, show="ungraded", order=order, narrow=narrow).values_list("pk", flat=True))
    keys = list(review_queue(assignment, order=order, narrow=narrow).values_list("pk", flat=True))
    place = keys.index(submission.pk) if submission.pk in keys else -1
    return next((key for key in keys[place + 1 :] + keys[: max(place, 0)] if key in wanted), None)


def _by_uncertainty(submission: Submission) -> QuerySet[Submission]:
    """Papers whose proposal waits, the widest interval first; those without an interval by how far the model's own
    score lies between nothing and everything."""
    rows = review_queue(submission.assignment).filter(Q(grade_state=GradeState.PROPOSED, grade_blind=False))
    grade = shown_first(Grade.objects.filter(submission=OuterRef("pk")))
    width = grade.annotate(width=Cast(F("correction__high") - F("correction__low"), FloatField()))
    middle = grade.annotate(middle=F("proposed_score") * (1 - F("proposed_score")))
    return rows.annotate(
        width=Subquery(width.values("width")[:1]), middle=Subquery(middle.values("middle")[:1])
    ).order_by(F("width").desc(nulls_last=True), F("middle").desc(nulls_last=True), "pk")
