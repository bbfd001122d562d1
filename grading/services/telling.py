"""Telling that what students can see has changed, to whoever shows it elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from courses.models import Submission
from grading.models import Grade
from grading.signals import released_changed


def tell_released_changed(grades: Sequence[Grade]) -> None:
    """Call it in the transaction of the change, once the rows say how it is now."""
    submissions = Submission.objects.filter(pk__in=[grade.submission_id for grade in grades])
    students: dict[int, set[int]] = {}
    for assignment_id, student_id in submissions.values_list("assignment", "student"):
        students.setdefault(assignment_id, set()).add(student_id)
    for assignment_id, student_ids in students.items():
        released_changed.send(Grade, assignment_id=assignment_id, student_ids=student_ids)
