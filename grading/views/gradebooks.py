"""A gradebook of Moodle or Canvas comes in, and goes out again with the marks in it; or its marks are taken over."""

from __future__ import annotations

from decimal import Decimal

from crispy_forms.helper import FormHelper
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from courses.access import managed_assignment
from courses.extraction import clean_name
from courses.forms import layout
from courses.models import Assignment
from courses.quota import file_turn
from courses.views.requests import PersonRequest, errors_on, sent
from grading.services.gradebook_marks import MarksReport, gradebook_marks, gradebook_marks_take
from grading.services.gradebooks import FillReport, gradebook_fill

# What was looked at is taken over within this time, or looked at again.
_LOOKED_AT_SECONDS = 3600


class GradebookForm(forms.Form):
    helper: FormHelper = layout()

    file = forms.FileField(label=_("File"), widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt"}))
    column = forms.CharField(
        label=_("Column of the marks"),
        required=False,
        max_length=300,
        help_text=_("Only for Canvas, and only where the column is not named like the assignment."),
    )


@require_http_methods(["GET", "POST"])
@login_required
def gradebook(request: PersonRequest, pk: int) -> HttpResponse:
    """Shows first what would be written or taken over; “fill” gives the file back, “keep” takes the marks over."""
    assignment = managed_assignment(request.user, pk)
    if "keep" in request.POST:
        return _keep(request, assignment)
    form, report, marks = GradebookForm(**sent(request)), None, None
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            file_turn(request.user)
            file, column = form.cleaned_data["file"], form.cleaned_data["column"]
            if "take" in request.POST:
                marks = gradebook_marks(assignment=assignment, data=file.read(), column=column)
            else:
                report = gradebook_fill(assignment=assignment, data=file.read(), column=column)
            if report and "fill" in request.POST and report.filled:
                return _file(report, file.name)
    context = {"assignment": assignment, "course": assignment.course, "form": form, "report": report, "marks": marks}
    looked = _signed(marks, request, assignment) if marks else ""
    return render(request, "grading/gradebook.html", context | {"looked": looked})


def _salt(request: PersonRequest, assignment: Assignment) -> str:
    return f"gradebook {assignment.pk} {request.user.pk}"


def _signed(marks: MarksReport, request: PersonRequest, assignment: Assignment) -> str:
    """What was looked at, to be sent back by the button: nothing is kept meanwhile."""
    found = [[mark.submission, str(mark.points), mark.feedback] for mark in marks.found]
    return signing.dumps(found, salt=_salt(request, assignment), compress=True)


def _keep(request: PersonRequest, assignment: Assignment) -> HttpResponse:
    try:
        looked = request.POST.get("looked", "")
        found = signing.loads(looked, salt=_salt(request, assignment), max_age=_LOOKED_AT_SECONDS)
    except signing.BadSignature:
        messages.error(request, _("That was looked at too long ago. Choose the file once more."))
        return redirect("grading:gradebook", pk=assignment.pk)
    marks = [(key, Decimal(points), feedback) for key, points, feedback in found]
    taken = gradebook_marks_take(assignment=assignment, by=request.user, marks=marks)
    words = ngettext("%(number)s mark was taken over.", "%(number)s marks were taken over.", taken)
    messages.success(request, words % {"number": taken})
    return redirect("courses:assignment", pk=assignment.pk)


def _file(report: FillReport, name: str) -> HttpResponse:
    response = HttpResponse(report.file, content_type="text/csv")
    plain = clean_name(name).encode("ascii", "ignore").decode().replace('"', "").replace("\\", "")
    response["Content-Disposition"] = f'attachment; filename="{plain or "gradebook.csv"}"'
    response["Cache-Control"] = "private, no-store"
    return response
