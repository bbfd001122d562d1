"""Where browsers report what the content security policy held back: a line of the log each, and nothing of a person.

Anybody can send anything here, so little is read, few lines are written, and what is written is cut to what a policy
is made of: the rule, where the held back thing came from (its host, no path) and which kind of page it was.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from gradingsite.signin import limits

log = logging.getLogger(__name__)
LARGEST = 10_000  # bytes
RULE = re.compile(r"[a-z-]{1,40}")
SOURCE = re.compile(r"[a-z0-9.:-]{1,100}")


@csrf_exempt  # a browser sends these by itself, without a form; nothing is changed by them
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    for report in _reports(request.read(LARGEST + 1))[:5]:
        _tell(report)
    return HttpResponse(status=204)


def _reports(body: bytes) -> list[dict[str, Any]]:
    """The old form is one object with `csp-report` in it, the new one a list with a `body` in each."""
    if len(body) > LARGEST:
        return []
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return []
    rows = sent if isinstance(sent, list) else [sent]
    found = [row.get("csp-report") or row.get("body") for row in rows if isinstance(row, dict)]
    return [row for row in found if isinstance(row, dict)]


def _tell(report: dict[str, Any]) -> None:
    rule = report.get("effective-directive") or report.get("effectiveDirective") or report.get("violated-directive")
    blocked = report.get("blocked-uri") or report.get("blockedURL")
    page = report.get("document-uri") or report.get("documentURL")
    if limits.take("csp_report", ""):
        log.warning("The content security policy held back %s from %s on %s", _rule(rule), _host(blocked), _view(page))


def _rule(rule: object) -> str:
    found = RULE.match(str(rule))
    return found[0] if found else "something"


def _host(address: object) -> str:
    """“inline” and “eval” stand for themselves; of an address only where it leads."""
    text = str(address)[:2000].lower()
    try:
        host = urlsplit(text).netloc.rpartition("@")[2] if "://" in text else text.partition(":")[0]
    except ValueError:
        host = ""
    return host if SOURCE.fullmatch(host) else "elsewhere"


def _view(address: object) -> str:
    """The name of the page and not its address, which may hold what logs somebody in."""
    try:
        return str(resolve(urlsplit(str(address)[:2000]).path).view_name)
    except (ValueError, Resolver404):
        return "an unknown page"
