from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from courses.access import assignment_for, submission_for
from courses.forms import SubmitForm
from courses.models import Assignment, Role, Submission, SubmissionSource, SubmissionState
from courses.services import submission_create
from courses.views.requests import PersonRequest, errors_on, sent


@require_safe
@login_required
def submission(request: PersonRequest, pk: int) -> HttpResponse:
    row = submission_for(request.user, pk)
    every = Submission.objects.visible_to(request.user).filter(assignment=row.assignment, student=row.student)
    staff = Submission.objects.managed_by(request.user).filter(pk=pk).exists()
    context = {
        "submission": row,
        "assignment": row.assignment,
        "course": row.assignment.course,
        "others": every.exclude(pk=row.pk).select_related("assignment").order_by("-pk"),
        "staff": staff,
    }
    return render(request, "courses/submission.html", context)


@require_safe
@login_required
def submission_original(request: PersonRequest, pk: int) -> HttpResponseBase:
    """The file as it was handed in: always a download and never a page, whatever it calls itself."""
    row = submission_for(request.user, pk)
    try:
        original = row.original.open("rb") if row.original else None
    except FileNotFoundError:
        original = None
    if original is None:
        raise Http404
    response = FileResponse(
        original,
        as_attachment=True,
        filename=row.original_name,
        content_type="application/octet-stream",
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@require_http_methods(["GET", "POST"])
@login_required
def submit(request: PersonRequest, pk: int) -> HttpResponse:
    """A student hands in. Whoever marks the course brings answers in by upload instead."""
    assignment = assignment_for(request.user, pk)
    if not assignment.course.memberships.filter(user=request.user, role=Role.STUDENT).exists():
        raise PermissionDenied
    earlier = Submission.objects.current().filter(assignment=assignment, student=request.user).first()
    form = SubmitForm(replaces=earlier is not None, **sent(request))
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            row = _hand_in(request, assignment, form)
            return redirect("courses:submission", row.pk)
    return render(request, "courses/submit.html", {"assignment": assignment, "form": form, "earlier": earlier})


def _hand_in(request: PersonRequest, assignment: Assignment, form: SubmitForm) -> Submission:
    file = form.cleaned_data["file"]
    row = submission_create(
        assignment=assignment,
        student=request.user,
        by=request.user,
        source=SubmissionSource.UPLOAD if file else SubmissionSource.TYPED,
        text=None if file else form.cleaned_data["text"],
        file=(file.name, file.read()) if file else None,
    )
    if row.state == SubmissionState.UNREADABLE:
        messages.warning(request, _("Your file was kept, but it could not be read. Please hand in a readable one."))
    else:
        messages.success(request, _("Your answer was handed in."))
    return row
