"""Forms of the browser of training examples."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from courses.forms import layout
from courses.models import Course, Language
from grading.examples import corrected_by, with_faults, without_rubric
from grading.models import ExampleState, TrainingExample, TrainingSet


class ExampleFilter(forms.Form):
    """Which examples are shown. Everything is optional; what makes no sense is left out."""

    course = forms.ModelChoiceField(Course.objects.none(), label=_("Course"), required=False, empty_label=_("any"))
    training_set = forms.ModelChoiceField(
        TrainingSet.objects.all(), label=_("Uploaded set"), required=False, empty_label=_("any")
    )
    question = forms.CharField(label=_("Words of the question"), required=False, max_length=200)
    marked_by = forms.ModelChoiceField(User.objects.none(), label=_("Marked by"), required=False, empty_label=_("any"))
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    language = forms.ChoiceField(label=_("Language"), choices=[("", _("any")), *Language.choices], required=False)
    correction = forms.ChoiceField(
        label=_("The teacher's correction"),
        choices=[
            ("", _("any")),
            ("none", _("none: the proposal stood")),
            ("small", _("up to a tenth of the points")),
            ("large", _("more than a tenth")),
            ("huge", _("more than half")),
        ],
        required=False,
    )
    state = forms.ChoiceField(
        label=_("State"),
        choices=[("", _("any")), ("accepted", _("trained on")), ("excluded", _("left out"))],
        required=False,
    )
    odd = forms.ChoiceField(
        label=_("What is odd"),
        choices=[
            ("", _("anything")),
            ("contradicted", _("near-equal answers with other points")),
            ("duplicated", _("near-equal answers")),
            ("without_rubric", _("no rubric and no reference answer")),
        ],
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["course"].queryset = Course.objects.filter(training_examples__isnull=False).distinct()  # type: ignore[attr-defined]
        markers = TrainingExample.objects.exclude(marked_by=None).values("marked_by")
        self.fields["marked_by"].queryset = User.objects.filter(pk__in=markers)  # type: ignore[attr-defined]

    def rows(self, rows: QuerySet[TrainingExample]) -> QuerySet[TrainingExample]:
        """The examples that are wanted, with what is odd about each."""
        self.is_valid()
        wanted = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        simple = {
            "course": "course",
            "training_set": "training_set",
            "marked_by": "marked_by",
            "language": "language",
            "state": "state",
            "question": "row__question__icontains",
            "since": "created_at__date__gte",
            "until": "created_at__date__lte",
        }
        rows = rows.filter(**{path: wanted[name] for name, path in simple.items() if name in wanted})
        rows = _CORRECTIONS[wanted.get("correction", "")](rows)
        rows = with_faults(rows)
        odd = wanted.get("odd")
        if odd == "without_rubric":
            return without_rubric(rows)
        return rows.filter(state=ExampleState.ACCEPTED, **{odd: True}) if odd else rows


_CORRECTIONS: dict[str, Any] = {
    "": lambda rows: rows,
    "none": lambda rows: rows.filter(correction=0),
    "small": lambda rows: corrected_by(rows, 1e-6, 0.1),
    "large": lambda rows: corrected_by(rows, 0.1 + 1e-6, 1.0),
    "huge": lambda rows: corrected_by(rows, 0.5 + 1e-6, 1.0),
}


class ExclusionForm(forms.Form):
    """Which examples are left out, and why."""

    helper = layout()

    example = forms.ModelMultipleChoiceField(TrainingExample.objects.all())
    reason = forms.CharField(label=_("Why"), max_length=200)
