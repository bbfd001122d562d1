from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from courses.access import managed_assignment, managed_unmatched_file
from courses.forms import AssignFileForm, FilesForm, TableFileForm
from courses.imports import submissions_from_table
from courses.limits import site_limits
from courses.names import person_name
from courses.quota import file_turn
from courses.services import submissions_from_files, unmatched_file_assign, unmatched_file_discard
from courses.students import students_of_course
from courses.views.requests import PersonRequest, errors_on, errors_told, sent


@require_http_methods(["GET", "POST"])
@login_required
def upload_files(request: PersonRequest, pk: int) -> HttpResponse:
    assignment = managed_assignment(request.user, pk)
    form = FilesForm(**sent(request))
    context = {"assignment": assignment, "course": assignment.course, "form": form, "limits": site_limits()}
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            file_turn(request.user)
            files = form.cleaned_data["uploads"]
            context["report"] = submissions_from_files(assignment=assignment, by=request.user, files=files)
            context["students"] = students_of_course(assignment.course)
    return render(request, "courses/upload_files.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def upload_table(request: PersonRequest, pk: int) -> HttpResponse:
    assignment = managed_assignment(request.user, pk)
    form = TableFileForm(**sent(request))
    context = {"assignment": assignment, "course": assignment.course, "form": form}
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            file_turn(request.user)
            file = form.cleaned_data["file"]
            context["report"] = submissions_from_table(
                assignment=assignment, by=request.user, name=file.name, data=file.read()
            )
    return render(request, "courses/upload_table.html", context)


@require_POST
@login_required
def unmatched_assign(request: PersonRequest, pk: int) -> HttpResponse:
    file = managed_unmatched_file(request.user, pk)
    form = AssignFileForm(request.POST, students=students_of_course(file.assignment.course))
    if not form.is_valid():
        messages.error(request, _("Choose a student for “%(file)s”.") % {"file": file.original_name})
        return redirect("courses:assignment", file.assignment_id)
    student = form.cleaned_data["student"]
    with errors_told(request):
        unmatched_file_assign(file=file, student=student, by=request.user)
        words = _("“%(file)s” is the answer of %(name)s now.")
        messages.success(request, words % {"file": file.original_name, "name": person_name(student)})
    return redirect("courses:assignment", file.assignment_id)


@require_POST
@login_required
def unmatched_discard(request: PersonRequest, pk: int) -> HttpResponse:
    file = managed_unmatched_file(request.user, pk)
    with errors_told(request):
        unmatched_file_discard(file=file, by=request.user)
        messages.success(request, _("“%(file)s” was discarded.") % {"file": file.original_name})
    return redirect("courses:assignment", file.assignment_id)
