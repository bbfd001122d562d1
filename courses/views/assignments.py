from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from courses.access import assignment_for, managed_assignment, managed_course
from courses.forms import AssignmentForm
from courses.models import Assignment, Criterion, Submission
from courses.services import assignment_create, assignment_update
from courses.students import students_of_course
from courses.views.requests import PersonRequest, errors_on, page_of, sent

UNMATCHED_SHOWN = 20


@require_safe
@login_required
def assignment(request: PersonRequest, pk: int) -> HttpResponse:
    row = assignment_for(request.user, pk)
    if Assignment.objects.managed_by(request.user).filter(pk=pk).exists():
        return _for_staff(request, row)
    own = Submission.objects.current().filter(assignment=row, student=request.user).first()
    context = {"assignment": row, "criteria": criteria_of(row), "submission": own}
    return render(request, "courses/assignment_student.html", context)


def _for_staff(request: PersonRequest, row: Assignment) -> HttpResponse:
    submissions = row.submissions.current().select_related("student", "assignment")
    criteria = criteria_of(row)
    context = {
        "assignment": row,
        "course": row.course,
        "criteria": criteria,
        "criteria_total": sum(criterion.points for criterion in criteria),
        "page": page_of(request, submissions.order_by("student__last_name", "student__first_name", "pk")),
        "unmatched": row.unmatched_files.all()[:UNMATCHED_SHOWN],
        "unmatched_count": row.unmatched_files.count(),
        "students": students_of_course(row.course),
    }
    return render(request, "courses/assignment.html", context)


def criteria_of(row: Assignment) -> list[Criterion]:
    criteria = Criterion.objects.filter(rubric__assignment=row)
    return list(criteria.prefetch_related(Prefetch("levels")))


@require_http_methods(["GET", "POST"])
@login_required
def assignment_new(request: PersonRequest, pk: int) -> HttpResponse:
    course = managed_course(request.user, pk)
    form = AssignmentForm(initial={"language": course.language}, **sent(request))
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            row = assignment_create(course=course, by=request.user, **form.cleaned_data)
            messages.success(request, _("The assignment was made. Give it a rubric next, or bring in answers."))
            return redirect("courses:assignment", row.pk)
    return render(request, "courses/assignment_form.html", {"form": form, "course": course})


@require_http_methods(["GET", "POST"])
@login_required
def assignment_edit(request: PersonRequest, pk: int) -> HttpResponse:
    row = managed_assignment(request.user, pk)
    title = row.title
    form = AssignmentForm(instance=row, **sent(request))
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            assignment_update(assignment=row, by=request.user, **form.cleaned_data)
            messages.success(request, _("The assignment was saved."))
            return redirect("courses:assignment", pk)
    context = {"form": form, "course": row.course, "assignment": row, "saved_title": title}
    return render(request, "courses/assignment_form.html", context)
