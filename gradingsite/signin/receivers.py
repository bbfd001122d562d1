"""What happens at logins and changes of an account: Django's and allauth's signals, a line or two each."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import authentication_step_completed
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.cache import cache
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest

from gradingsite.accounts import client_address
from gradingsite.signin import idle, known_browsers, limits, open_sessions
from gradingsite.signin.events import network_of, record, ways
from gradingsite.signin.models import AccountEventKind as Kind


@receiver(user_logged_in)
def signed_in(request: HttpRequest, user: User, **_kwargs: Any) -> None:
    record(Kind.SIGNED_IN, user=user, request=request, how=ways(request, user))
    if hasattr(request, "session"):
        idle.begun(request)
        known_browsers.remember(request, user)
        open_sessions.device_note(request)


@receiver(post_save, sender=User)
def deactivated(instance: User, created: bool, raw: bool, **_kwargs: Any) -> None:
    """What was open does not come back with the account."""
    if not (instance.is_active or created or raw):
        open_sessions.sessions_end(user=instance, request=None)


@receiver(user_login_failed)
def wrong_password(credentials: dict[str, Any], request: HttpRequest | None = None, **_kwargs: Any) -> None:
    if request is None:
        return
    name = str(credentials.get("username") or "").strip().lower()
    user = User.objects.filter(username=name).first()
    if getattr(request, "axes_locked_out", False):
        _locked(request, user)
        return
    limits.password_failed(request, name)
    inactive = user is not None and not user.is_active
    record(Kind.INACTIVE if inactive else Kind.WRONG_PASSWORD, user=user, request=request, how="password")


def _locked(request: HttpRequest, user: User | None) -> None:
    """Once an hour for a person and a place: whoever goes on knocking must not be able to fill the record."""
    place = f"{user.pk if user else 0}:{network_of(client_address(request))}"
    if cache.add(f"signin.locked:{place}", True, timeout=3600):
        record(Kind.LOCKED, user=user, request=request, how="password")


@receiver(mfa.authentication_failed)
def wrong_code(request: HttpRequest, user: User, **_kwargs: Any) -> None:
    record(Kind.WRONG_CODE, user=user, request=request)


@receiver(mfa.authenticator_added)
def factor_on(request: HttpRequest, user: User, authenticator: Authenticator, **_kwargs: Any) -> None:
    if authenticator.type == Authenticator.Type.TOTP:
        record(Kind.FACTOR_ON, user=user, request=request)
        _end_others(request, user)


@receiver(mfa.authenticator_removed)
def factor_off(request: HttpRequest, user: User, authenticator: Authenticator, **_kwargs: Any) -> None:
    if authenticator.type == Authenticator.Type.TOTP:
        record(Kind.FACTOR_OFF, user=user, request=request)
        _end_others(request, user)


def _end_others(request: HttpRequest, user: User) -> None:
    """Whoever was in before the way of logging in changed has to show the new way."""
    open_sessions.sessions_end(user=user, request=request, keep=request.session.session_key)


@receiver(authentication_step_completed)
def shown_again(request: HttpRequest, reauthenticated: bool = False, **_kwargs: Any) -> None:
    """A session that may do more gets a new name: who learned the old one does not come along."""
    if reauthenticated:
        request.session.cycle_key()


@receiver(mfa.authenticator_reset)
def codes_made(request: HttpRequest, user: User, **_kwargs: Any) -> None:
    record(Kind.CODES_MADE, user=user, request=request)
