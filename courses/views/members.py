from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from courses.access import managed_course, owned_course, owned_membership
from courses.forms import MemberForm, RoleForm, TableFileForm
from courses.models import Course, Role
from courses.names import person_name
from courses.querysets import is_admin
from courses.quota import file_turn
from courses.services import (
    enrol_from_csv,
    enrol_preview,
    member_add,
    member_change_role,
    member_invite_again,
    member_remove,
)
from courses.views.requests import PersonRequest, errors_on, errors_told, page_of, sent


@require_http_methods(["GET", "POST"])
@login_required
def members(request: PersonRequest, pk: int) -> HttpResponse:
    """Who belongs to the course; assistants see the list, teachers change it."""
    adding = request.method == "POST"
    course = owned_course(request.user, pk) if adding else managed_course(request.user, pk)
    form = MemberForm(**sent(request))
    if adding and form.is_valid():
        with errors_on(form):
            row = member_add(course=course, by=request.user, **form.cleaned_data)
            messages.success(request, _("%(name)s belongs to the course now.") % {"name": person_name(row.user)})
            return redirect("courses:members", pk)
    context = {
        "course": course,
        "form": form,
        "page": page_of(request, course.memberships.select_related("user")),
        "roles": Role.choices,
        "owns": Course.objects.owned_by(request.user).filter(pk=pk).exists(),
    }
    return render(request, "courses/members.html", context)


@require_POST
@login_required
@reauthentication_required(enabled=lambda request: is_admin(request.user))  # an admin's session opens every course
def member_role(request: PersonRequest, pk: int) -> HttpResponse:
    membership = owned_membership(request.user, pk)
    form = RoleForm(request.POST)
    if form.is_valid():
        with errors_told(request):
            member_change_role(membership=membership, by=request.user, role=form.cleaned_data["role"])
            words = _("%(name)s has the role “%(role)s” now.")
            names = {"name": person_name(membership.user), "role": membership.get_role_display()}
            messages.success(request, words % names)
    return redirect("courses:members", membership.course_id)


@require_POST
@login_required
def member_drop(request: PersonRequest, pk: int) -> HttpResponse:
    membership = owned_membership(request.user, pk)
    with errors_told(request):
        member_remove(membership=membership, by=request.user)
        words = _("%(name)s was taken out of the course. Answers and grades were kept.")
        messages.success(request, words % {"name": person_name(membership.user)})
    return redirect("courses:members", membership.course_id)


@require_POST
@login_required
def member_invite(request: PersonRequest, pk: int) -> HttpResponse:
    membership = owned_membership(request.user, pk)
    if member_invite_again(membership=membership, by=request.user):
        messages.success(request, _("The invitation goes out again."))
    else:
        messages.info(request, _("This person has a password already; no invitation was sent."))
    return redirect("courses:members", membership.course_id)


@require_http_methods(["GET", "POST"])
@login_required
def enrol(request: PersonRequest, pk: int) -> HttpResponse:
    course = owned_course(request.user, pk)
    form = TableFileForm(**sent(request))
    report = None
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            file_turn(request.user)
            act = enrol_preview if "look" in request.POST else enrol_from_csv
            report = act(course=course, by=request.user, data=form.cleaned_data["file"].read())
    context = {"course": course, "form": form, "report": report, "looked": "look" in request.POST}
    return render(request, "courses/enrol.html", context)
