"""Fragments that a page fetches after it has opened: comparing many answers takes a moment."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from courses.access import managed_assignment, managed_submission
from courses.views.requests import PersonRequest
from grading.evidence import nearest_marked, unlike_marks


@require_safe
@login_required
def nearest(request: PersonRequest, pk: int) -> HttpResponse:
    """Beside a proposal: the answers most like this one that are marked already."""
    submission = managed_submission(request.user, pk)
    context = {"near": nearest_marked(submission), "assignment": submission.assignment}
    return render(request, "grading/_nearest.html", context)


@require_safe
@login_required
def consistency(request: PersonRequest, pk: int) -> HttpResponse:
    """Before release: near-equal answers that were marked differently."""
    assignment = managed_assignment(request.user, pk)
    return render(request, "grading/_consistency.html", {"pairs": unlike_marks(assignment), "assignment": assignment})
