"""What becomes of the marking of an answer that its student replaced."""

from __future__ import annotations

from django.utils import timezone

from courses.models import Submission
from courses.transitions import move_all
from grading.models import Grade, GradeEvent, GradeState, GradingJob, JobState
from grading.models.jobs import ACTIVE_JOB_STATES


def submission_replaced(*, submission: Submission) -> None:
    """Stop the marking of the student's earlier answers and put their proposals away. What a person approved or
    released stays as it is. Runs inside the transaction that made the new answer ready."""
    earlier = Submission.objects.filter(
        assignment=submission.assignment_id, student=submission.student_id, state="superseded"
    ).values("pk")
    move_all(
        GradingJob.objects.filter(submission__in=earlier),
        ACTIVE_JOB_STATES,
        JobState.CANCELLED,
        finished_at=timezone.now(),
        error_code="submission_replaced",
    )
    open_ones = Grade.objects.filter(submission__in=earlier, state=GradeState.PROPOSED)
    proposals = list(open_ones.values_list("pk", flat=True))
    if move_all(Grade.objects.filter(pk__in=proposals), [GradeState.PROPOSED], GradeState.SUPERSEDED):
        before, after = {"state": GradeState.PROPOSED}, {"state": GradeState.SUPERSEDED}
        GradeEvent.objects.bulk_create(
            [GradeEvent(grade_id=key, action="submission_replaced", before=before, after=after) for key in proposals]
        )
