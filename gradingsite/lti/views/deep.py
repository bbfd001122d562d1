"""A teacher chooses an assignment on the platform's behalf; the choice goes back there by a button."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from courses.models import Course, Role
from courses.views.requests import PersonRequest, sent
from gradingsite.lti import tool
from gradingsite.lti.claims import Claims
from gradingsite.lti.deep import deep_message, origin_of
from gradingsite.lti.errors import LaunchRefused, NotForStudents, StaffByHand, UnsupportedMessage
from gradingsite.lti.forms import AssignmentForm
from gradingsite.lti.models import Context, Launch
from gradingsite.lti.services.accounts import person_linked
from gradingsite.lti.services.entering import context_seen, joined, may_link
from gradingsite.lti.services.launches import launch_done
from gradingsite.lti.views.public import refused
from gradingsite.lti.views.signing_in import PENDING, PLACE, pending


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def deep_link(request: PersonRequest) -> HttpResponse:
    try:
        row, claims = pending(request)
        person = person_linked(row.platform, claims.sub)
        if person is None or person.user_id != request.user.pk:
            return redirect("lti:confirm")
        if not claims.return_url or not row.platform.may_be_asked(claims.return_url):
            raise UnsupportedMessage
        context = _context(request, row, claims)
    except LaunchRefused as error:
        return refused(request, error)
    if context.course is None:
        request.session[PLACE] = {"context": context.pk, "link": None, "deep": True}
        return redirect("lti:context", context.pk)
    if not Course.objects.managed_by(request.user).filter(pk=context.course.pk).exists():
        raise PermissionDenied
    form = AssignmentForm(context.course.pk, **sent(request))
    if request.method == "POST" and form.is_valid():
        return _answer(request, row, claims, form)
    return render(request, "lti/deep_link.html", {"platform": row.platform, "course": context.course, "form": form})


def _context(request: PersonRequest, row: Launch, claims: Claims) -> Context:
    if claims.role not in (Role.TEACHER, Role.ASSISTANT):
        raise NotForStudents
    if not claims.context:
        raise LaunchRefused
    context = context_seen(platform=row.platform, claims=claims)
    if context.course is not None:
        joined(context=context, course=context.course, claims=claims, user=request.user)
    elif claims.role != Role.TEACHER or not may_link(row.platform, request.user):
        raise StaffByHand(platform=row.platform.name)
    return context


def _answer(request: PersonRequest, row: Launch, claims: Claims, form: AssignmentForm) -> HttpResponse:
    assignment = form.cleaned_data["assignment"]
    address = tool.address(request, "lti:launch")
    message = deep_message(platform=row.platform, claims=claims, assignment=assignment, launch_url=address)
    request.session.pop(PENDING, None)
    launch_done(row=row)
    context = {"platform": row.platform, "assignment": assignment, "target": claims.return_url, "message": message}
    response = render(request, "lti/deep_link_back.html", context)
    # This page alone may send a form elsewhere: to the platform that asked for it.
    response._csp_update = {"form-action": [origin_of(claims.return_url)]}  # type: ignore[attr-defined]  # noqa: SLF001
    return response
