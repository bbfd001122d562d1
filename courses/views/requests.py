"""What the views of this app share: whose request it is, and how a refusal of a service reaches the person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from courses.errors import InvalidFields, UserError

ROWS_ON_A_PAGE = 100


class PersonRequest(HttpRequest):
    """A request behind `login_required`."""

    user: User


def sent(request: HttpRequest) -> dict[str, Any]:
    """What a form is bound to: what was sent, even where that is nothing; {} where the page is only opened."""
    return {"data": request.POST, "files": request.FILES} if request.method == "POST" else {}


@contextmanager
def errors_on(form: forms.BaseForm) -> Iterator[None]:
    """Show what a service refuses on the form: beside the field that it is about where it names one."""
    try:
        yield
    except InvalidFields as error:
        for name, texts in error.fields.items():
            form.add_error(name if name in form.fields else None, texts)
    except UserError as error:
        form.add_error(None, error.message)


@contextmanager
def errors_told(request: HttpRequest) -> Iterator[None]:
    """Show what a service refuses at the top of the next page."""
    try:
        yield
    except UserError as error:
        messages.error(request, error.message)


def page_of(request: HttpRequest, rows: QuerySet[Any], size: int = ROWS_ON_A_PAGE) -> Page[Any]:
    return Paginator(rows, size).get_page(request.GET.get("page"))
