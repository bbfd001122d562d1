"""Model versions: what there is, how good it is, and which one marks."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from courses.models import Course
from courses.views.requests import ROWS_ON_A_PAGE, PersonRequest, errors_on, errors_told
from grading import services
from grading.admin_access import admin_required
from grading.admin_forms import TrialForm, VersionNoteForm
from grading.family import family, trained_on
from grading.figures import compared, headline, measured_sets
from grading.gate import doubts, verdict_of
from grading.models import ModelVersion, TrainingRun, VersionState
from grading.services.erasing import DATA_DELETED
from grading.services.versions import version_directory
from grading.shadow_report import shadow_report
from grading.suggestions import training_is_due
from grading.views.training import number_of
from mlcore.card import card_markdown
from mlcore.manifest import AdapterError, read_manifest


@require_safe
@admin_required
def versions(request: PersonRequest) -> HttpResponse:
    rows = family(ModelVersion.objects.visible_to(request.user).select_related("course", "training_run__start_from"))
    page = Paginator(rows, ROWS_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(*row, headline(row[0].evaluation, row[0].manifest.get("metrics") or {})) for row in page],
        "in_use": ModelVersion.objects.in_use(),
        "previous": services.previous_version(),
        "due": training_is_due(),
    }
    return render(request, "grading/versions.html", context)


@require_safe
@admin_required
def version(request: PersonRequest, pk: int) -> HttpResponse:
    row = _version(request, pk)
    context = {
        **_compared(row),
        "sets": measured_sets(row.manifest.get("metrics") or {}),
        "training": row.manifest.get("training") or {},
        "config": _flat((row.manifest.get("training") or {}).get("config") or {}),
        "run": TrainingRun.objects.filter(version=row).first(),
        "events": row.events.select_related("actor"),
        "grades": row.grades.count(),
        "data_deleted": row.events.filter(action=DATA_DELETED).exists(),
        "shadow": shadow_report(row),
        "trials": row.trials.filter(by=request.user)[:3],
        "trial_form": TrialForm(),
        "children": [run.version for run in row.continued_by.select_related("version") if run.version],
        "trained_on": trained_on(row),
    }
    return render(request, "grading/version.html", context)


@require_http_methods(["GET", "POST"])
@admin_required
@reauthentication_required(allow_get=True)  # which model marks is no matter for an open session left alone
def version_promote(request: PersonRequest, pk: int) -> HttpResponse:
    """Ask first, with the comparison in sight; then put the version in use."""
    row = _version(request, pk)
    form = VersionNoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            services.version_promote(version=row, by=request.user, note=form.cleaned_data["note"])
            messages.success(request, _("“%s” is in use: the next grading run marks with it.") % row.name)
            return redirect("grading:version", pk)
    context = {**_compared(row), "form": form, "in_use": ModelVersion.objects.in_use(row.course_id)}
    return render(request, "grading/version_promote.html", context)


@require_POST
@admin_required
@reauthentication_required
def version_retire(request: PersonRequest, pk: int) -> HttpResponse:
    row = _version(request, pk)
    with errors_told(request):
        services.version_retire(version=row, by=request.user)
        words = _("“%s” is retired. Nothing can be marked until another version is put in use.")
        messages.warning(request, words % row.name)
    return redirect("grading:version", pk)


@require_POST
@admin_required
def version_reject(request: PersonRequest, pk: int) -> HttpResponse:
    row = _version(request, pk)
    with errors_told(request):
        services.version_reject(version=row, by=request.user)
        messages.success(request, _("“%s” was rejected.") % row.name)
    return redirect("grading:version", pk)


@require_POST
@admin_required
@reauthentication_required
def version_roll_back(request: PersonRequest) -> HttpResponse:
    course = Course.objects.filter(pk=number_of(request.POST.get("course"))).first()
    with errors_told(request):
        row = services.version_roll_back(by=request.user, course=course)
        messages.success(request, _("“%s” is in use again: the next grading run marks with it.") % row.name)
    return redirect("grading:versions")


@require_safe
@admin_required
def version_card(request: PersonRequest, pk: int) -> HttpResponse:
    """The model card as Markdown, written from the adapter's own manifest."""
    row = _version(request, pk)
    try:
        card = card_markdown(read_manifest(version_directory(row), verify=False))
    except AdapterError as error:
        messages.error(request, _("The card cannot be written: %s") % error)
        return redirect("grading:version", pk)
    response = HttpResponse(card + "\n", content_type="text/markdown; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="card-{row.pk}.md"'
    return response


def _version(request: PersonRequest, pk: int) -> ModelVersion:
    row: ModelVersion = get_object_or_404(ModelVersion.objects.visible_to(request.user), pk=pk)
    return row


def _compared(row: ModelVersion) -> dict[str, Any]:
    """A version beside the one that was in use when it was measured, as the pages show it."""
    steps = ModelVersion.TRANSITIONS.get(VersionState(row.state), frozenset())
    has_scorer = "scorer" in (row.manifest.get("parts") or {})
    return {
        "version": row,
        "comparison": compared(row.evaluation),
        "verdict": verdict_of(row),
        "doubts": doubts(row, ModelVersion.objects.in_use(row.course_id)),
        "may_promote": VersionState.PROMOTED in steps and has_scorer and not row.files_deleted_at,
        "may_delete": row.state != VersionState.PROMOTED and not row.files_deleted_at,
        "previous_of_course": services.previous_version(row.course_id) if row.course_id else None,
        "may_retire": VersionState.RETIRED in steps,
        "may_reject": VersionState.REJECTED in steps,
    }


def _flat(config: dict[str, Any]) -> list[tuple[str, str]]:
    """A training configuration as pairs of name and value, what is nested with its path before it."""
    pairs: list[tuple[str, str]] = []
    for name, value in config.items():
        if isinstance(value, dict):
            pairs += [(f"{name}.{inner}", text) for inner, text in _flat(value)]
        elif value not in (None, "", [], ()) and name != "licences":
            pairs.append((name, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)))
    return pairs
