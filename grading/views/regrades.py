"""Requests for a regrade: the student asks on the page of the grade, the course's staff answer at the desk."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from courses.access import managed_assignment
from courses.views.requests import PersonRequest, errors_told, page_of
from grading import services
from grading.access import managed_regrade, own_regrade, own_released_grade
from grading.forms import RegradeAnswerForm, RegradeForm
from grading.models import RegradeRequest, RegradeState


@require_POST
@login_required
def regrade_ask(request: PersonRequest, pk: int) -> HttpResponse:
    """`pk` is the submission's: what is asked about is the grade that its student sees."""
    grade = own_released_grade(request.user, pk)
    form = RegradeForm(request.POST, grade=grade)
    if form.is_valid():
        with errors_told(request):
            services.regrade_ask(grade=grade, by=request.user, **form.cleaned_data)
            messages.success(request, _("Your teachers were asked to look at it again. You are told of their answer."))
    else:
        messages.error(request, " ".join(str(text) for texts in form.errors.values() for text in texts))
    return redirect("grading:my_grade", pk)


@require_POST
@login_required
def regrade_take_back(request: PersonRequest, pk: int) -> HttpResponse:
    asked = own_regrade(request.user, pk)
    with errors_told(request):
        services.regrade_take_back(asked=asked, by=request.user)
        messages.success(request, _("You took your request back."))
    return redirect("grading:my_grade", asked.grade.submission_id)


@require_POST
@login_required
def regrade_answer(request: PersonRequest, pk: int) -> HttpResponse:
    asked = managed_regrade(request.user, pk)
    form = RegradeAnswerForm(request.POST)
    form.is_valid()
    with errors_told(request):
        asked = services.regrade_answer(asked=asked, by=request.user, answer=form.cleaned_data.get("answer", ""))
        kept = _("Answered; the grade stays as it is.")
        messages.success(request, _("Answered; the new grade is released.") if asked.new_grade else kept)
    return redirect("grading:review", asked.grade.submission_id)


@require_safe
@login_required
def regrades(request: PersonRequest, pk: int) -> HttpResponse:
    """An assignment's requests, the open ones first."""
    assignment = managed_assignment(request.user, pk)
    rows = RegradeRequest.objects.visible_to(request.user).filter(grade__submission__assignment=assignment)
    rows = rows.exclude(state=RegradeState.WITHDRAWN).select_related(
        "grade__submission__student", "answered_by", "new_grade"
    )
    context = {
        "assignment": assignment,
        "course": assignment.course,
        # “answered” comes before “open” in the alphabet.
        "page": page_of(request, rows.order_by("-state", "pk")),
    }
    return render(request, "grading/regrades.html", context)
