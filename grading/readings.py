"""What a model version made of the answers of an assignment, for whatever compares answers with each other."""

from __future__ import annotations

from django.db.models import Count, Max, QuerySet

from courses.models import Assignment, Submission
from grading.models import AnswerReading


def assignment_readings(assignment: Assignment) -> QuerySet[AnswerReading]:
    """The readings of the assignment's current submissions by one model version, so that they can be compared: the
    version that has read the most of them, the latest where two have read as many. Ordered by submission."""
    current = Submission.objects.current().filter(assignment=assignment)
    rows = AnswerReading.objects.filter(submission__in=current)
    counted = rows.order_by().values("version").annotate(number=Count("pk"), latest=Max("pk"))
    chosen = counted.order_by("-number", "-latest").values_list("version", flat=True).first()
    return rows.filter(version=chosen).order_by("submission")
