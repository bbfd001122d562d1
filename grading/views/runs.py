"""Grading runs: start, watch, stop, try again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from courses.access import managed_assignment
from courses.errors import UserError
from courses.views.requests import PersonRequest, errors_told
from grading import services
from grading.access import managed_run
from grading.exceptions import message_for
from grading.forms import RunForm
from grading.models import GradingRun

FAILURES_SHOWN = 50


@require_POST
@login_required
def run_start(request: PersonRequest, pk: int) -> HttpResponse:
    assignment = managed_assignment(request.user, pk)
    form = RunForm(request.POST, assignment=assignment)
    if not form.is_valid():
        for texts in form.errors.values():
            messages.error(request, " ".join(map(str, texts)))
        return redirect("courses:assignment", pk)
    try:
        run = services.grading_run_start(assignment=assignment, by=request.user, **form.cleaned_data)
    except UserError as error:
        messages.error(request, error.message)
        return redirect("courses:assignment", pk)
    return redirect("grading:run", run.pk)


@require_safe
@login_required
def run(request: PersonRequest, pk: int) -> HttpResponse:
    return render(request, "grading/run.html", _context(managed_run(request.user, pk)))


@require_safe
@login_required
def run_progress(request: PersonRequest, pk: int) -> HttpResponse:
    """The part of the page that changes; it asks for itself again while the run is active."""
    return render(request, "grading/_run_progress.html", _context(managed_run(request.user, pk)))


def _context(row: GradingRun) -> dict[str, Any]:
    failures = row.jobs.filter(state="failed").select_related("submission__student")[:FAILURES_SHOWN]
    return {
        "run": row,
        "assignment": row.assignment,
        "course": row.assignment.course,
        "progress": services.run_progress(row),
        "failures": [(job, message_for(job.error_code)) for job in failures],
    }


@require_POST
@login_required
def run_cancel(request: PersonRequest, pk: int) -> HttpResponse:
    row = managed_run(request.user, pk)
    stopped = services.grading_run_cancel(run=row, by=request.user)
    told = ngettext("%(count)s answer will not be marked.", "%(count)s answers will not be marked.", stopped)
    messages.info(request, told % {"count": stopped})
    return redirect("grading:run", pk)


@require_POST
@login_required
def run_retry(request: PersonRequest, pk: int) -> HttpResponse:
    row = managed_run(request.user, pk)
    with errors_told(request):
        again = services.grading_run_retry_failed(run=row, by=request.user)
        if not again:
            messages.info(request, _("Nothing is left to try again."))
    return redirect("grading:run", pk)
