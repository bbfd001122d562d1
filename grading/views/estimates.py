"""What a training will take, said before it is started."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from courses.views.requests import PersonRequest, errors_on
from grading import services
from grading.admin_access import admin_required
from grading.estimates import training_estimate as estimate_of
from grading.models import WorkerKind
from grading.training_forms import TrainingForm


@never_cache
@require_POST
@admin_required
def training_estimate(request: PersonRequest) -> HttpResponse:
    """The line of the form that says it; the whole form where the page has no scripts. Nothing is started."""
    form = TrainingForm(request.POST)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        with errors_on(form):
            context["estimate"] = estimate_of(**form.cleaned_data)
    if request.headers.get("HX-Request"):
        return render(request, "grading/_training_estimate.html", context)
    context["waiting"] = not services.worker_listening(WorkerKind.TRAINING)
    return render(request, "grading/training_new.html", context)
