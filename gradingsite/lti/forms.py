from __future__ import annotations

from typing import Any

from crispy_forms.layout import Div
from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from courses.forms import layout
from courses.models import Assignment, Course, Language
from gradingsite.lti.models import Context, Platform

ADDRESSES = ("issuer", "auth_login_url", "auth_token_url", "key_set_url")
LONGEST_ID, MOST_LINES = 255, 50


class LinesField(forms.CharField):
    """Several values, one a line."""

    widget = forms.Textarea(attrs={"rows": 2, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return list(dict.fromkeys(filter(None, (line.strip() for line in str(value or "").splitlines()))))

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise ValidationError(self.error_messages["required"], code="required")
        if len(value) > MOST_LINES or any(len(line) > LONGEST_ID for line in value):
            raise ValidationError(_("These are too many lines, or too long ones."))
        for line in value:
            ProhibitNullCharactersValidator()(line)

    def run_validators(self, value: Any) -> None:
        return None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return (initial or []) != self.to_python(data)


class PlatformForm(forms.ModelForm):
    helper = layout(
        "name",
        Div("issuer", "client_id", css_class="fields"),
        "deployments",
        "auth_login_url",
        "auth_token_url",
        "key_set_url",
        "service_hosts",
        "auth_audience",
        "staff_cap",
        "makes_accounts",
        "sends_feedback",
        "enabled",
    )

    deployments = LinesField(
        label=gettext_lazy("Deployment IDs"),
        help_text=gettext_lazy("One a line. Whatever comes from another deployment is refused."),
    )
    service_hosts = LinesField(
        label=gettext_lazy("Further hosts of its services"),
        required=False,
        help_text=gettext_lazy(
            "One a line, such as school.instructure.com. Lists of members and gradebooks are asked for at the hosts "
            "of the addresses above, and at these by https; nowhere else."
        ),
    )

    class Meta:
        model = Platform
        fields = (
            "name",
            "issuer",
            "client_id",
            "deployments",
            "auth_login_url",
            "auth_token_url",
            "key_set_url",
            "service_hosts",
            "auth_audience",
            "staff_cap",
            "makes_accounts",
            "sends_feedback",
            "enabled",
        )
        help_texts = {
            "auth_audience": gettext_lazy("Only where the platform's documentation names one. Empty: the token URL."),
            "staff_cap": gettext_lazy(
                "In the courses that are linked. With “teachers” they may also open a course here by themselves; on a "
                "platform where students may teach courses of their own, so may they."
            ),
            "makes_accounts": gettext_lazy("By the e-mail address that the platform sends."),
            "sends_feedback": gettext_lazy("As plain text, when the grade is released."),
            "enabled": gettext_lazy("Off: nobody comes in by it, and nothing is sent to it."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ADDRESSES if settings.HTTPS else ():
            if not str(cleaned.get(name, "https://")).startswith("https://"):
                self.add_error(name, _("This site is reached by https; the address must begin with https:// as well."))
        return cleaned

    def clean_service_hosts(self) -> list[str]:
        hosts = [host.lower() for host in self.cleaned_data["service_hosts"]]
        if any(set(host) & set("/@?# ") or "." not in host for host in hosts):
            raise ValidationError(_("Names of hosts only, without https:// and without a path."))
        return hosts


class ContextForm(forms.Form):
    """One of the teacher's own courses, or a new one."""

    helper = layout()

    course = forms.ModelChoiceField(Course.objects.none(), label=gettext_lazy("Course"), required=False)
    name = forms.CharField(label=gettext_lazy("Name of the new course"), max_length=200, required=False)
    language = forms.ChoiceField(label=gettext_lazy("language"), choices=Language.choices, required=False)

    def __init__(self, context: Context, user: User, *args: Any, new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["course"]
        field.queryset = Course.objects.owned_by(user)
        field.empty_label = _("a new course") if new else _("please choose")
        if new:
            self.fields["name"].initial = context.title[:200]
        else:
            del self.fields["name"], self.fields["language"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("course") is None and not cleaned.get("name", "").strip():
            raise ValidationError(
                _("Choose a course, or give the new one a name.") if "name" in self.fields else _("Choose a course.")
            )
        cleaned["language"] = cleaned.get("language") or Language.ENGLISH
        return cleaned


class AssignmentForm(forms.Form):
    """One assignment of a course."""

    helper = layout()

    assignment = forms.ModelChoiceField(
        Assignment.objects.none(), label=gettext_lazy("Assignment"), empty_label=gettext_lazy("please choose")
    )

    def __init__(self, course_id: int | None, *args: Any, chosen: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["assignment"]
        field.queryset = Assignment.objects.filter(course=course_id)
        field.initial = chosen


class RosterForm(forms.Form):
    """What was looked at goes along, so that nothing else is taken over."""

    looked_at = forms.CharField(max_length=64, required=False)
    take_out = forms.BooleanField(required=False)
