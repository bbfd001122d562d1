"""Training examples: find them, see what is odd about them, leave some out or take them back, carry them elsewhere."""

from __future__ import annotations

import tempfile
from pathlib import Path

from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from courses.views.requests import PersonRequest, page_of
from grading import services
from grading.admin_access import admin_required
from grading.example_forms import ExampleFilter, ExclusionForm
from grading.models import TrainingExample, TrainingRunExample
from grading.services.example_files import example_lines, examples_archive

ROWS = 50


@require_safe
@admin_required
def examples(request: PersonRequest) -> HttpResponse:
    form = ExampleFilter(request.GET)
    rows = _wanted(request, form)
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "form": form,
        "page": page_of(request, rows, ROWS),
        "query": query.urlencode(),
        "filtered": any(query.values()),
    }
    return render(request, "grading/examples.html", context)


@require_safe
@admin_required
def example(request: PersonRequest, pk: int) -> HttpResponse:
    """One example: what the model reads of it, and which trainings and versions saw it."""
    rows = TrainingExample.objects.visible_to(request.user)
    row = get_object_or_404(rows.select_related("course", "training_set", "marked_by", "excluded_by", "grade"), pk=pk)
    seen = TrainingRunExample.objects.filter(example=row).select_related("run__version").order_by("run")
    alike = rows.filter(words_hash=row.words_hash).exclude(pk=row.pk).exclude(words_hash="")[:20]
    return render(request, "grading/example.html", {"example": row, "seen": seen, "alike": alike})


@require_POST
@admin_required
def examples_exclude(request: PersonRequest) -> HttpResponse:
    form = ExclusionForm(request.POST)
    if form.is_valid():
        number = services.example_exclude(
            examples=form.cleaned_data["example"], by=request.user, reason=form.cleaned_data["reason"]
        )
        words = ngettext("%(number)s example is left out now.", "%(number)s examples are left out now.", number)
        messages.success(request, words % {"number": number})
    else:
        messages.error(request, _("Tick at least one example and say why it is left out."))
    return redirect(_back(request))


@require_POST
@admin_required
def examples_restore(request: PersonRequest) -> HttpResponse:
    rows = TrainingExample.objects.visible_to(request.user)
    chosen = rows.filter(pk__in=[key for key in request.POST.getlist("example") if key.isdigit()])
    number = services.example_restore(examples=chosen, by=request.user)
    words = ngettext("%(number)s example is back.", "%(number)s examples are back.", number)
    messages.success(request, words % {"number": number})
    if number < len(chosen):
        messages.warning(request, _("What was withdrawn, deleted or released anew since cannot be taken back."))
    return redirect(_back(request))


@require_safe
@admin_required
def examples_export(request: PersonRequest, kind: str) -> HttpResponseBase:
    """The filtered examples as JSON lines, or as a dataset directory in a ZIP file."""
    rows = _wanted(request, ExampleFilter(request.GET)).order_by("pk")
    if kind == "jsonl":
        response = StreamingHttpResponse(example_lines(rows), content_type="application/x-ndjson; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="training-examples.jsonl"'
        return response
    with tempfile.TemporaryDirectory(prefix="examples-") as place:
        file = examples_archive(rows, Path(place) / "training-examples.zip").open("rb")
    return FileResponse(file, as_attachment=True, filename="training-examples.zip")


def _wanted(request: PersonRequest, form: ExampleFilter) -> QuerySet[TrainingExample]:
    rows = TrainingExample.objects.visible_to(request.user).select_related("course", "training_set", "marked_by")
    found: QuerySet[TrainingExample] = form.rows(rows).order_by("-pk")
    return found


def _back(request: PersonRequest) -> str:
    """The list with the filters that it had."""
    to = request.POST.get("next", "")
    return to if url_has_allowed_host_and_scheme(to, None) else reverse("grading:examples")
