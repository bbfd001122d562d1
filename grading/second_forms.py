"""Forms of second marking."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from grading.forms import PointsField, criterion_field
from grading.models import Grade


class SecondMarkForm(forms.Form):
    """Points for each criterion, or in all where there are none, given without seeing what another person gave."""

    points = PointsField(label=_("Points"))
    note = forms.CharField(
        label=_("Note for the colleagues"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2, "class": "form-control"}),
    )

    def __init__(self, *args: Any, grade: Grade, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scores = list(grade.criterion_scores.all())
        for score in self.scores:
            self.fields[criterion_field(score)] = PointsField(label=score.title)
        if self.scores:
            del self.fields["points"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        names = [criterion_field(score) for score in self.scores] or ["points"]
        for name in names:
            if name in data and data[name] is None:
                self.add_error(name, _("Give points."))
        return data

    def given(self) -> dict[str, Any]:
        """What the service takes."""
        criteria = {score.pk: self.cleaned_data[criterion_field(score)] for score in self.scores}
        total = sum(criteria.values(), Decimal(0)) if criteria else self.cleaned_data["points"]
        return {"points": total, "criterion_points": criteria, "note": self.cleaned_data.get("note", "")}

    def criteria(self) -> list[tuple[Any, Any]]:
        """(criterion score, its bound field) of each criterion."""
        return [(score, self[criterion_field(score)]) for score in self.scores]


class SettleForm(forms.Form):
    """What counts of two marks."""

    points = PointsField(label=_("Points that count"))

    def clean_points(self) -> Decimal:
        points: Decimal | None = self.cleaned_data["points"]
        if points is None:
            raise forms.ValidationError(_("Give points."))
        return points
