from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from courses.models import Assignment, Course, Role, Submission
from courses.views.requests import PersonRequest


@require_safe
@login_required
def home(request: PersonRequest) -> HttpResponse:
    """What waits for this person: as one who marks, as one who learns, or as both."""
    context = {
        "managed": Course.objects.managed_by(request.user),
        "attended": Course.objects.filter(memberships__user=request.user, memberships__role=Role.STUDENT),
        **student_work(request),
    }
    return render(request, "courses/home.html", context)


def student_work(request: PersonRequest, course: Course | None = None) -> dict[str, Any]:
    """A student's assignments, what is still to hand in first, and their own answers by assignment."""
    taken = Course.objects.filter(memberships__user=request.user, memberships__role=Role.STUDENT)
    assignments = Assignment.objects.filter(course__in=[course] if course else taken, published=True)
    rows = list(assignments.select_related("course").order_by("due_at", "pk"))
    own = Submission.objects.current().filter(student=request.user, assignment__in=rows)
    submissions = {row.assignment_id: row for row in own.select_related("assignment")}
    return {
        "assignments": rows,
        "submissions": submissions,
        "to_hand_in": [row for row in rows if row.pk not in submissions],
        "handed_in": [row for row in rows if row.pk in submissions],
    }
