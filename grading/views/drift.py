"""Does a version still agree with the teachers, and alike for groups of students?"""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from courses.forms import layout
from courses.views.requests import PersonRequest, errors_on
from grading import drift as agreement
from grading.admin_access import admin_required
from grading.models import ModelVersion, StudentGroup
from grading.services.student_groups import student_groups_delete, student_groups_import


class GroupsForm(forms.Form):
    helper = layout()

    field = forms.CharField(
        label=gettext_lazy("Field"), max_length=60, help_text=gettext_lazy("Such as “first language”.")
    )
    file = forms.FileField(
        label=gettext_lazy("Table (CSV) with the columns student and group"),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.jsonl"}),
    )

    def clean_file(self) -> object:
        file = self.cleaned_data["file"]
        if file.size > settings.MAX_UPLOAD_BYTES:
            raise forms.ValidationError(_("The file is larger than %s.") % filesizeformat(settings.MAX_UPLOAD_BYTES))
        return file


@require_safe
@admin_required
def drift(request: PersonRequest, pk: int) -> HttpResponse:
    version = get_object_or_404(ModelVersion.objects.visible_to(request.user), pk=pk)
    rows = agreement.decided_grades(version)
    context = {
        "version": version,
        "all": agreement.agreement(_("all"), rows),
        "months": agreement.by_month(rows, lambda month: date_format(month, "F Y")),
        "courses": agreement.by_course(rows),
        "fields": agreement.by_group(rows),
        "enough": agreement.ENOUGH,
    }
    return render(request, "grading/drift.html", context)


@require_http_methods(["GET", "POST"])
@admin_required
def student_groups(request: PersonRequest) -> HttpResponse:
    """The fields by which fairness is looked at: what there is, and a new one."""
    form = GroupsForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        with errors_on(form):
            report = student_groups_import(by=request.user, field=given["field"].strip(), data=given["file"].read())
            words = ngettext("%(number)s student has a group.", "%(number)s students have a group.", report.taken)
            messages.success(request, words % {"number": report.taken})
            for row, error in report.errors[:20]:
                messages.warning(request, _("Row %(number)d: %(error)s") % {"number": row, "error": error})
            return redirect("grading:student_groups")
    fields: dict[str, dict[str, int]] = {}
    for field, value in StudentGroup.objects.values_list("field", "value"):
        fields.setdefault(field, {}).setdefault(value, 0)
        fields[field][value] += 1
    return render(request, "grading/student_groups.html", {"form": form, "fields": sorted(fields.items())})


@require_POST
@admin_required
def student_groups_forget(request: PersonRequest) -> HttpResponse:
    field = request.POST.get("field", "")
    if student_groups_delete(field=field):
        messages.success(request, _("“%s” was deleted.") % field)
    return redirect("grading:student_groups")
