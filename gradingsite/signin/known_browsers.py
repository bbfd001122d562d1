"""A browser that somebody has logged in with has tries of its own, which nobody else can use up.

Without it, a classmate behind the school's one address could keep a teacher out for as long as they go on guessing. The
browser keeps a signed cookie (OWASP calls it a device cookie) with a secret name for each account that it was logged in
to; whose accounts these are cannot be read from it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac

from gradingsite.accounts import login_name

SALT = "signin.known_browsers"
MOST_ACCOUNTS = 10  # of one browser, such as a computer in a staff room; the last ones stay


class KnownBrowserMiddleware:
    """Gives the cookie to a browser that `remember` was called for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        name = getattr(request, "known_from_now_on", None)
        if name is not None:
            known = _names(request)
            known[name] = known.pop(name, "") or secrets.token_urlsafe(12)
            response.set_cookie(
                settings.KNOWN_BROWSER_COOKIE_NAME,
                signing.dumps(dict(list(known.items())[-MOST_ACCOUNTS:]), salt=SALT),
                max_age=settings.KNOWN_BROWSER_DAYS * 24 * 3600,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response


def remember(request: HttpRequest, user: User) -> None:
    """This person has shown with this browser who they are."""
    request.known_from_now_on = _key(user.get_username())  # type: ignore[attr-defined]


def browser_of(request: HttpRequest, name: str) -> str:
    """The secret name of this browser for the account of that login name; empty where it is not known."""
    return _names(request).get(_key(name), "")


def is_known(request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
    """For AXES_WHITELIST_CALLABLE: its tries are counted in signin.limits and not by account and address."""
    return bool(browser_of(request, login_name(request, credentials)))


def _names(request: HttpRequest) -> dict[str, str]:
    try:
        found = signing.loads(
            request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, ""),
            salt=SALT,
            max_age=settings.KNOWN_BROWSER_DAYS * 24 * 3600,
        )
    except signing.BadSignature:
        return {}
    return dict(found)


def _key(name: str) -> str:
    return salted_hmac(SALT, name.strip().lower(), algorithm="sha256").hexdigest()[:24]
