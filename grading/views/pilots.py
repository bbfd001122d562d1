"""Trying the rubric on a few papers before all are marked."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from courses.access import managed_assignment
from courses.models import Assignment, Submission
from courses.views.requests import PersonRequest, errors_told
from grading import services
from grading.exceptions import message_for
from grading.models import ModelVersion, Pilot, PilotState, RunScope, WorkerKind
from grading.pilot_pages import changes, paper_rows

ACTIVE = (PilotState.QUEUED, PilotState.RUNNING)


@require_safe
@login_required
def pilot(request: PersonRequest, pk: int) -> HttpResponse:
    return render(request, "grading/pilot.html", _context(request, managed_assignment(request.user, pk)))


@require_safe
@login_required
def pilot_progress(request: PersonRequest, pk: int) -> HttpResponse:
    """The part of the page that changes; it asks for itself again while papers are being marked."""
    return render(request, "grading/_pilot.html", _context(request, managed_assignment(request.user, pk)))


@require_POST
@login_required
def pilot_start(request: PersonRequest, pk: int) -> HttpResponse:
    assignment = managed_assignment(request.user, pk)
    ticked = [int(value) for value in request.POST.getlist("submissions") if value.isdigit()]
    chosen = Submission.objects.current().ready().filter(assignment=assignment, pk__in=ticked)
    with errors_told(request):
        services.pilot_start(assignment=assignment, by=request.user, submissions=list(chosen))
    return redirect("grading:pilot", pk)


def _context(request: PersonRequest, assignment: Assignment) -> dict[str, Any]:
    pilots = list(Pilot.objects.visible_to(request.user).filter(assignment=assignment).select_related("by", "version"))
    last = pilots[0] if pilots else None
    done = [row for row in pilots[1:] if row.state == PilotState.DONE]
    wanted = request.GET.get("with", "")
    earlier = next((row for row in done if str(row.pk) == wanted), done[0] if done else None)
    return {
        "assignment": assignment,
        "course": assignment.course,
        "pilot": last,
        "active": last is not None and last.state in ACTIVE,
        "error": message_for(last.error_code) if last else "",
        "earlier": earlier,
        "choices": done,
        "rows": paper_rows(last, earlier) if last and last.state == PilotState.DONE else [],
        "changes": changes(last, earlier) if last and earlier else [],
        "papers": last.papers.count() if last else 0,
        "scope": RunScope.UNGRADED,
        "model": ModelVersion.objects.in_use(assignment.course_id),
        "listening": services.worker_listening(WorkerKind.MARKING),
    }
