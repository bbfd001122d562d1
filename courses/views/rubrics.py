from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from courses.access import managed_assignment
from courses.errors import UserError
from courses.rubric_form import RubricFormSet, criteria_of_formset, rubric_formset, with_one_more
from courses.services import rubric_save
from courses.views.assignments import criteria_of
from courses.views.requests import PersonRequest


@require_http_methods(["GET", "POST"])
@login_required
def rubric_edit(request: PersonRequest, pk: int) -> HttpResponse:
    assignment = managed_assignment(request.user, pk)
    context: dict[str, Any] = {"assignment": assignment, "course": assignment.course}
    if request.method == "GET":
        context["formset"] = rubric_formset(criteria_of(assignment))
    elif "add" in request.POST:
        context["formset"] = RubricFormSet(with_one_more(request.POST), prefix="criteria")
    else:
        context["formset"] = formset = RubricFormSet(request.POST, prefix="criteria")
        if formset.is_valid():
            try:
                rubric_save(assignment=assignment, by=request.user, criteria=criteria_of_formset(formset))
                messages.success(request, _("The rubric was saved."))
                return redirect("courses:assignment", pk)
            except UserError as error:
                context["problem"] = error.message
    return render(request, "courses/rubric_form.html", context)
