"""Training runs: start, watch, stop; and the sets of marked answers that are uploaded for them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from courses.views.requests import PersonRequest, errors_on, errors_told, page_of
from grading import services
from grading.admin_access import admin_required
from grading.admin_forms import TrainingForm
from grading.curves import curves
from grading.exceptions import message_for
from grading.figures import compared
from grading.gate import doubts, verdict_of
from grading.models import ExampleSplit, ModelVersion, TrainingRun, WorkerKind
from grading.models.training import ACTIVE_TRAINING_STATES
from grading.selectors import loss_curve


@require_safe
@admin_required
def training_list(request: PersonRequest) -> HttpResponse:
    runs = TrainingRun.objects.visible_to(request.user).select_related("requested_by", "version", "start_from")
    page = page_of(request, runs.annotate(examples=Count("run_examples")).order_by("-pk"))
    context = {"page": page, "waiting": _waits_for_worker() if any(map(is_active, page)) else False}
    return render(request, "grading/training_list.html", context)


@require_http_methods(["GET", "POST"])
@admin_required
def training_new(request: PersonRequest) -> HttpResponse:
    form = TrainingForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            run = services.training_run_start(by=request.user, **form.cleaned_data)
            return redirect("grading:training", run.pk)
    return render(request, "grading/training_new.html", {"form": form, "waiting": _waits_for_worker()})


@require_safe
@admin_required
def training(request: PersonRequest, pk: int) -> HttpResponse:
    row = _run(request, pk)
    splits = dict(row.run_examples.order_by().values_list("split").annotate(number=Count("pk")))
    context = {
        **_progress(row),
        "splits": [(split.label, splits.get(split.value, 0)) for split in ExampleSplit],
        "examples": sum(splits.values()),
        "problem": message_for(row.error_code),
        "comparison": compared(row.version.evaluation) if row.version else None,
        "verdict": verdict_of(row.version) if row.version else None,
        "doubts": doubts(row.version, ModelVersion.objects.promoted().first()) if row.version else [],
    }
    return render(request, "grading/training.html", context)


@never_cache
@require_safe
@admin_required
def training_progress(request: PersonRequest, pk: int) -> HttpResponse:
    """The part of the page that changes. When the run is over, the page itself has something new to show."""
    row = _run(request, pk)
    response = render(request, "grading/_training_progress.html", {**_progress(row), "live": True})
    if not is_active(row):
        response["HX-Refresh"] = "true"
    return response


@require_POST
@admin_required
def training_cancel(request: PersonRequest, pk: int) -> HttpResponse:
    with errors_told(request):
        row = services.training_run_cancel(run=_run(request, pk), by=request.user)
        words = _("It ends as soon as the worker reads it.") if is_active(row) else _("The training was cancelled.")
        messages.success(request, words)
    return redirect("grading:training", pk)


def is_active(run: TrainingRun) -> bool:
    return run.state in ACTIVE_TRAINING_STATES


def _run(request: PersonRequest, pk: int) -> TrainingRun:
    rows = TrainingRun.objects.visible_to(request.user).select_related("requested_by", "version", "start_from")
    run: TrainingRun = get_object_or_404(rows, pk=pk)
    return run


def _waits_for_worker() -> bool:
    return not services.worker_listening(WorkerKind.TRAINING)


def _progress(run: TrainingRun) -> dict[str, Any]:
    """What changes while a run is active: how far it is, since when, and its losses."""
    active = is_active(run)
    end = run.finished_at or timezone.now()
    seconds = int((end - run.started_at).total_seconds()) if run.started_at else None
    minutes, rest = divmod(seconds or 0, 60)
    return {
        "run": run,
        "active": active,
        "no_worker": active and _waits_for_worker(),
        "percent": round(100 * run.step / run.steps) if run.steps else None,
        "seconds": seconds,
        "hours": minutes // 60,
        "minutes": minutes % 60,
        "rest": rest,
        "curves": curves(loss_curve(run)),
    }
