"""A gradebook of Moodle or Canvas comes in, and goes out again with the marks in it."""

from __future__ import annotations

from crispy_forms.helper import FormHelper
from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from courses.access import managed_assignment
from courses.extraction import clean_name
from courses.forms import layout
from courses.quota import file_turn
from courses.views.requests import PersonRequest, errors_on, sent
from grading.services.gradebooks import FillReport, gradebook_fill


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
    """Shows first what would be written; with the button “fill” gives the file back."""
    assignment = managed_assignment(request.user, pk)
    form, report = GradebookForm(**sent(request)), None
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            file_turn(request.user)
            file, column = form.cleaned_data["file"], form.cleaned_data["column"]
            report = gradebook_fill(assignment=assignment, data=file.read(), column=column)
            if "fill" in request.POST and report.filled:
                return _file(report, file.name)
    context = {"assignment": assignment, "course": assignment.course, "form": form, "report": report}
    return render(request, "grading/gradebook.html", context)


def _file(report: FillReport, name: str) -> HttpResponse:
    response = HttpResponse(report.file, content_type="text/csv")
    plain = clean_name(name).encode("ascii", "ignore").decode().replace('"', "").replace("\\", "")
    response["Content-Disposition"] = f'attachment; filename="{plain or "gradebook.csv"}"'
    response["Cache-Control"] = "private, no-store"
    return response
