"""The export of a course for research: site admins only."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from courses.access import course_for
from courses.models import Course, Role
from courses.views.requests import PersonRequest, errors_told
from grading.admin_access import admin_required
from grading.services.research import consenting, research_export


@never_cache
@require_http_methods(["GET", "POST"])
@admin_required
def research(request: PersonRequest, pk: int) -> HttpResponse:
    course = course_for(request.user, pk)
    if request.method == "POST":
        with errors_told(request):
            return _file(course, research_export(course=course, by=request.user))
        return redirect("grading:research", pk)
    students = course.memberships.filter(role=Role.STUDENT)
    context = {
        "course": course,
        "agreed": students.filter(research_consent=True).count(),
        "students": students.count(),
        "answers": consenting(course).count(),
    }
    return render(request, "grading/research.html", context)


def _file(course: Course, data: bytes) -> HttpResponse:
    response = HttpResponse(data, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="research-{course.pk}.zip"'
    return response
