"""Who somebody is that comes from the school's single sign-on: an account of this site, or a refusal in words."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from courses.errors import InvalidEmail
from courses.services.people import account_find, account_for, email_normal
from gradingsite.signin.events import record
from gradingsite.signin.models import AccountEventKind

log = logging.getLogger(__name__)
PROVIDER_ID = "school"


class SsoAdapter(DefaultSocialAccountAdapter):
    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[Any]:
        """Those of the environment; rows in the database would be a second, hidden place to configure it."""
        from allauth.socialaccount.adapter import _build_apps_from_settings

        found = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for apps in found.values() for app in apps]

    def get_requests_session(self) -> Any:
        """The provider's addresses are fixed; one that leads elsewhere is not followed."""
        session = super().get_requests_session()
        session.max_redirects = 0
        return session

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        claims = sociallogin.account.extra_data
        sociallogin.account.extra_data = {}
        if sociallogin.is_existing:
            SocialAccount.objects.filter(pk=sociallogin.account.pk).update(extra_data={})
            return
        user = self._account(request, claims)
        account = sociallogin.account
        account.user = user
        try:
            with transaction.atomic():
                account.save()
        except IntegrityError:  # two tabs at once: the other one linked it
            account = SocialAccount.objects.get(provider=account.provider, uid=account.uid)
        sociallogin.account, sociallogin.user = account, account.user
        record(AccountEventKind.SSO_LINKED, user=user, request=request)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """What the provider said stays out of the page; the log gets its kind, never a code or a token."""
        log.warning("Single sign-on failed: %s %s", error or "", type(exception).__name__ if exception else "")
        raise ImmediateHttpResponse(refused(request, _("Single sign-on did not work. Please try again.")))

    def _account(self, request: HttpRequest, claims: dict[str, Any]) -> User:
        email = verified_email(claims)
        if email is None:
            raise ImmediateHttpResponse(
                refused(
                    request, _("The sign-on gave no confirmed e-mail address, so it is not clear who you are here.")
                )
            )
        user = account_find(email)
        if user is None and settings.OIDC_CREATE_ACCOUNTS:
            user, _made = account_for(email=email, name=str(_claim(claims, "name") or ""))
        if user is None:
            record(AccountEventKind.SSO_REFUSED, user=None, request=request)
            words = _("There is no account with your address %(email)s here. Ask your teacher to enrol you with it.")
            raise ImmediateHttpResponse(refused(request, words % {"email": email}))
        if not user.is_active:
            raise ImmediateHttpResponse(get_account_adapter().respond_user_inactive(request, user))
        if SocialAccount.objects.filter(user=user).exists():
            record(AccountEventKind.SSO_REFUSED, user=user, request=request)
            words = _("The account %(email)s is linked to another person of the sign-on. An admin can unlink it.")
            raise ImmediateHttpResponse(refused(request, words % {"email": email}))
        return user


def refused(request: HttpRequest, words: str) -> HttpResponse:
    return render(request, "signin/sso_refused.html", {"words": words}, status=403)


def verified_email(claims: dict[str, Any]) -> str | None:
    """The address in the claim that is set for it, where the provider vouches for it."""
    email = _claim(claims, settings.OIDC_EMAIL_CLAIM)
    vouched = str(_claim(claims, "email_verified")).lower() == "true" and settings.OIDC_EMAIL_CLAIM == "email"
    if not isinstance(email, str) or not (vouched or settings.OIDC_TRUST_EMAIL):
        return None
    if not email.partition("@")[0].isascii():
        return None  # “ſ” or the sign for kelvin would become an s or a k, and somebody else's address
    try:
        return email_normal(email)
    except InvalidEmail:
        return None


def _claim(claims: dict[str, Any], name: str) -> Any:
    """Out of the signed token first; what only userinfo says comes after it."""
    for source in ("id_token", "userinfo"):
        value = (claims.get(source) or {}).get(name)
        if value is not None:
            return value
    return None
