from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from courses.models import Assignment, Course, Role
from courses.names import person_name


def layout(*fields: Any) -> FormHelper:
    """The fields alone: the page writes the <form>, its token and its buttons."""
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    if fields:
        helper.layout = Layout(*fields)
    return helper


class CourseForm(forms.ModelForm):
    helper = layout("name", Div("term", "language", css_class="fields"), "may_train")

    class Meta:
        model = Course
        fields = ("name", "term", "language", "may_train")
        help_texts = {
            "term": _("For example “Autumn 2026”."),
            "language": _("New assignments start in this language, and so do mails to the course."),
        }


class MemberForm(forms.Form):
    helper = layout(Div("email", "name", "role", css_class="fields"))

    email = forms.EmailField(label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    name = forms.CharField(label=_("Name"), required=False, max_length=300)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.STUDENT)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class TableFileForm(forms.Form):
    """One table: a list of members, or answers one a row."""

    helper = layout()

    file = forms.FileField(label=_("File"), widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.jsonl"}))


class ImportForm(TableFileForm):
    """Past marking: answers with the points that a teacher gave."""

    helper = layout()

    with_grades = forms.BooleanField(
        label=_("Take the points and feedback, too"),
        help_text=_("Without it the answers come in ungraded, to be marked here."),
        initial=True,
        required=False,
    )


class AssignmentForm(forms.ModelForm):
    helper = layout(
        "title",
        "question",
        "reference_answer",
        "marking_instructions",
        Div("max_points", "step", "language", css_class="fields"),
        Div("due_at", "regrade_days", css_class="fields"),
        "blind_marking",
        Div("second_share", "second_spread", css_class="fields"),
        "published",
    )

    class Meta:
        model = Assignment
        fields = (
            "title",
            "question",
            "reference_answer",
            "marking_instructions",
            "max_points",
            "step",
            "language",
            "due_at",
            "regrade_days",
            "blind_marking",
            "second_share",
            "second_spread",
            "published",
        )
        widgets = {
            "question": forms.Textarea(attrs={"rows": 6, "class": "prose"}),
            "reference_answer": forms.Textarea(attrs={"rows": 6, "class": "prose"}),
            "marking_instructions": forms.Textarea(attrs={"rows": 4, "class": "prose"}),
            "due_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        }
        help_texts = {
            "reference_answer": _("What a full answer says. Students never see it."),
            "marking_instructions": _("What the model and your colleagues should mind. Students never see it."),
            "step": _("Points are given in multiples of this."),
            "second_share": _("By chance, and by a person who does not see the first mark; 0 for none."),
            "second_spread": _("In points. More than that has to be settled before the release."),
            "blind_marking": _("The desk and its lists show numbers instead, in an order that tells nothing."),
            "regrade_days": _("So long after the release students may ask for a regrade; 0 for not at all."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["due_at"].help_text = _("Time zone: %(zone)s. Later answers are taken and called late.") % {
            "zone": settings.TIME_ZONE
        }


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files of one input; Django's own field takes one."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        one = super().clean
        # An empty file is not refused here: the service keeps it, with the reason why it cannot be read.
        return [one(item, initial) for item in data] if data else [one(None, initial)]


class FilesForm(forms.Form):
    helper = layout()

    uploads = FilesField(
        label=_("Files"),
        help_text=_("Text, Markdown, Word (.docx), OpenDocument (.odt), PDF with text, or a .zip of them."),
        allow_empty_file=True,
    )


class AnswerField(forms.CharField):
    """What a student typed or pasted. Word processors leave null characters in it: no reason to send it back."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").replace("\x00", "")


class SubmitForm(forms.Form):
    """An answer, typed or as a file; `replace` says yes to putting the earlier one aside."""

    helper = layout()

    text = AnswerField(
        label=_("Your answer"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 14, "class": "prose"}),
    )
    file = forms.FileField(
        label=_("Or a file"),
        help_text=_("Text, Markdown, Word (.docx), OpenDocument (.odt) or PDF with text."),
        required=False,
        allow_empty_file=True,
    )
    replace = forms.BooleanField(label=_("Replace the answer that I handed in before"))

    def __init__(self, *args: Any, replaces: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not replaces:
            del self.fields["replace"]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("text", "").strip() and data.get("file"):
            raise forms.ValidationError(_("Type an answer or choose a file, not both."), code="both")
        if not data.get("text", "").strip() and not data.get("file"):
            raise forms.ValidationError(_("Type an answer or choose a file."), code="nothing")
        return data


class StudentChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{person_name(obj)} · {obj.email}"


class AssignFileForm(forms.Form):
    student = StudentChoice(queryset=User.objects.none(), label=_("Student"), empty_label=_("Choose a student"))

    def __init__(self, *args: Any, students: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["student"].queryset = students  # type: ignore[attr-defined]
