from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_cache_control

# The words of the scripts: the same for everybody, and asked for by every page.
MAY_BE_KEPT = frozenset({"javascript-catalog"})


class NoStoreMiddleware:
    """What somebody sees who is logged in is kept by no cache, so that the next one at the machine cannot go back to
    it. Static files are answered before this is asked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Asked before the view: a logout's answer still belongs to who was there.
        known = request.user.is_authenticated
        response = self.get_response(request)
        match = request.resolver_match
        if (known or request.user.is_authenticated) and (match is None or match.view_name not in MAY_BE_KEPT):
            patch_cache_control(response, no_store=True, private=True)
        return response
