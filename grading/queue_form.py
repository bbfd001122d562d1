"""What the address of the review list says: which rows, in which order, narrowed to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from courses.models import Assignment
from courses.querysets import AnyUser
from grading.queue import Narrow

FIELDS = ("points_from", "points_to", "differs", "width", "flagged", "late", "marker")


class NarrowForm(forms.Form):
    """The filters beside “show”. What makes no sense is left out, as in every address that people can type."""

    points_from = forms.FloatField(label=_("Points from"), required=False, min_value=0)
    points_to = forms.FloatField(label=_("to"), required=False, min_value=0)
    differs = forms.FloatField(label=_("Differs from the proposal by at least"), required=False, min_value=0)
    width = forms.FloatField(label=_("Interval at least so many points wide"), required=False, min_value=0)
    flagged = forms.BooleanField(label=_("flagged"), required=False)
    late = forms.BooleanField(label=_("handed in late"), required=False)
    marker = forms.ModelChoiceField(
        User.objects.none(), label=_("Approved by"), required=False, empty_label=_("anybody")
    )

    def __init__(self, data: Mapping[str, Any], assignment: Assignment) -> None:
        super().__init__(data)
        markers: Any = self.fields["marker"]
        staff = User.objects.filter(
            memberships__course=assignment.course_id, memberships__role__in=("teacher", "assistant")
        )
        markers.queryset = staff.order_by("last_name", "pk")
        markers.label_from_instance = lambda user: user.get_full_name() or user.username
        for name, field in self.fields.items():
            kind = {"marker": "form-select", "flagged": "form-check-input", "late": "form-check-input"}
            field.widget.attrs["class"] = kind.get(name, "form-control")
            if isinstance(field, forms.FloatField):
                field.widget = forms.TextInput(
                    attrs={"class": "form-control", "inputmode": "decimal", "size": 4, "autocomplete": "off"}
                )


def narrow_of(data: Mapping[str, Any], user: AnyUser, assignment: Assignment) -> Narrow:
    """The filters of an address. The random order is the same for one teacher in one assignment, every time."""
    form = NarrowForm(data, assignment)
    form.is_valid()
    marker = form.cleaned_data.pop("marker", None)
    return replace(whole_queue(user, assignment), marker=marker.pk if marker else None, **form.cleaned_data)


def whole_queue(user: AnyUser, assignment: Assignment) -> Narrow:
    """Nothing narrowed, in this teacher's own random order where chance decides."""
    return Narrow(seed=f"{user.pk}-{assignment.pk}", blind=assignment.blind_marking)


def query_of(data: Mapping[str, Any], show: str, order: str) -> str:
    """The same queue as an address: for the links between the list and the desk."""
    kept = {name: data[name] for name in FIELDS if data.get(name)}
    return urlencode({"show": show, "order": order, **kept})
