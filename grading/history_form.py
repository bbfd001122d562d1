"""What the address of a history page says: whom, what, from when to when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from courses.models import Course
from grading.history import Asked, HistoryKind


class HistoryForm(forms.Form):
    """The filters. What makes no sense is left out, as in every address that people can type."""

    who = forms.CharField(label=_("Person"), required=False, max_length=200)
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    until = forms.DateField(label=_("to"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))

    def __init__(self, data: Mapping[str, Any], course: Course | None) -> None:
        super().__init__(data)
        self.course = course
        kinds = [choice for choice in HistoryKind.choices if course is None or choice[0] != HistoryKind.MODELS]
        chosen: Any = self.fields["kind"]
        chosen.choices = [("", _("everything")), *kinds]
        for name, field in self.fields.items():
            field.widget.attrs["class"] = "form-select" if name == "kind" else "form-control"

    def asked(self) -> Asked:
        self.is_valid()
        return Asked(course=self.course, **self.cleaned_data)
