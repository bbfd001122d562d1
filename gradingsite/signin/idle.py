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


class IdleSessionMiddleware:
    """Ends a session in which nothing was asked for SESSION_IDLE_HOURS: a desk left open in a room that others use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            now = int(time.time())
            last = request.session.get(KEY, now)
            if now - last > settings.SESSION_IDLE_SECONDS:
                logout(request)
                messages.info(request, _("You were logged out, because nothing was asked for a long time."))
            elif KEY not in request.session or now - last >= WRITTEN_AFTER:
                request.session[KEY] = now
        return self.get_response(request)
