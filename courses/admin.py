"""Accounts on the site admin's pages. They are not deleted there: what a deletion has to reach, and the histories that
it may open, are known to the page of a person (grading.services.student_deletion); staff accounts are deactivated.

E-mail addresses, roles and passwords are changed there, so whoever opens one shows again who they are.
"""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

admin.site.unregister(User)


@admin.register(User)
class AccountAdmin(UserAdmin):
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _asked_again(request) or super().changeform_view(request, *args, **kwargs)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002
        return _asked_again(request) or super().user_change_password(request, id, form_url)


def _asked_again(request: HttpRequest) -> HttpResponse | None:
    """Off to show who it is, and back. What was typed is not kept meanwhile: it may hold a password."""
    if not is_reauthentication_required(request, app="account"):
        return None
    way_back = urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})
    return redirect(f"{reverse('account_reauthenticate')}?{way_back}")
