from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from courses.models import Submission
from courses.views.requests import PersonRequest
from grading.access import released_grade
from grading.forms import RegradeForm
from grading.models import Grade, RegradeRequest, RegradeState
from grading.services.regrades import regrade_until


@require_safe
@login_required
def my_grade(request: PersonRequest, pk: int) -> HttpResponse:
    """A released grade as its student reads it: points, criteria, feedback, and who answers for it."""
    submission, grade = released_grade(request.user, pk)
    context = {
        "submission": submission,
        "assignment": submission.assignment,
        "course": submission.assignment.course,
        "grade": grade,
        "anchors": list(grade.anchors.select_related("score")),
        **_regrades(request, submission, grade),
    }
    return render(request, "grading/my_grade.html", context)


def _regrades(request: PersonRequest, submission: Submission, grade: Grade) -> dict[str, Any]:
    """What was asked about this answer's grades, and the form to ask about this one where that is possible."""
    rows = RegradeRequest.objects.filter(grade__submission=submission).exclude(state=RegradeState.WITHDRAWN)
    asked = list(rows.select_related("answered_by", "new_grade", "grade").prefetch_related("criteria").order_by("-pk"))
    until = regrade_until(grade)
    own = submission.student_id == request.user.pk
    may_ask = own and until is not None and timezone.now() <= until and all(row.grade_id != grade.pk for row in asked)
    return {
        "regrades": asked,
        "own": own,
        "regrade_form": RegradeForm(grade=grade) if may_ask else None,
        "regrade_until": until,
    }
