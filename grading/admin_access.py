"""Model versions, training and the health page are the site admins': anybody else is told so."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http.response import HttpResponseBase

from courses.querysets import is_admin

View = Callable[..., HttpResponseBase]


def admin_required(view: View) -> View:
    """Who is not logged in is sent there; who is, but is no admin, gets 403."""

    @wraps(view)
    def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_admin(request.user):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return login_required(guarded)
