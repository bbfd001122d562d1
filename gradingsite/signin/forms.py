"""allauth's forms for codes, in the words of this site, and with a code taken once for as long as it would fit."""

from __future__ import annotations

from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

CODE_ATTRIBUTES = {
    "autocomplete": "one-time-code",
    "inputmode": "numeric",
    "autofocus": True,
    "spellcheck": "false",
}


class CodeWords(forms.Form):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["code"]
        field.label = _("Code")
        field.widget = forms.TextInput(attrs=CODE_ATTRIBUTES)


class TakenOnce(BaseAuthenticateForm):
    """A code fits for a while before and after its half minute. allauth remembers a used one for half a minute only."""

    def clean_code(self) -> str:
        code = super().clean_code()
        fits = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
        if self.authenticator.type == Authenticator.Type.TOTP:
            key = f"signin.code:{self.user.pk}:{normalize_user_code(code)}"
            if not cache.add(key, True, timeout=fits):
                raise get_adapter().validation_error("incorrect_code")
        return code


class SignInCodeForm(CodeWords, TakenOnce, AuthenticateForm):
    pass


class AgainCodeForm(CodeWords, TakenOnce, ReauthenticateForm):
    pass


class SwitchOnForm(CodeWords, ActivateTOTPForm):
    pass
