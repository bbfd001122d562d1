"""The page on which a person sees where they are logged in and ends what should not be; and the admin's act for all."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from courses.views.requests import PersonRequest
from grading.admin_access import admin_required
from gradingsite.signin import open_sessions


@require_safe
@login_required
def sessions(request: PersonRequest) -> HttpResponse:
    rows = open_sessions.sessions_of(request.user, here=request.session.session_key)
    return render(request, "signin/sessions.html", {"sessions": rows})


@require_POST
@login_required
@reauthentication_required  # a thief must not be able to lock the owner out of the other ones
def session_end(request: PersonRequest) -> HttpResponse:
    if open_sessions.session_end(user=request.user, mark=request.POST.get("session", ""), request=request):
        messages.success(request, _("That session is ended: nobody is logged in there any more."))
    else:
        messages.info(request, _("That session was over already."))
    return redirect("sessions")


@require_POST
@login_required
@reauthentication_required
def sessions_end_others(request: PersonRequest) -> HttpResponse:
    keep = request.session.session_key
    _told(request, open_sessions.sessions_end(user=request.user, request=request, keep=keep))
    return redirect("sessions")


@require_POST
@admin_required
@reauthentication_required
def person_sessions_end(request: PersonRequest, pk: int) -> HttpResponse:
    """For a machine that was lost, or somebody whose password is known to others."""
    person = get_object_or_404(User, pk=pk)
    _told(request, open_sessions.sessions_end(user=person, request=request, by=request.user))
    return redirect("grading:person", person.pk)


def _told(request: PersonRequest, ended: int) -> None:
    words = ngettext("%(number)d session was ended.", "%(number)d sessions were ended.", ended)
    messages.success(request, words % {"number": ended})
