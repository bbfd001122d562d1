"""Accepting papers unread with a promise: the offer, and the sample that is marked blind."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from courses.access import managed_assignment
from courses.models import Assignment
from courses.querysets import AnyUser
from courses.views.requests import PersonRequest, errors_on, errors_told
from grading.acceptance_forms import BlindMarkForm, PromiseForm
from grading.models import Acceptance, AcceptanceState
from grading.services import acceptance as services
from mlcore.promise import fewest_marks


@require_http_methods(["GET", "POST"])
@login_required
def promise(request: PersonRequest, pk: int) -> HttpResponse:
    """What could be accepted with the tolerance and risk that the teacher picks; by POST it is accepted."""
    assignment = managed_assignment(request.user, pk)
    form = PromiseForm(request.POST if request.method == "POST" else request.GET or None, assignment=assignment)
    tolerance, risk = form.chosen()
    if request.method == "POST" and form.is_valid():
        with errors_told(request):
            made = services.papers_accept(assignment=assignment, by=request.user, tolerance=tolerance, risk=risk)
            accepted = made.act.grades.count()
            told = ngettext("%(count)s paper was accepted.", "%(count)s papers were accepted.", accepted)
            messages.success(request, told % {"count": accepted})
            return redirect("grading:acceptance", made.pk)
        return redirect("grading:promise", pk)
    context = {
        "assignment": assignment,
        "course": assignment.course,
        "form": form,
        "offer": services.offer(assignment, tolerance=tolerance, risk=risk),
        "tolerance": tolerance,
        "percent": round(100 * risk),
        "needed": fewest_marks(risk),
        "earlier": _earlier(assignment),
    }
    return render(request, "grading/promise.html", context)


def _earlier(assignment: Assignment) -> list[Acceptance]:
    return list(assignment.acceptances.select_related("by", "act__undone_by").order_by("-pk")[:10])


def _managed(user: AnyUser, pk: int) -> Acceptance:
    rows = Acceptance.objects.visible_to(user).select_related("assignment__course", "act__undone_by", "by")
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404
    managed_assignment(user, row.assignment_id)
    return row


@require_http_methods(["GET", "POST"])
@login_required
def acceptance(request: PersonRequest, pk: int) -> HttpResponse:
    """One bulk: its sample, paper by paper without the proposal, and what came of the promise."""
    row = _managed(request.user, pk)
    left = row.samples.filter(given=None).select_related("grade__submission").order_by("pk")
    sample = left.first() if row.state == AcceptanceState.CHECKING else None
    form = BlindMarkForm(request.POST or None)
    if request.method == "POST" and sample and form.is_valid():
        sample = left.filter(pk=form.cleaned_data["sample"]).first() or sample
        with errors_on(form):
            decided = services.sample_mark(sample=sample, by=request.user, points=form.cleaned_data["points"])
            if decided.state == AcceptanceState.BROKEN:
                messages.error(request, _("The promise is broken: what was accepted unread waits for you again."))
            return redirect("grading:acceptance", pk)
    wrong, marked = services.wrong_in(row)
    context = {
        "assignment": row.assignment,
        "course": row.assignment.course,
        "acceptance": row,
        "accepted": row.act.grades.count(),
        "percent": round(100 * row.risk),
        "undone": hasattr(row.act, "undone_by"),
        "sample": sample,
        "form": form,
        "wrong": wrong,
        "marked": marked,
        "total": row.samples.count(),
        "compared": row.samples.exclude(given=None).select_related("grade__submission__student"),
    }
    return render(request, "grading/acceptance.html", context, status=422 if form.errors else 200)
