"""Training runs: start, watch, stop; and the sets of marked answers that are uploaded for them."""

from __future__ import annotations

import math
import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from courses.models import Course
from courses.views.requests import PersonRequest, errors_on, errors_told, page_of
from grading import services
from grading.admin_access import admin_required
from grading.breakdown import divisions, held_out_rows, samples
from grading.curves import curves
from grading.exceptions import message_for
from grading.figures import compared
from grading.gate import doubts, verdict_of
from grading.models import ExampleSplit, ModelVersion, TrainingRun, WorkerKind
from grading.models.training import ACTIVE_TRAINING_STATES
from grading.selectors import loss_curve
from grading.suggestions import Suggestion, suggested_training, training_is_due
from grading.time_left import counted_left
from grading.training_forms import TrainingForm
from mlcore.files import tail


@require_safe
@admin_required
def training_list(request: PersonRequest) -> HttpResponse:
    runs = TrainingRun.objects.visible_to(request.user).select_related("requested_by", "version", "start_from")
    page = page_of(request, runs.annotate(examples=Count("run_examples")).order_by("-pk"))
    waiting = _waits_for_worker() if any(map(is_active, page)) else False
    context = {"page": page, "waiting": waiting, "due": training_is_due()}
    return render(request, "grading/training_list.html", context)


@require_http_methods(["GET", "POST"])
@admin_required
def training_new(request: PersonRequest) -> HttpResponse:
    again = TrainingRun.objects.visible_to(request.user).filter(pk=number_of(request.GET.get("again"))).first()
    form = TrainingForm(request.POST or None, again=again, smaller="smaller" in request.GET)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            run = services.training_run_start(by=request.user, **form.cleaned_data)
            return redirect("grading:training", run.pk)
    context = {"form": form, "waiting": _waits_for_worker(), "again": again, "suggestion": _suggestion(request)}
    return render(request, "grading/training_new.html", context)


@require_POST
@admin_required
def training_suggested(request: PersonRequest) -> HttpResponse:
    """Start what is suggested, on all that may be trained on now."""
    course = Course.objects.filter(pk=number_of(request.POST.get("course"))).first()
    key = request.POST.get("request_key", "")
    suggestion = suggested_training(course)
    arguments = suggestion.arguments | ({"request_key": key} if _is_key(key) else {})
    with errors_told(request):
        run = services.training_run_start(by=request.user, **arguments)
        return redirect("grading:training", run.pk)
    return redirect("grading:training_new")


@require_POST
@admin_required
def training_resume(request: PersonRequest, pk: int) -> HttpResponse:
    with errors_told(request):
        services.training_run_resume(run=_run(request, pk), by=request.user)
        messages.success(request, _("It goes on from its last checkpoint as soon as a worker takes it."))
    return redirect("grading:training", pk)


@never_cache
@require_safe
@admin_required
def training_log(request: PersonRequest, pk: int) -> HttpResponse:
    """The end of what the training process wrote."""
    path = services.training_log_path(_run(request, pk))
    text = tail(path) if path.exists() else ""
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_safe
@admin_required
def training(request: PersonRequest, pk: int) -> HttpResponse:
    row = _run(request, pk)
    held_out = held_out_rows(row.version) if row.version else []
    splits = dict(row.run_examples.order_by().values_list("split").annotate(number=Count("pk")))
    context = {
        **_progress(row),
        "splits": [(split.label, splits.get(split.value, 0)) for split in ExampleSplit],
        "examples": sum(splits.values()),
        "divisions": divisions(held_out),
        "samples": samples(held_out),
        "may_resume": services.may_resume(row),
        "problem": message_for(row.error_code),
        "comparison": compared(row.version.evaluation) if row.version else None,
        "verdict": verdict_of(row.version) if row.version else None,
        "doubts": doubts(row.version, ModelVersion.objects.in_use(row.course_id)) if row.version else [],
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


def number_of(text: str | None) -> int:
    """A row's number out of a query; 0, which no row has, for anything else."""
    return int(text) if text and text.isdecimal() and len(text) < 10 else 0


def _is_key(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _suggestion(request: PersonRequest) -> Suggestion | None:
    """What the one button would start; None where there is nothing to train on."""
    if request.method == "POST":
        return None
    found = suggested_training()
    return found if found.examples else None


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
        "left": _minutes_left(run) if active else None,
        "task_left": _task_left(run),
        "last_point": run.points.exclude(learning_rate=None).last() if active else None,
        "seconds": seconds,
        "hours": minutes // 60,
        "minutes": minutes % 60,
        "rest": rest,
        "curves": curves(loss_curve(run)),
    }


def _task_left(run: TrainingRun) -> float | None:
    """Seconds to the end of what a run is at beside its steps; the heartbeat tells when it was last counted."""
    if run.task_since is None or run.heartbeat_at is None:
        return None
    return counted_left(run.task_done, run.task_of, (run.heartbeat_at - run.task_since).total_seconds())


def _minutes_left(run: TrainingRun) -> int | None:
    """Minutes to the end of the part that is trained now, by its own speed so far."""
    first = run.points.filter(stage=run.stage).first()
    last = run.points.filter(stage=run.stage).last()
    if first is None or last is None or last.step <= first.step or not run.steps:
        return None
    a_step = (last.seconds - first.seconds) / (last.step - first.step)
    return math.ceil((run.steps - run.step) * a_step / 60)
