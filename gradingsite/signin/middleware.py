from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from gradingsite.signin.required import has_second_factor, must_have_second_factor

# What setting it up needs, and the ways out. Codes that nobody has seen yet must be seen.
OPEN = frozenset(
    {
        "mfa_activate_totp",
        "mfa_view_recovery_codes",
        "account_reauthenticate",
        "mfa_reauthenticate",
        "logout",
        "set_language",
        "javascript-catalog",
        "healthz",
    }
)


class StaffSecondFactorMiddleware:
    """Where REQUIRE_STAFF_TWO_FACTOR is on, staff without a second factor are led to set it up before anything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        if not settings.REQUIRE_STAFF_TWO_FACTOR or not request.user.is_authenticated:
            return None
        match = request.resolver_match
        if match is not None and match.view_name in OPEN:
            return None
        if has_second_factor(request.user) or not must_have_second_factor(request.user):
            return None
        return self._led(request)

    def _led(self, request: HttpRequest) -> HttpResponse:
        messages.info(request, _("At this school everybody who marks needs a second factor. Please set it up now."))
        target = reverse("mfa_activate_totp")
        if request.headers.get("HX-Request"):
            return HttpResponse(status=204, headers={"HX-Redirect": target})
        return HttpResponseRedirect(target)
