"""What people link: their account, a course, an assignment."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from courses.models import Course
from courses.services.people import account_find
from courses.views.requests import PersonRequest, errors_on, sent
from gradingsite.lti.access import managed_link, owned_context
from gradingsite.lti.errors import LaunchRefused, NoAddress
from gradingsite.lti.forms import AssignmentForm, ContextForm
from gradingsite.lti.models import Context
from gradingsite.lti.services.accounts import address_of, person_confirm, person_linked
from gradingsite.lti.services.entering import (
    context_link,
    context_link_new,
    context_unlink,
    enter,
    link_to_assignment,
    may_make_course,
)
from gradingsite.lti.services.launches import launch_done
from gradingsite.lti.views.public import refused
from gradingsite.lti.views.signing_in import PENDING, PLACE, pending, person_of
from gradingsite.signin.events import record
from gradingsite.signin.models import AccountEventKind
from gradingsite.signin.required import has_second_factor, is_staff


def _trusted_by_others(request: Any) -> bool:
    return bool(request.user.is_authenticated and (is_staff(request.user) or has_second_factor(request.user)))


@never_cache
@require_http_methods(["GET", "POST"])
@reauthentication_required(allow_get=True, enabled=_trusted_by_others)
def confirm(request: HttpRequest) -> HttpResponse:
    """An account that has been used is linked by whoever logs in to it, and by nobody's address alone."""
    try:
        row, claims = pending(request)
        if request.method == "POST" and request.user.is_authenticated:
            person = person_confirm(platform=row.platform, sub=claims.sub, user=request.user)
            record(AccountEventKind.SSO_LINKED, user=person.user, request=request, how="lti")
            return redirect("lti:enter")
    except LaunchRefused as error:
        return refused(request, error)
    email = address_of(person_of(claims))
    context = {
        "platform": row.platform,
        "claims": claims,
        "email": email,
        "no_address": NoAddress().message,
        "known": email is not None and account_find(email) is not None,
    }
    return render(request, "lti/confirm.html", context)


@never_cache
@require_safe
@login_required
def come_in(request: PersonRequest) -> HttpResponse:
    """Signed in: on to the course or the assignment that the launch was about."""
    try:
        row, claims = pending(request)
        person = person_linked(row.platform, claims.sub)
        if person is None or person.user_id != request.user.pk:
            return redirect("lti:confirm")
        if claims.return_url:
            return redirect("lti:deep_link")
        place = enter(platform=row.platform, claims=claims, user=request.user)
    except LaunchRefused as error:
        return refused(request, error)
    request.session.pop(PENDING, None)
    request.session[PLACE] = {"context": place.context, "link": place.link}
    launch_done(row=row)
    return redirect(place.address)


@require_http_methods(["GET", "POST"])
@login_required
def context(request: PersonRequest, pk: int) -> HttpResponse:
    """A course of a platform: what it is linked with, or, for the teacher who came from there, the choice."""
    row = Context.objects.filter(pk=pk, course=None, platform__enabled=True).select_related("platform").first()
    if row is None:
        return _linked_context(request, *owned_context(request.user, pk))
    place = request.session.get(PLACE) or {}
    if place.get("context") != pk:
        raise Http404
    form = ContextForm(row, request.user, new=may_make_course(row.platform, request.user), **sent(request))
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            course = _link(request, row, form.cleaned_data)
            messages.success(request, _("The course of the platform is linked with “%(course)s”.") % {"course": course})
            if place.get("deep"):
                return redirect("lti:deep_link")
            return redirect("lti:link", place["link"]) if place.get("link") else redirect("courses:course", course.pk)
    return render(request, "lti/context_link.html", {"context": row, "form": form})


def _link(request: PersonRequest, row: Context, chosen: dict[str, Any]) -> Course:
    course: Course | None = chosen.get("course")
    if course is None:
        return context_link_new(context=row, name=chosen["name"], language=chosen["language"], by=request.user)
    context_link(context=row, course=course, by=request.user)
    return course


def _linked_context(request: PersonRequest, row: Context, course: Course) -> HttpResponse:
    links = row.links.select_related("assignment").order_by("pk")
    return render(request, "lti/context.html", {"context": row, "course": course, "links": links})


@require_POST
@login_required
def context_drop(request: PersonRequest, pk: int) -> HttpResponse:
    row, course = owned_context(request.user, pk)
    context_unlink(context=row, course=course, by=request.user)
    messages.success(request, _("The course of the platform is not linked any more. Who belongs to the course stays."))
    return redirect("courses:course", course.pk)


@require_http_methods(["GET", "POST"])
@login_required
def link(request: PersonRequest, pk: int) -> HttpResponse:
    """The assignment that a link on the platform leads to."""
    row, course = managed_link(request.user, pk)
    form = AssignmentForm(course.pk, chosen=row.assignment_id, **sent(request))
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            assignment = form.cleaned_data["assignment"]
            link_to_assignment(link=row, assignment=assignment, by=request.user)
            messages.success(request, _("The link leads to “%(title)s” now.") % {"title": assignment.title})
            return redirect("courses:assignment", assignment.pk)
    return render(request, "lti/link.html", {"link": row, "course": course, "form": form})
