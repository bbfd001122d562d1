"""The outermost middleware: gives a request its id, writes one line about it and counts it.

A line names the view and not the address: an address may hold what logs somebody in.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from gradingsite import logs, refusals, tallies

log = logging.getLogger("gradingsite.requests")

HEADER = "X-Request-ID"


class RequestLog:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Anybody can write the header; only a proxy of one's own is believed.
        given = request.headers.get(HEADER, "") if settings.TRUSTED_PROXIES else ""
        name, begun = logs.new_request_id(given), time.monotonic()
        # Django tells of an answer of 400 and above when this middleware has returned, with the request at hand.
        vars(request)["log_id"] = name
        with logs.about(request_id=name):
            # TRACE gives a request back as it came, with what a proxy put in; nobody here needs it.
            response = HttpResponse(status=405) if request.method == "TRACE" else self.get_response(request)
            _tell(request, response.status_code, time.monotonic() - begun)
        response.headers[HEADER] = name
        return response


def _tell(request: HttpRequest, status: int, seconds: float) -> None:
    match = request.resolver_match
    view = match.view_name if match is not None else "none"
    method = request.method if request.method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} else "other"
    tallies.count("http_requests", view=view, method=method, status=str(status))
    tallies.observe("http_request_seconds", seconds, view=view)
    # Only where the view has looked: a line of the log is not worth a question to the database.
    user = getattr(vars(request).get("_cached_user"), "pk", None)
    told = {"view": view, "method": method, "status": status, "ms": round(seconds * 1000), "user": user}
    refusals.tell(status, match.view_name if match is not None else None, user)
    log.info("%s %s %s", method, view, status, extra=told)
