"""Groups of similar answers: looked at, reshaped, and marked once."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from courses.access import managed_assignment
from courses.models import Assignment, Submission
from courses.querysets import AnyUser
from courses.views.requests import PersonRequest, errors_on, errors_told
from grading.forms import GroupMarkForm
from grading.models import AnswerGroup, GradeState
from grading.queue import queue_proposal, queue_state, review_queue
from grading.services import groups as services

MOST_SHOWN = 300


def _managed_group(user: AnyUser, pk: int) -> AnswerGroup:
    group = AnswerGroup.objects.visible_to(user).select_related("assignment__course").filter(pk=pk).first()
    if group is None:
        raise Http404
    managed_assignment(user, group.assignment_id)
    return group


@require_http_methods(["GET", "POST"])
@login_required
def groups(request: PersonRequest, pk: int) -> HttpResponse:
    """The groups of an assignment; asked for by POST, the answers are grouped (again)."""
    assignment = managed_assignment(request.user, pk)
    if request.method == "POST":
        services.groups_make(assignment=assignment)
        return redirect("grading:groups", pk)
    rows = list(_with_members(assignment).exclude(number=1, kind="single")[:MOST_SHOWN])
    context = {
        "assignment": assignment,
        "course": assignment.course,
        "groups": rows,
        "samples": _samples(rows),
        "single": assignment.answer_groups.filter(kind="single").count(),
        "made": assignment.answer_groups.exists(),
    }
    return render(request, "grading/groups.html", context)


def _with_members(assignment: Assignment) -> Any:
    waiting = Q(members__submission__grades__state=GradeState.PROPOSED)
    rows = assignment.answer_groups.annotate(
        number=Count("members", distinct=True), waiting=Count("members", filter=waiting, distinct=True)
    )
    return rows.select_related("confirmed_by").order_by("-number", "pk")


def _samples(rows: list[AnswerGroup]) -> dict[int, str]:
    """The text of each group's most typical answer."""
    typical = Submission.objects.filter(grouped__group__in=rows).order_by("-grouped__place")
    return dict(typical.values_list("grouped__group", "text"))


@require_http_methods(["GET", "POST"])
@login_required
def group(request: PersonRequest, pk: int) -> HttpResponse:
    """The members of a group; with POST they are all marked at once."""
    row = _managed_group(request.user, pk)
    form = GroupMarkForm(request.POST or None, group=row)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            marked = services.group_mark(group=row, by=request.user, **form.marks())
            told = ngettext("%(count)s answer was marked.", "%(count)s answers were marked.", marked)
            messages.success(request, told % {"count": marked})
            return redirect("grading:group", pk)
    members = review_queue(row.assignment).filter(grouped__group=row).order_by("grouped__place")
    shown = list(members[:MOST_SHOWN])
    proposed = [points for member in shown if (points := queue_proposal(member)) is not None]
    context = {
        "assignment": row.assignment,
        "course": row.assignment.course,
        "group": row,
        "members": shown,
        "waiting": sum(
            queue_state(member) in (None, GradeState.PROPOSED, GradeState.REJECTED) and not vars(member)["grade_blind"]
            for member in shown
        ),
        "lowest": min(proposed, default=None),
        "highest": max(proposed, default=None),
        "others": _with_members(row.assignment).exclude(pk=pk)[:MOST_SHOWN],
        "form": form,
        "undoable": any(queue_state(member) == GradeState.APPROVED for member in shown),
    }
    return render(request, "grading/group.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def group_confirm(request: PersonRequest, pk: int) -> HttpResponse:
    services.group_confirm(group=_managed_group(request.user, pk), by=request.user)
    return redirect("grading:group", pk)


@require_POST
@login_required
def group_split(request: PersonRequest, pk: int) -> HttpResponse:
    """The ticked answers become a group of their own, which is shown next."""
    row = _managed_group(request.user, pk)
    members = {int(key) for key in request.POST.getlist("member") if key.isdecimal()}
    with errors_told(request):
        fresh = services.group_split(group=row, members=members, by=request.user)
        messages.success(request, _("These answers are a group of their own now."))
        return redirect("grading:group", fresh.pk)
    return redirect("grading:group", pk)


@require_POST
@login_required
def group_merge(request: PersonRequest, pk: int) -> HttpResponse:
    """Add this group to another one, which is shown next."""
    row, other = _managed_group(request.user, pk), request.POST.get("into", "")
    target = _managed_group(request.user, int(other)) if other.isdecimal() and len(other) < 18 else row
    with errors_told(request):
        services.group_merge(group=row, into=target, by=request.user)
        return redirect("grading:group", target.pk)
    return redirect("grading:group", pk)
