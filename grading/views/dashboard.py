"""How the marking of an assignment goes, in figures."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from courses.access import managed_assignment
from courses.views.requests import PersonRequest
from grading.charts import distribution, scatter
from grading.dashboard import FEWEST_PAIRS, dashboard


@require_safe
@login_required
def assignment_dashboard(request: PersonRequest, pk: int) -> HttpResponse:
    assignment = managed_assignment(request.user, pk)
    found = dashboard(assignment)
    most = float(assignment.max_points)
    points = [float(row.points or 0) for row in found.grades]
    context = {
        "assignment": assignment,
        "course": assignment.course,
        "found": found,
        "fewest": FEWEST_PAIRS,
        "bars": distribution(points, most, float(assignment.step_points)),
        "scatter": scatter(found.pairs, most),
    }
    return render(request, "grading/dashboard.html", context)
