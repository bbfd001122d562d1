from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from courses.access import managed_assignment
from courses.views.requests import PersonRequest, page_of
from gradingsite.lti.models import ResourceLink, Score
from gradingsite.lti.services.scores import scores_send_again


@require_safe
@login_required
def scores(request: PersonRequest, pk: int) -> HttpResponse:
    """What of an assignment was sent to which platform, what was not, and why."""
    assignment = managed_assignment(request.user, pk)
    rows = Score.objects.filter(link__assignment=assignment).select_related("student", "link__context__platform")
    context = {
        "assignment": assignment,
        "course": assignment.course,
        "links": ResourceLink.objects.filter(assignment=assignment).select_related("context__platform"),
        "page": page_of(request, rows.order_by("student__last_name", "student__first_name", "pk")),
    }
    return render(request, "lti/scores.html", context)


@require_POST
@login_required
def scores_again(request: PersonRequest, pk: int) -> HttpResponse:
    assignment = managed_assignment(request.user, pk)
    number = scores_send_again(assignment=assignment)
    if number:
        words = ngettext("%(number)d score goes out again.", "%(number)d scores go out again.", number)
        messages.success(request, words % {"number": number})
    else:
        messages.info(request, _("There is nothing that failed."))
    return redirect("lti:scores", pk)
