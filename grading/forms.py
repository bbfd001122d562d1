from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from courses.models import Assignment, Submission
from grading.models import AnswerGroup, CriterionScore, Grade, RunScope


class RunForm(forms.Form):
    """What a teacher asks for when a grading run starts."""

    scope = forms.ChoiceField(choices=RunScope.choices, label=_("Which answers"))
    submissions = forms.ModelMultipleChoiceField(Submission.objects.none(), required=False)
    with_feedback = forms.BooleanField(required=False, label=_("Write feedback too"))

    def __init__(self, *args: Any, assignment: Assignment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["submissions"]
        chosen.queryset = Submission.objects.current().filter(assignment=assignment)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("scope") == RunScope.SELECTED and not data.get("submissions"):
            raise forms.ValidationError(_("Tick the answers that are to be marked in the list first."))
        return data


class PointsField(forms.DecimalField):
    """Points as people type them: with a point or a comma. A text field, so that a wheel never changes a mark."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "form-control"})
        super().__init__(max_digits=6, decimal_places=2, min_value=Decimal(0), required=False, widget=widget, **kwargs)

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.strip().replace(",", ".") if isinstance(value, str) else value)


class ReviewForm(forms.Form):
    """A teacher's values for one grade. `edition` says which state of the grade they were typed against."""

    edition = forms.IntegerField(widget=forms.HiddenInput)
    points = PointsField(label=_("Points"))
    feedback = forms.CharField(
        label=_("Feedback"), required=False, widget=forms.Textarea(attrs={"rows": 7, "class": "form-control prose"})
    )
    internal_note = forms.CharField(
        label=_("Internal note"),
        required=False,
        help_text=_("Students never see it."),
        widget=forms.Textarea(attrs={"rows": 2, "class": "form-control"}),
    )

    def __init__(self, *args: Any, grade: Grade, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.grade = grade
        self.scores = list(grade.criterion_scores.all())
        for score in self.scores:
            self.fields[criterion_field(score)] = PointsField(label=score.title)

    def changes(self) -> dict[str, Any]:
        """What the services take. What is still as the model proposed it stays the model's; the total is given only
        where somebody typed one that is neither the one shown nor what changed criteria add up to."""
        data = self.cleaned_data
        values = {score.pk: data.get(criterion_field(score)) for score in self.scores}
        criteria = {score.pk: _own(values[score.pk], score) for score in self.scores}
        touched = any(criteria[score.pk] != score.points for score in self.scores)
        shown = self.grade.proposed_points if self.grade.points is None else self.grade.points
        total, added_up = data.get("points"), sum(value for value in values.values() if value is not None)
        return {
            "edition": data["edition"],
            "points": None if touched and total in (shown, added_up) else _own(total, self.grade),
            "criterion_points": criteria or None,
            "feedback": data.get("feedback", "").replace("\r\n", "\n"),
            "internal_note": data.get("internal_note", "").replace("\r\n", "\n"),
        }


def _own(value: Decimal | None, row: Grade | CriterionScore) -> Decimal | None:
    """A person's own value: None while it is only the proposal, which nobody has touched."""
    return None if row.points is None and value == row.proposed_points else value


def criterion_field(score: CriterionScore) -> str:
    return f"criterion-{score.pk}"


class GroupMarkForm(forms.Form):
    """One mark for all members of a group: points in all, or for each criterion of the rubric; empty leaves each member
    what is proposed for it."""

    points = PointsField(label=_("Points"))
    feedback = forms.CharField(
        label=_("Feedback for all of them"),
        required=False,
        help_text=_("Empty: each keeps its own."),
        widget=forms.Textarea(attrs={"rows": 4, "class": "form-control prose"}),
    )

    def __init__(self, *args: Any, group: AnswerGroup, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rubric = getattr(group.assignment, "rubric", None)
        self.criteria = list(rubric.criteria.all()) if rubric else []
        for position, criterion in enumerate(self.criteria):
            self.fields[f"position-{position}"] = PointsField(label=criterion.title)

    def marks(self) -> dict[str, Any]:
        """What the service takes."""
        data = self.cleaned_data
        values = {position: data[f"position-{position}"] for position in range(len(self.criteria))}
        return {
            "points": data["points"],
            "criteria": {position: value for position, value in values.items() if value is not None} or None,
            "feedback": data["feedback"].replace("\r\n", "\n") or None,
        }


class NoteForm(forms.Form):
    """A reason that goes into the history, and the state of the grade that it was given for."""

    note = forms.CharField(label=_("Reason"), required=False)
    edition = forms.IntegerField(required=False)

    def given(self) -> dict[str, Any]:
        """What the services take. Too long a reason is cut: it must not keep anybody from withdrawing a grade."""
        self.full_clean()
        return {"note": self.cleaned_data.get("note", "")[:500], "edition": self.cleaned_data.get("edition")}


class SavedCommentForm(forms.Form):
    """One comment to use again."""

    text = forms.CharField(
        label=_("Comment"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3, "class": "form-control prose"})
    )

    def clean_text(self) -> str:
        return str(self.cleaned_data["text"]).replace("\r\n", "\n")


class AnchorForm(forms.Form):
    """A comment on the characters `start` to `end` of an answer."""

    start = forms.IntegerField(min_value=0)
    end = forms.IntegerField(min_value=1)
    text = forms.CharField(max_length=4000)
    score = forms.ModelChoiceField(CriterionScore.objects.none(), required=False)

    def __init__(self, *args: Any, grade: Grade, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scores: Any = self.fields["score"]
        scores.queryset = grade.criterion_scores.all()


class RegradeForm(forms.Form):
    """A student's request to look at a grade again."""

    reason = forms.CharField(
        label=_("What should be looked at again, and why?"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "form-control prose"}),
        error_messages={"required": _("Say what you would like to have looked at again.")},
    )
    criteria = forms.ModelMultipleChoiceField(
        CriterionScore.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, grade: Grade, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["criteria"]
        chosen.queryset = grade.criterion_scores.all()


class RegradeAnswerForm(forms.Form):
    """What the student reads in answer to a request."""

    answer = forms.CharField(
        label=_("Answer to the student"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "form-control prose"}),
    )


class ReleasePlanForm(forms.Form):
    """When approved grades are to be released by themselves."""

    at = forms.DateTimeField(
        label=_("Release at"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "class": "form-control"}, format="%Y-%m-%dT%H:%M"),
    )
