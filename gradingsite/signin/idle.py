from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

KEY = "last_request"
# A session is written no more often than this, so that reading a page stays reading.
WRITTEN_AFTER = 300


def used(request: HttpRequest) -> None:
    """Note in the session that it is in use now."""
    request.session[KEY] = int(time.time())


class IdleSessionMiddleware:
    """Ends a session in which nothing was asked for SESSION_IDLE_HOURS: a desk left open in a room that others use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            idle = int(time.time()) - request.session.get(KEY, 0)
            # A session from before this was noted begins to be idle now.
            if KEY in request.session and idle > settings.SESSION_IDLE_SECONDS:
                logout(request)
                messages.info(request, _("You were logged out, because nothing was asked for a long time."))
            elif idle >= WRITTEN_AFTER:
                used(request)
        return self.get_response(request)
