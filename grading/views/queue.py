"""The list that papers are reviewed from."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from courses.access import managed_assignment
from courses.models import Assignment
from courses.views.requests import PersonRequest
from grading import selectors
from grading.pace import pace
from grading.queue import queue_page
from grading.queue_form import NarrowForm, narrow_of, query_of

FILTER_WORDS = {
    "all": gettext_lazy("all"),
    "to_review": gettext_lazy("to review"),
    "approved": gettext_lazy("approved"),
    "released": gettext_lazy("released"),
    "ungraded": gettext_lazy("without a grade"),
    "failed": gettext_lazy("marking failed"),
    "unreadable": gettext_lazy("unreadable"),
    "changed": gettext_lazy("changed by a person"),
    "blank": gettext_lazy("blank"),
    "cut": gettext_lazy("not read to the end"),
}
ORDER_WORDS = {
    "student": gettext_lazy("student"),
    "waiting": gettext_lazy("to review first"),
    "uncertain": gettext_lazy("most uncertain first"),
    "informative": gettext_lazy("most informative first"),
    "similar": gettext_lazy("similar together"),
    "random": gettext_lazy("at random"),
    "points": gettext_lazy("points, lowest first"),
    "-points": gettext_lazy("points, highest first"),
    "submitted": gettext_lazy("time handed in"),
    "state": gettext_lazy("state"),
}
_BY_GROUP = ("informative", "similar")


@require_safe
@login_required
def review_list(request: PersonRequest, pk: int) -> HttpResponse:
    assignment = managed_assignment(request.user, pk)
    show, order = request.GET.get("show", "all"), request.GET.get("order", "student")
    show = show if show in FILTER_WORDS else "all"
    order = order if order in ORDER_WORDS else "student"
    order = "random" if assignment.blind_marking and order == "student" else order
    narrow = narrow_of(request.GET, request.user, assignment)
    counts = selectors.assignment_counts([assignment])[assignment.pk]
    after, before = (_id(request.GET.get(name)) for name in ("after", "before"))
    context = {
        "assignment": assignment,
        "course": assignment.course,
        "page": queue_page(assignment, show=show, order=order, narrow=narrow, after=after, before=before),
        "counts": counts,
        "decided": counts.approved + counts.released,
        "pace": pace(assignment, request.user, counts.to_review),
        "filters": FILTER_WORDS.items(),
        "orders": _orders(assignment),
        "narrow": NarrowForm(request.GET, assignment),
        "narrowed": any(request.GET.get(name) for name in NarrowForm.base_fields),
        "show": show,
        "order": order,
        "query": query_of(request.GET, show, order),
        "needs_groups": order in _BY_GROUP and not assignment.answer_groups.exists(),
    }
    return render(request, "grading/review_list.html", context)


def _id(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 18 else None


def _orders(assignment: Assignment) -> list[tuple[str, Any]]:
    """The orders to choose from: by student only where names are shown."""
    return [(key, words) for key, words in ORDER_WORDS.items() if key != "student" or not assignment.blind_marking]
