from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from courses.models import Assignment
from courses.templatetags.courses_tags import points as points_words
from grading.forms import PointsField

RISKS = (("0.05", _("1 in 20")), ("0.1", _("1 in 10")), ("0.2", _("1 in 5")))


class PromiseForm(forms.Form):
    """How far off is wrong, and how many may be wrong."""

    tolerance = forms.ChoiceField(label=_("Off by more than so many points is wrong"))
    risk = forms.ChoiceField(label=_("At most so many may be wrong"), choices=RISKS)

    def __init__(self, *args: Any, assignment: Assignment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        step = assignment.step_points
        steps: Any = self.fields["tolerance"]
        steps.choices = [(str(step * times), points_words(step * times)) for times in range(3)]
        self.initial = {"tolerance": str(step), "risk": "0.1"}
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-select"

    def chosen(self) -> tuple[float, float]:
        """Tolerance and risk; one step of points and 1 in 10 where the address says nothing that makes sense."""
        data = self.cleaned_data if self.is_bound and self.is_valid() else self.initial
        return float(Decimal(data["tolerance"])), float(data["risk"])


class BlindMarkForm(forms.Form):
    """A teacher's own points for a paper of the sample."""

    sample = forms.IntegerField(widget=forms.HiddenInput)
    points = PointsField(label=_("Your points"))

    def clean_points(self) -> Decimal:
        points = self.cleaned_data["points"]
        if points is None:
            raise forms.ValidationError(_("Give points."))
        return points
