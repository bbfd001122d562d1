from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from courses.access import managed_assignment
from courses.views.requests import PersonRequest, errors_told
from grading import services


@require_POST
@login_required
def refit(request: PersonRequest, pk: int) -> HttpResponse:
    """Carry the points of open grades over to a rubric that was changed."""
    assignment = managed_assignment(request.user, pk)
    with errors_told(request):
        number = services.grades_refit(assignment=assignment, by=request.user)
        told = ngettext(
            "%(count)s grade was carried over to the rubric of today and waits to be reviewed.",
            "%(count)s grades were carried over to the rubric of today and wait to be reviewed.",
            number,
        )
        messages.success(request, told % {"count": number})
    return redirect("courses:assignment", pk)
