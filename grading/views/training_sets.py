"""Sets of marked answers that are uploaded for trainings: take one, list them, delete one."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from courses.quota import file_turn
from courses.views.requests import PersonRequest, errors_on, errors_told, page_of
from grading import services
from grading.admin_access import admin_required
from grading.admin_forms import TrainingSetForm
from grading.exceptions import TrainingSetRefused
from grading.models import TrainingRun, TrainingSet


@require_http_methods(["GET", "POST"])
@admin_required
def training_sets(request: PersonRequest) -> HttpResponse:
    form = TrainingSetForm(request.POST or None, request.FILES or None)
    lines: list[str] = []
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            try:
                file_turn(request.user)
                return _upload(request, form)
            except TrainingSetRefused as refused:
                lines = refused.details.get("lines", [])
                raise
    sets = TrainingSet.objects.select_related("uploaded_by").annotate(number=Count("examples")).order_by("name")
    context = {"form": form, "page": page_of(request, sets), "lines": lines}
    return render(request, "grading/training_sets.html", context)


@require_http_methods(["GET", "POST"])
@admin_required
def training_set_delete(request: PersonRequest, pk: int) -> HttpResponse:
    """Asks first, and says what stays."""
    row = get_object_or_404(TrainingSet.objects.annotate(number=Count("examples")), pk=pk)
    if request.method == "POST":
        with errors_told(request):
            services.training_set_delete(training_set=row, by=request.user)
            messages.success(request, _("“%s” was deleted.") % row.name)
        return redirect("grading:training_sets")
    runs = TrainingRun.objects.filter(run_examples__example__training_set=row).distinct().order_by("pk")
    return render(request, "grading/training_set_delete.html", {"set": row, "runs": runs})


def _upload(request: PersonRequest, form: TrainingSetForm) -> HttpResponse:
    given = form.cleaned_data
    row = services.training_set_upload(
        by=request.user, name=given["name"], licence=given["licence"], data=given["file"].read()
    )
    number = row.examples.count()
    words = ngettext("%(number)s marked answer was taken.", "%(number)s marked answers were taken.", number)
    messages.success(request, words % {"number": number})
    return redirect("grading:training_sets")
