"""The rubric as a form: one form a criterion, in an order that works with and without a script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from courses.models import Criterion, Level
from courses.services import CriterionData, LevelData

MOST_CRITERIA = 40
LONGEST_LEVEL = 500  # Level.description takes no more


def levels_as_text(levels: Iterable[Level]) -> str:
    return "\n".join(f"{level.points.normalize():f}: {level.description}" for level in levels)


class LevelsField(forms.CharField):
    """Levels as lines of “points: description”, quick to type and to paste from a list."""

    widget = forms.Textarea

    def clean(self, value: Any) -> list[LevelData]:
        lines = enumerate(str(super().clean(value)).splitlines(), start=1)
        return [self._level(number, line.strip()) for number, line in lines if line.strip()]

    def _level(self, number: int, line: str) -> LevelData:
        points, colon, description = line.partition(":")
        try:
            value = Decimal(points.strip().replace(",", "."))
        except InvalidOperation:
            value = Decimal("NaN")
        if not (colon and description.strip() and value.is_finite() and -9999 < value < 9999):
            words = _("Line %(number)d: write points, a colon and a description, for example “0.5: names it”.")
            raise forms.ValidationError(words, params={"number": number})
        if len(description.strip()) > LONGEST_LEVEL:
            words = _("Line %(number)d is longer than %(limit)d characters.")
            raise forms.ValidationError(words, params={"number": number, "limit": LONGEST_LEVEL})
        return LevelData(value, description.strip())


CONTROL = {"class": "form-control"}
PROSE = {"class": "form-control prose"}


class CriterionForm(forms.Form):
    id = forms.IntegerField(required=False, widget=forms.HiddenInput)
    title = forms.CharField(label=_("Title"), max_length=200, widget=forms.TextInput(attrs=CONTROL))
    points = forms.DecimalField(
        label=_("Points"),
        max_digits=6,
        decimal_places=2,
        min_value=Decimal("0.25"),
        widget=forms.NumberInput(attrs=CONTROL),
    )
    description = forms.CharField(
        label=_("Description"), required=False, widget=forms.Textarea(attrs={**PROSE, "rows": 3})
    )
    levels = LevelsField(
        label=_("Levels"),
        help_text=_("Optional, one a line: points, a colon, a description."),
        required=False,
        widget=forms.Textarea(attrs={**PROSE, "rows": 3}),
    )


RubricFormSet = forms.formset_factory(
    CriterionForm, can_delete=True, can_order=True, extra=0, max_num=MOST_CRITERIA, validate_max=True
)


def rubric_formset(criteria: Sequence[Criterion]) -> forms.BaseFormSet[CriterionForm]:
    """The criteria as they are, or one empty one to begin with."""
    initial = [
        {
            "id": row.pk,
            "title": row.title,
            "points": f"{row.points.normalize():f}",
            "description": row.description,
            "levels": levels_as_text(row.levels.all()),
        }
        for row in criteria
    ]
    formset = RubricFormSet(initial=initial, prefix="criteria")
    formset.extra = 0 if initial else 1
    return formset


def with_one_more(data: QueryDict) -> QueryDict:
    """What was sent, with room for another criterion: how “add” works without a script."""
    more = data.copy()
    try:
        total = min(int(more.get("criteria-TOTAL_FORMS", "0")), MOST_CRITERIA - 1)
    except ValueError:
        total = 0
    more["criteria-TOTAL_FORMS"] = str(total + 1)
    return more


def criteria_of_formset(formset: forms.BaseFormSet[CriterionForm]) -> list[CriterionData]:
    """The criteria of a valid formset in the order that was asked for; forms left empty are none."""
    cleaned = [form.cleaned_data for form in formset.ordered_forms if form.cleaned_data.get("title")]
    return [CriterionData(row["title"], row["description"], row["points"], row["levels"], row["id"]) for row in cleaned]
