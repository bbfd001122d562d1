"""Every refusal in one shape: {"error": {"code", "message", "field"}}; the code is for the program, the message, in
the language that was asked for, is for the person behind it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from courses.errors import HandedInTooOften, UserError

# What would work at another moment, or with a newer edition of the row.
CONFLICTS = frozenset(
    {
        "already_taken",
        "edited_meanwhile",
        "grade_is_closed",
        "marked_blind",
        "newer_grade_released",
        "no_model_version",
        "nothing_to_mark",
        "nothing_to_release",
        "second_marks_missing",
        "submission_replaced",
        "submitted_meanwhile",
    }
)


class Problem(Exception):
    """A refusal of the API's own."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None, **headers: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.field, self.headers = status, code, message, field, headers


def told(status: int, code: str, message: str, field: str | None = None) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message, "field": field}}, status=status)


def register(api: NinjaAPI) -> None:
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        Problem: _problem,
        UserError: _user_error,
        ValidationError: _invalid,
        AuthenticationError: _unknown,
        HttpError: _unreadable,
        Http404: lambda _request, _error: not_found(),
        PermissionDenied: lambda _request, _error: told(403, "forbidden", _("You may see this, but not do that.")),
        SuspiciousOperation: _too_large,
        MultiPartParserError: _unreadable,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def not_found() -> JsonResponse:
    return told(404, "not_found", _("There is nothing here that you may see."))


def shaped(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The library's answer to a wrong method, in our shape."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = view(request, *args, **kwargs)
        if not isinstance(answer, HttpResponseNotAllowed):
            return answer
        told_so = told(405, "method_not_allowed", _("This address does not take that method."))
        told_so.headers["Allow"] = answer.headers["Allow"]
        return told_so

    return wrapped


def _problem(_request: HttpRequest, error: Problem) -> HttpResponse:
    answer = told(error.status, error.code, error.message, error.field)
    for name, value in error.headers.items():
        answer.headers[name.replace("_", "-")] = value
    return answer


def _user_error(_request: HttpRequest, error: UserError) -> HttpResponse:
    if isinstance(error, HandedInTooOften):
        return told(429, error.code, error.message)
    return told(409 if error.code in CONFLICTS else 422, error.code, error.message)


def _invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    """The first thing that is wrong; `field` is the way to it. What was sent is not repeated."""
    first = error.errors[0]
    way = [str(part) for part in first.get("loc", ())]
    # The library puts its own names for body, query or path, and for the argument, before that of the field.
    field = ".".join(way[2:] if way[:1] == ["body"] and len(way) > 2 else way[1:]) or None
    return told(422, "invalid", str(first.get("msg", _("That did not work."))), field)


def _unknown(_request: HttpRequest, _error: Exception) -> HttpResponse:
    answer = told(401, "token_unknown", _("Send a token that works: “Authorization: Bearer …”."))
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _unreadable(_request: HttpRequest, _error: Exception) -> HttpResponse:
    return told(400, "unreadable", _("The request cannot be read. Send JSON, or a form where a file goes along."))


def _too_large(_request: HttpRequest, _error: Exception) -> HttpResponse:
    return told(413, "too_large", _("The request is larger than what is taken."))
