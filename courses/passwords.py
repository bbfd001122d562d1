from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import get_language, override
from kombu.exceptions import OperationalError

from courses.tasks import mail_password_link

log = logging.getLogger(__name__)


class InvitedPasswordResetForm(PasswordResetForm):
    """Django's form, but also for accounts that were enrolled and never had a password.

    Django leaves them out because their password may live in another system; here there is none. The mail is left to a
    worker whether there is such an account or not: how long the page takes does not tell who has one.
    """

    def get_users(self, email: str) -> Iterable[User]:
        return User.objects.filter(email__iexact=email, is_active=True)

    def save(self, *, request: HttpRequest, use_https: bool = False, **_kwargs: Any) -> None:  # type: ignore[override]
        site = settings.SITE_URL or f"{'https' if use_https else 'http'}://{request.get_host()}"
        email, language = self.cleaned_data["email"], get_language() or settings.LANGUAGE_CODE
        try:
            mail_password_link.delay(email, site, language)
        except OperationalError as error:
            log.warning("The broker is away; a password link is sent by the web process: %s", type(error).__name__)
            password_link_send(email=email, site=site, language=language)


def password_link_send(*, email: str, site: str, language: str) -> None:
    form = InvitedPasswordResetForm({"email": email})
    if form.is_valid():
        scheme, _, host = site.partition("://")
        with override(language):
            PasswordResetForm.save(form, domain_override=host, use_https=scheme == "https")
