"""Release, withdrawal and export of the grades of one assignment."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from courses.access import managed_assignment
from courses.views.requests import PersonRequest, errors_told
from grading import selectors, services
from grading.access import managed_grade
from grading.forms import NoteForm
from grading.models import Grade

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_http_methods(["GET", "POST"])
@login_required
def release(request: PersonRequest, pk: int) -> HttpResponse:
    """Shows what would be released, and one grade as its student will see it; then releases."""
    assignment = managed_assignment(request.user, pk)
    if request.method == "POST":
        with errors_told(request):
            released = services.grades_release(assignment=assignment, by=request.user)
            told = ngettext("%(count)s grade was released.", "%(count)s grades were released.", released)
            messages.success(request, told % {"count": released})
        return redirect("courses:assignment", pk)
    approved = Grade.objects.filter(submission__assignment=assignment, state="approved")
    approved = approved.exclude(submission__state="superseded")
    rows = approved.select_related("submission__student", "approved_by", "feedback")
    context = {
        "assignment": assignment,
        "course": assignment.course,
        "counts": selectors.assignment_counts([assignment])[assignment.pk],
        "grades": rows.order_by("submission__student__last_name", "pk")[:200],
        "preview": rows.first(),
    }
    return render(request, "grading/release.html", context)


@require_POST
@login_required
def withdraw(request: PersonRequest, pk: int) -> HttpResponse:
    grade = managed_grade(request.user, pk)
    note = NoteForm(request.POST).given()["note"]
    with errors_told(request):
        services.grade_withdraw(grade=grade, by=request.user, note=note)
    return redirect("grading:review", grade.submission_id)


@require_POST
@login_required
def release_again(request: PersonRequest, pk: int) -> HttpResponse:
    grade = managed_grade(request.user, pk)
    with errors_told(request):
        services.grade_release_again(grade=grade, by=request.user)
    return redirect("grading:review", grade.submission_id)


@require_safe
@login_required
def export(request: PersonRequest, pk: int, kind: str) -> HttpResponse:
    assignment = managed_assignment(request.user, pk)
    if kind == "csv":
        response = HttpResponse(services.grades_as_csv(assignment=assignment), content_type="text/csv; charset=utf-8")
    elif kind == "xlsx":
        response = HttpResponse(services.grades_as_xlsx(assignment=assignment), content_type=XLSX)
    else:
        raise Http404
    name = slugify(assignment.title) or f"assignment-{pk}"
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    response["Cache-Control"] = "private, no-store"
    return response
