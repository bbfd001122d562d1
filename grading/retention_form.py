from __future__ import annotations

from crispy_forms.layout import Div
from django import forms
from django.utils.translation import gettext_lazy as _

from courses.forms import layout
from courses.models import Course


class RetentionForm(forms.ModelForm):
    """For how long a course's answers are kept."""

    helper = layout(Div("retention_months", "ends_on", css_class="fields"))

    class Meta:
        model = Course
        fields = ("retention_months", "ends_on")
        widgets = {"ends_on": forms.DateInput({"type": "date"}, "%Y-%m-%d")}
        help_texts = {
            "retention_months": _("Counted from the end of the course or its last release. Empty: they are kept."),
            "ends_on": _("Empty: the last release counts."),
        }
