"""Where django-allauth asks the site how things are done here."""

from __future__ import annotations

import base64
import hashlib
import logging
import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse

from gradingsite.accounts import client_address
from gradingsite.signin.events import record
from gradingsite.signin.models import AccountEventKind
from gradingsite.signin.required import must_have_second_factor

log = logging.getLogger(__name__)
BACKEND = "gradingsite.accounts.EmailBackend"


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def get_login_stages(self) -> list[str]:
        """After the password, or after single sign-on: the second factor, and nothing else."""
        return ["allauth.mfa.stages.AuthenticateStage"]

    def login(self, request: HttpRequest, user: Any) -> None:
        user.backend = getattr(user, "backend", BACKEND)
        super().login(request, user)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Django's own way alone: the limits of this site count, with those of axes."""
        return authenticate(request, **credentials)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Nobody is asked again who has only just shown who they are."""
        records = get_authentication_records(context.request, context.request.user)
        just_now = bool(records) and time.time() - records[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT
        return not just_now and super().is_reauthentication_required(app=app, **kwargs)

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        record(AccountEventKind.INACTIVE, user=user, request=request)
        return super().respond_user_inactive(request, user)


class SecondFactorAdapter(DefaultMFAAdapter):
    def get_totp_issuer(self) -> str:
        return f"Marginalia {self._get_site_name()}"

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return not must_have_second_factor(User.objects.get(pk=authenticator.user_id))

    def encrypt(self, text: str) -> str:
        """Somebody who only has the database, or a copy of it, cannot make codes."""
        return _keys().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return _keys().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            # SECRET_KEY is another one by now. No code fits any more, and an admin can reset the second factor.
            log.error("A second factor cannot be read: it was set up under another SECRET_KEY.")
            return generate_totp_secret()


def _keys() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_digest(str(secret)))) for secret in secrets])


def _digest(secret: str) -> bytes:
    return hashlib.sha256(b"second factor:" + secret.encode()).digest()
