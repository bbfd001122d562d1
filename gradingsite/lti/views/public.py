"""What a platform asks for, and the way in: its announcement, its message, and the browser that follows."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gradingsite.lti import tool
from gradingsite.lti.claims import claims_of
from gradingsite.lti.errors import LaunchRefused, UnknownPlatform
from gradingsite.lti.keys import key_set
from gradingsite.lti.messages import LoginStart, TokenLaunch, platform_of, state_given
from gradingsite.lti.registry import platform_find
from gradingsite.lti.services.launches import launch_keep, launch_open
from gradingsite.lti.states import PATH, begin, cookie_name, opened, set_cookie
from gradingsite.lti.views.signing_in import lead_in

log = logging.getLogger(__name__)


@csrf_exempt  # it comes from the platform's pages by design, and does nothing but lead back there
@never_cache
@require_http_methods(["GET", "POST"])
def login_start(request: HttpRequest) -> HttpResponse:
    """A platform announces somebody: the browser is sent back to it to fetch its message."""
    given = request.POST if request.method == "POST" else request.GET
    platform = platform_find(given.get("iss", ""), given.get("client_id", ""))
    if platform is None:
        return refused(request, UnknownPlatform())
    state, secret = begin(platform.pk)
    try:
        target = LoginStart(request, platform, state).address(tool.address(request, "lti:launch"))
    except LaunchRefused as error:
        return refused(request, error)
    response = redirect(target)
    set_cookie(response, state, secret)
    return response


@csrf_exempt  # its place is taken by the signed state, and by the browser that has to follow
@never_cache
@require_POST
def launch(request: HttpRequest) -> HttpResponse:
    """The platform's message. It is verified and kept once; who it is about is looked at when the browser follows."""
    try:
        state = opened(state_given(request))
        platform = platform_of(state)
        if "error" in request.POST:
            raise LaunchRefused
        body = TokenLaunch(request, platform, state).verified()
        _row, ticket = launch_keep(platform=platform, state=state, claims=claims_of(body))
    except LaunchRefused as error:
        return refused(request, error)
    response = redirect("lti:follow", ticket)
    response.status_code = 303
    return response


@never_cache
@require_safe
def follow(request: HttpRequest, ticket: str) -> HttpResponse:
    """The browser that began it, at a page of this site: only here are its cookies looked at."""
    try:
        row = launch_open(request=request, ticket=ticket)
        response = lead_in(request, row)
    except LaunchRefused as error:
        return refused(request, error)
    response.delete_cookie(cookie_name(row.claims["nonce"]), path=PATH)
    return response


@require_safe
def jwks(request: HttpRequest) -> JsonResponse:
    return JsonResponse(key_set())


@require_safe
def canvas(request: HttpRequest) -> JsonResponse:
    return JsonResponse(tool.canvas_configuration(request))


def refused(request: HttpRequest, error: LaunchRefused) -> HttpResponse:
    """What happened and what to do; the log gets the kind, never the message."""
    log.warning("LTI launch refused: %s", error.code)
    title = _("The link could not be opened")
    return render(request, "lti/refused.html", {"words": error.message, "title": title}, status=403)
