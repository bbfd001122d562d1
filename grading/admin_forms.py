from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from crispy_forms.layout import Div, Field
from django import forms
from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from courses.forms import layout
from courses.models import Course
from grading.models import ExampleState, ModelVersion, TrainingSet, VersionState

PARTS: dict[str, tuple[str, ...]] = {
    "both": ("scorer", "feedback"),
    "scorer": ("scorer",),
    "feedback": ("feedback",),
}
RANK, LEARNING_RATE, EPOCHS = 16, 2e-4, 3


class VersionNoteForm(forms.Form):
    helper = layout()

    note = forms.CharField(
        label=_("Note"),
        help_text=_("Why. It stays in the version's history."),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class WithNumbers(forms.ModelMultipleChoiceField):
    """Sources of training examples, each with the number of those that can be used."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        number = ngettext("%(number)s marked answer", "%(number)s marked answers", obj.usable)
        return f"{obj} · {number % {'number': obj.usable}}"


class VersionChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        words = f"{obj.name} · {obj.get_state_display()}"
        rank = rank_of(obj)
        # The same words as the page of a training has, so that they are translated once.
        return f"{words} · " + gettext("rank %(rank)s") % {"rank": rank} if rank else words


class TrainingForm(forms.Form):
    """What to train on, what to train, and how. `request_key` is one per form shown."""

    helper = layout(
        "request_key",
        "courses",
        "training_sets",
        "parts",
        "start_from",
        Div("learning_rate", "epochs", css_class="fields"),
        Field("method"),
        "rank",
    )

    request_key = forms.UUIDField(widget=forms.HiddenInput)
    courses = WithNumbers(
        label=_("Released grades of these courses"),
        help_text=_("The answers with the points and feedback that teachers released. Names never go into a training."),
        queryset=Course.objects.none(),
        required=False,
    )
    training_sets = WithNumbers(label=_("Uploaded sets"), queryset=TrainingSet.objects.none(), required=False)
    parts = forms.ChoiceField(
        label=_("What is trained"),
        choices=[
            ("both", _("the scorer and the feedback writer")),
            ("scorer", _("the scorer alone: points")),
            ("feedback", _("the feedback writer alone: texts")),
        ],
        initial="both",
        help_text=_("What is not trained is taken over from the version that this one goes on from."),
        widget=forms.RadioSelect,
    )
    start_from = VersionChoice(
        label=_("Go on from"),
        queryset=ModelVersion.objects.none(),
        required=False,
        empty_label=_("nothing: begin with the base model alone"),
        help_text=_("Going on keeps what that version knows and needs fewer answers."),
    )
    learning_rate = forms.FloatField(
        label=_("Learning rate"),
        min_value=1e-6,
        max_value=1e-2,
        initial=LEARNING_RATE,
        help_text=_("How far each step goes. 0.0002 is careful; 0.0006 learns faster and forgets more."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    epochs = forms.FloatField(
        label=_("Epochs"),
        min_value=0.1,
        max_value=50,
        initial=EPOCHS,
        help_text=_("How often it goes through all answers. More takes longer; too many learn them by heart."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    method = forms.ChoiceField(
        label=_("Method"),
        choices=[
            ("qlora", _("QLoRA: on quantised weights, in little memory")),
            ("lora", _("LoRA: on full weights, more exact, in more memory")),
        ],
        widget=forms.RadioSelect,
    )
    rank = forms.IntegerField(
        label=_("Rank"),
        min_value=1,
        max_value=256,
        initial=RANK,
        help_text=_("How much an adapter can hold. What goes on from a version must have the same rank as that."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = ModelVersion.objects.exclude(state=VersionState.REJECTED)
        in_use = versions.promoted().first()
        self._offer("courses", _with_usable(Course.objects.all()), _("No course has released grades yet."))
        self._offer("training_sets", _with_usable(TrainingSet.objects.all(), "examples"), _("There is none yet."))
        self._offer("start_from", versions)
        self.initial = {
            "request_key": uuid.uuid4(),
            "start_from": in_use,
            "rank": (rank_of(in_use) if in_use else 0) or RANK,
            "method": "lora" if settings.MARGINALIA_QUANTISATION == "none" else "qlora",
            **self.initial,
        }

    def _offer(self, name: str, rows: QuerySet[Any], without: Any = "") -> None:
        self.fields[name].queryset = rows  # type: ignore[attr-defined]
        if without and not rows.exists():
            self.fields[name].help_text = without

    @property
    def has_sources(self) -> bool:
        return any(self.fields[name].queryset.exists() for name in ("courses", "training_sets"))  # type: ignore[attr-defined]

    def clean_parts(self) -> Sequence[str]:
        return PARTS[self.cleaned_data["parts"]]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and not data.get("courses") and not data.get("training_sets"):
            raise forms.ValidationError(_("Choose at least one course or one uploaded set to train on."), code="none")
        return data


class TrainingSetForm(forms.Form):
    helper = layout()

    name = forms.CharField(label=_("Name"), max_length=120)
    licence = forms.CharField(
        label=_("Licence or source"),
        max_length=300,
        help_text=_("Where it comes from and under which terms. It is named on the card of what is trained on it."),
    )
    file = forms.FileField(label=_("File (JSONL)"), widget=forms.FileInput(attrs={"accept": ".jsonl,.ndjson,.txt"}))

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > settings.MAX_UPLOAD_BYTES:
            words = gettext("The file is larger than %s.") % filesizeformat(settings.MAX_UPLOAD_BYTES)
            raise forms.ValidationError(words, code="too_large")
        return file


def rank_of(version: ModelVersion) -> int:
    """The rank of a version's adapters; 0 where its manifest does not say."""
    for part in (version.manifest.get("parts") or {}).values():
        rank = ((part.get("settings") or {}).get("lora") or {}).get("rank")
        if rank:
            return int(rank)
    return 0


def _with_usable(rows: QuerySet[Any], path: str = "training_examples") -> QuerySet[Any]:
    """Rows with `usable`, the number of examples that can be trained on, where there are any."""
    accepted = Count(path, filter=Q(**{f"{path}__state": ExampleState.ACCEPTED}))
    return rows.annotate(usable=accepted).filter(usable__gt=0)
