"""The form that starts a training, in levels: what most admins choose, and everything else behind it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from courses.forms import layout
from courses.models import Course
from grading.models import ExampleState, ModelVersion, TrainingRun, TrainingSet, VersionState
from grading.suggestions import EPOCHS, LEARNING_RATE, RANK, head_of, rank_of
from grading.training_settings import AllSettings
from mlcore.config import ALL_LINEAR

PARTS: dict[str, tuple[str, ...]] = {
    "both": ("scorer", "feedback"),
    "scorer": ("scorer",),
    "feedback": ("feedback",),
}
_USUAL = AllSettings()
_OTHERS = (
    "alpha",
    "targets",
    "quantisation",
    "max_prefix_tokens",
    "max_answer_tokens",
    "max_feedback_tokens",
    "batch_size",
    "pack_tokens",
    "hardening",
    "patience",
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


def _whole(label: Any, usual: int, least: int, most: int, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, initial=usual, required=False, help_text=help_text
    )


class TrainingForm(forms.Form):
    """What to train on, what to train, and how. `request_key` is one per form shown."""

    helper = layout()

    request_key = forms.UUIDField(widget=forms.HiddenInput)
    courses = WithNumbers(
        label=_("Released grades of these courses"),
        help_text=_("The answers with the points and feedback that teachers released. Names never go into a training."),
        queryset=Course.objects.none(),
        required=False,
    )
    training_sets = WithNumbers(label=_("Uploaded sets"), queryset=TrainingSet.objects.none(), required=False)
    course = forms.ModelChoiceField(
        label=_("The result marks"),
        queryset=Course.objects.none(),
        required=False,
        empty_label=_("the whole site"),
        help_text=_("A course's own version marks that course alone and learns from no other course."),
    )
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
    learning_rate = forms.FloatField(
        label=_("Learning rate"),
        min_value=1e-6,
        max_value=1e-2,
        initial=LEARNING_RATE,
        help_text=_("How far each step goes. 0.0001 is careful; 0.0004 learns faster and forgets more."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    head = forms.ChoiceField(
        label=_("Head of the scorer"),
        choices=[("regression", _("regression: one number")), ("bands", _("classification over bands of points"))],
        initial="regression",
        required=False,
        help_text=_("What goes on from a version has to keep its head."),
    )
    rank = forms.IntegerField(
        label=_("Rank"),
        min_value=1,
        max_value=256,
        initial=RANK,
        help_text=_("How much an adapter can hold. What goes on from a version must have the same rank as that."),
    )
    alpha = forms.FloatField(
        label=_("Alpha"),
        min_value=0,
        max_value=1024,
        initial=_USUAL.alpha,
        required=False,
        help_text=_("Scale of the adapter; 0 takes twice the rank."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    targets = forms.MultipleChoiceField(
        label=_("Layers with an adapter"),
        choices=[(name, name) for name in ALL_LINEAR],
        initial=list(ALL_LINEAR),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    quantisation = forms.ChoiceField(
        label=_("Weights of the base under QLoRA"),
        choices=[("", _("as the site marks")), ("nf4", "nf4"), ("int8", "int8")],
        required=False,
    )
    max_prefix_tokens = _whole(_("Window for question and rubric, tokens"), _USUAL.max_prefix_tokens, 64, 8192)
    max_answer_tokens = _whole(_("Window for an answer, tokens"), _USUAL.max_answer_tokens, 16, 8192)
    max_feedback_tokens = _whole(_("Window for feedback, tokens"), _USUAL.max_feedback_tokens, 8, 1024)
    batch_size = _whole(_("Answers per step"), _USUAL.batch_size, 1, 512)
    pack_tokens = _whole(
        _("Tokens in one pass"), _USUAL.pack_tokens, 64, 65536, _("Fewer take less memory and more time.")
    )
    hardening = forms.FloatField(
        label=_("Share of answers also shown as attacks"),
        min_value=0,
        max_value=1,
        initial=_USUAL.hardening,
        required=False,
        help_text=_("So that demands for points in an answer do not move its mark; 0.1 is plenty."),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    patience = _whole(
        _("Evaluations without progress before it ends"), _USUAL.patience, 0, 100, _("0 always goes to the end.")
    )

    def __init__(self, *args: Any, again: TrainingRun | None = None, smaller: bool = False, **kwargs: Any) -> None:
        """`again` fills in the choices of an earlier run, `smaller` those that need about half of its memory."""
        super().__init__(*args, **kwargs)
        versions = ModelVersion.objects.exclude(state=VersionState.REJECTED).filter(files_deleted_at=None)
        in_use = versions.in_use()
        permitted = Course.objects.filter(may_train=True)
        self._offer("courses", _with_usable(permitted), _("No course has released grades yet."))
        self._offer("training_sets", _with_usable(TrainingSet.objects.all(), "examples"), _("There is none yet."))
        self._offer("course", _with_usable(permitted))
        self._offer("start_from", versions)
        self.initial = {
            "request_key": uuid.uuid4(),
            "start_from": in_use,
            "rank": (rank_of(in_use) if in_use else 0) or RANK,
            "head": head_of(in_use) if in_use else "regression",
            "method": "lora" if settings.MARGINALIA_QUANTISATION == "none" else "qlora",
            **(choices_of(again, smaller=smaller) if again else {}),
            **self.initial,
        }

    def _offer(self, name: str, rows: QuerySet[Any], without: Any = "") -> None:
        self.fields[name].queryset = rows  # type: ignore[attr-defined]
        if without and not rows.exists():
            self.fields[name].help_text = without

    @property
    def has_sources(self) -> bool:
        return any(self.fields[name].queryset.exists() for name in ("courses", "training_sets"))  # type: ignore[attr-defined]

    def some(self) -> Iterator[forms.BoundField]:
        """The fields of the second level."""
        names = ("request_key", "courses", "training_sets", "course", "parts", "start_from", "epochs", "method")
        return (self[name] for name in names)

    def rest(self) -> Iterator[forms.BoundField]:
        """The fields of the last level."""
        return (self[name] for name in ("learning_rate", "head", "rank", *_OTHERS))

    @property
    def rest_is_wrong(self) -> bool:
        """Whether a mistake lies in a field of the last level, which then has to be open."""
        return any(field.errors for field in self.rest())

    def clean_parts(self) -> Sequence[str]:
        return PARTS[self.cleaned_data["parts"]]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        given = {name: data.pop(name, None) for name in _OTHERS}
        data["head"] = data.get("head") or "regression"
        if not self.errors:
            known = {name: value for name, value in given.items() if value not in (None, "", [])}
            data["others"] = AllSettings(**{**known, "targets": tuple(given["targets"] or ())})
            if not data.get("courses") and not data.get("training_sets"):
                raise forms.ValidationError(
                    _("Choose at least one course or one uploaded set to train on."), code="none"
                )
        return data


def choices_of(run: TrainingRun, *, smaller: bool = False) -> dict[str, Any]:
    """What the form has to be filled in with to train as an earlier run did."""
    config = run.config
    lora = config.get("lora") or {}
    numbers = ("max_prefix_tokens", "max_answer_tokens", "max_feedback_tokens", "batch_size", "pack_tokens")
    others = AllSettings(
        alpha=float(lora.get("alpha") or 0),
        targets=tuple(lora.get("targets") or ()),
        quantisation=str((config.get("base") or {}).get("quantisation") or "").replace("none", ""),
        hardening=float(config.get("hardening") or 0),
        patience=int(config.get("patience", _USUAL.patience)),
        **{name: int(config.get(name) or getattr(_USUAL, name)) for name in numbers},
    )
    others = others.smaller() if smaller else others
    parts = tuple(config.get("parts") or PARTS["both"])
    rows = run.run_examples.exclude(example=None)
    return {
        "courses": list(Course.objects.filter(pk__in=rows.values("example__course"))),
        "training_sets": list(TrainingSet.objects.filter(pk__in=rows.values("example__training_set"))),
        "course": run.course,
        "parts": next((name for name, value in PARTS.items() if value == parts), "both"),
        "start_from": run.start_from,
        "epochs": config.get("epochs", EPOCHS),
        "method": "qlora" if smaller else config.get("method", "qlora"),
        "learning_rate": config.get("learning_rate", LEARNING_RATE),
        "head": config.get("head", "regression"),
        "rank": lora.get("rank", RANK),
        **{name: getattr(others, name) for name in _OTHERS if name != "targets"},
        "targets": list(others.layers),
    }


def _with_usable(rows: QuerySet[Any], path: str = "training_examples") -> QuerySet[Any]:
    """Rows with `usable`, the number of examples that can be trained on, where there are any."""
    accepted = Count(path, filter=Q(**{f"{path}__state": ExampleState.ACCEPTED}))
    return rows.annotate(usable=accepted).filter(usable__gt=0)
