from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from courses.views.requests import PersonRequest
from grading.access import released_grade


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
    }
    return render(request, "grading/my_grade.html", context)
