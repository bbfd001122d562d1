from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

KEY = "last_request"
BEGUN = "begun"
# A session is written no more often than this, so that reading a page stays reading.
WRITTEN_AFTER = 300


def begun(request: HttpRequest) -> None:
    """Note in the session that somebody logged in with it now."""
    used(request)
    request.session[BEGUN] = request.session[KEY]


def used(request: HttpRequest) -> None:
    """Note in the session that it is in use now."""
    request.session[KEY] = int(time.time())
    # Each writing puts the cookie's own end off, so this is what holds. One from before it was noted begins now.
    request.session.setdefault(BEGUN, request.session[KEY])


class IdleSessionMiddleware:
    """Ends a session in which nothing was asked for SESSION_IDLE_HOURS: a desk left open in a room that others use. And
    one that began SESSION_HOURS ago, however much it is used."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            now = int(time.time())
            idle, age = now - request.session.get(KEY, 0), now - request.session.get(BEGUN, now)
            # A session from before this was noted begins to be idle now.
            if KEY in request.session and idle > settings.SESSION_IDLE_SECONDS:
                logout(request)
                messages.info(request, _("You were logged out, because nothing was asked for a long time."))
            elif age > settings.SESSION_COOKIE_AGE:
                logout(request)
                messages.info(request, _("You were logged out, because you had been logged in for a long time."))
            elif idle >= WRITTEN_AFTER:
                used(request)
        return self.get_response(request)
