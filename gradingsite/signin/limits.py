"""How often something may be tried: for an account from anywhere, and from an address at anything.

django-axes locks the pair of account and address. What it does not see are many addresses at one account, and one
address at many accounts; these are counted here, over an hour. The numbers are settings (ACCOUNT_RATE_LIMITS).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from allauth.core import ratelimit
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone

from gradingsite.accounts import client_address
from gradingsite.signin.events import network_of
from gradingsite.signin.models import AccountEvent, AccountEventKind

KNOWN_FOR = timedelta(days=30)


class LimitBackend:
    """Stands before all other backends and lets nobody in; it only stops who tried too often.

    Like that of axes it knows no accounts, so that no session is ever taken for one of its own.
    """

    def authenticate(self, request: HttpRequest | None, username: str | None = None, **kwargs: Any) -> User | None:
        if request is not None and username and too_many_passwords(request, username.strip().lower()):
            request.axes_locked_out = True  # type: ignore[attr-defined]  # axes' middleware says it in words
            raise PermissionDenied
        return None


def too_many_passwords(request: HttpRequest, name: str) -> bool:
    if not ratelimit.consume(request, action="password_address", dry_run=True):
        return True
    if ratelimit.consume(request, action="password_account", key=name, dry_run=True):
        return False
    return not _known_here(request, name)


def _known_here(request: HttpRequest, name: str) -> bool:
    """Whoever guesses from elsewhere must not be able to lock people out where they usually log in."""
    network = network_of(client_address(request))
    since = timezone.now() - KNOWN_FOR
    lines = AccountEvent.objects.filter(user__username=name, kind=AccountEventKind.SIGNED_IN, at__gt=since)
    return bool(network) and lines.filter(network=network).exists()


def password_failed(request: HttpRequest, name: str) -> None:
    ratelimit.consume(request, action="password_address")
    ratelimit.consume(request, action="password_account", key=name)


def link_allowed(request: HttpRequest, email: str) -> bool:
    """Counted for the address as it was typed, whether it belongs to somebody or not: the answer tells nothing."""
    if not ratelimit.consume(request, action="link_address"):
        return False
    return ratelimit.consume(request, action="link_account", key=email.strip().lower())


def old_password_allowed(request: HttpRequest, *, failed: bool = False) -> bool:
    """Whoever sits down at an open session must not be able to try passwords without end."""
    return ratelimit.consume(request, action="old_password", user=request.user, dry_run=not failed)
