from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from courses.forms import layout


class VersionNoteForm(forms.Form):
    helper = layout()

    note = forms.CharField(
        label=_("Note"),
        help_text=_("Why. It stays in the version's history."),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class TrialForm(forms.Form):
    """An answer to try a version with."""

    helper = layout()

    question = forms.CharField(label=_("Question"), max_length=5000, widget=forms.Textarea(attrs={"rows": 2}))
    reference_answer = forms.CharField(
        label=_("Reference answer"), max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    answer = forms.CharField(label=_("Answer"), max_length=20_000, widget=forms.Textarea(attrs={"rows": 3}))
    max_points = forms.DecimalField(label=_("Points"), min_value=Decimal("0.5"), max_value=1000, initial=1)


class VersionFileForm(forms.Form):
    """An adapter directory from elsewhere."""

    helper = layout()

    file = forms.FileField(
        label=_("Archive (ZIP) of one adapter directory"), widget=forms.FileInput(attrs={"accept": ".zip"})
    )
    name = forms.CharField(
        label=_("Name"), max_length=120, required=False, help_text=_("Left empty, the name in its manifest is taken.")
    )


class TrainingSetForm(forms.Form):
    helper = layout()

    name = forms.CharField(label=_("Name"), max_length=120)
    licence = forms.CharField(
        label=_("Licence or source"),
        max_length=300,
        help_text=_("Where it comes from and under which terms. It is named on the card of what is trained on it."),
    )
    file = forms.FileField(
        label=_("File (JSONL, or ZIP of a dataset directory)"),
        widget=forms.FileInput(attrs={"accept": ".jsonl,.ndjson,.txt,.zip"}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > settings.MAX_UPLOAD_BYTES:
            words = gettext("The file is larger than %s.") % filesizeformat(settings.MAX_UPLOAD_BYTES)
            raise forms.ValidationError(words, code="too_large")
        return file
