"""What can be done with a version beside putting it in use: take it along, bring one in, delete it, try it unseen."""

from __future__ import annotations

import tempfile
from pathlib import Path

from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from courses.quota import file_turn
from courses.views.requests import PersonRequest, errors_on, errors_told
from grading import services
from grading.admin_access import admin_required
from grading.admin_forms import TrialForm, VersionFileForm
from grading.exceptions import VersionUnusable
from grading.models import ModelVersion, Trial
from grading.trials import shown_trial


@require_safe
@admin_required
def version_export(request: PersonRequest, pk: int) -> HttpResponseBase:
    row = _version(request, pk)
    with tempfile.TemporaryDirectory(prefix="version-") as place:
        try:
            file = services.version_archive(version=row, to=Path(place) / "version.zip").open("rb")
        except VersionUnusable as error:
            messages.error(request, error.message)
            return redirect("grading:version", pk)
    return FileResponse(file, as_attachment=True, filename=f"{row.name}.zip")


@require_http_methods(["GET", "POST"])
@admin_required
def version_import(request: PersonRequest) -> HttpResponse:
    form = VersionFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            file_turn(request.user)
            given = form.cleaned_data
            row = services.version_import(file=given["file"], name=given["name"], by=request.user)
            messages.success(request, _("“%s” is a candidate now.") % row.name)
            return redirect("grading:version", row.pk)
    return render(request, "grading/version_import.html", {"form": form})


@require_POST
@admin_required
def version_delete(request: PersonRequest, pk: int) -> HttpResponse:
    row = _version(request, pk)
    with errors_told(request):
        services.version_delete(version=row, by=request.user)
        messages.success(
            request, _("The files of “%s” were deleted; its history and its grades still name it.") % row.name
        )
    return redirect("grading:version", pk)


@require_POST
@admin_required
def version_shadow(request: PersonRequest, pk: int) -> HttpResponse:
    """Shadow mode on, or off where it is on."""
    row = _version(request, pk)
    with errors_told(request):
        if row.shadow_since:
            services.version_shadow_stop(version=row, by=request.user)
            messages.success(request, _("Shadow mode is off."))
        else:
            services.version_shadow_start(version=row, by=request.user)
            messages.success(request, _("From now on it also marks what the version in use marks, unseen."))
    return redirect("grading:version", pk)


@require_POST
@admin_required
def version_try(request: PersonRequest, pk: int) -> HttpResponse:
    row = _version(request, pk)
    form = TrialForm(request.POST)
    if form.is_valid():
        services.trial_start(version=row, by=request.user, **form.cleaned_data)
    else:
        messages.error(request, _("Type a question and an answer to try."))
    return redirect(f"{row.get_absolute_url()}#try")


@never_cache
@require_safe
@admin_required
def trial(request: PersonRequest, pk: int) -> HttpResponse:
    """One trial as it stands; it asks for itself until it is over."""
    row = get_object_or_404(Trial.objects.visible_to(request.user).select_related("version"), pk=pk)
    return render(request, "grading/_trial.html", shown_trial(row))


def _version(request: PersonRequest, pk: int) -> ModelVersion:
    row: ModelVersion = get_object_or_404(ModelVersion.objects.visible_to(request.user), pk=pk)
    return row
