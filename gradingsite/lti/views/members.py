from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from courses.errors import UserError
from courses.models import Course
from courses.views.requests import PersonRequest
from gradingsite.lti.access import owned_context
from gradingsite.lti.errors import RosterChanged
from gradingsite.lti.forms import RosterForm
from gradingsite.lti.models import Context
from gradingsite.lti.services.roster import Roster, roster_apply, roster_compare, roster_fetch


@require_http_methods(["GET", "POST"])
@login_required
def members(request: PersonRequest, pk: int) -> HttpResponse:
    """The platform's list beside the course's: looked at first, taken over then."""
    context, course = owned_context(request.user, pk)
    roster = None
    if request.method == "POST" and context.members_url and context.platform.enabled:
        try:
            roster = _asked(request, context, course)
        except UserError as error:
            messages.error(request, error.message)
            return redirect("lti:members", pk)
        if isinstance(roster, HttpResponse):
            return roster
    return render(request, "lti/members.html", {"context": context, "course": course, "roster": roster})


def _asked(request: PersonRequest, context: Context, course: Course) -> Roster | HttpResponse:
    """The list anew each time: between two looks it lies nowhere."""
    form = RosterForm(request.POST)
    found = roster_fetch(context)
    looked_at = form.cleaned_data["looked_at"] if form.is_valid() else ""
    if not looked_at:
        return roster_compare(context=context, course=course, members=found)
    try:
        done = roster_apply(
            context=context,
            course=course,
            by=request.user,
            members=found,
            looked_at=looked_at,
            take_out=form.cleaned_data["take_out"],
        )
    except RosterChanged as error:
        messages.warning(request, error.message)
        return roster_compare(context=context, course=course, members=found)
    number = len(done.to_add)
    words = ngettext("%(number)d person was added.", "%(number)d people were added.", number)
    messages.success(request, words % {"number": number})
    return redirect("courses:members", course.pk)
