"""Accounts on the site admin's pages, and nothing else: they are needed to make, open and close an account, and to
say who looks after the site.

Accounts are not deleted there: what a deletion has to reach, and which histories it may open, is known to the page of
a person (grading.services.student_deletion). Whoever opens one shows again who they are. Every change of a password, an
address or a right is a line of the record and a mail to the account's owner, as everywhere else.
"""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from gradingsite.signin.events import record
from gradingsite.signin.models import AccountEventKind
from gradingsite.signin.open_sessions import sessions_end

RIGHTS = ("is_staff", "is_superuser")

admin.site.unregister(User)
admin.site.unregister(Group)  # rights come from courses and from the two flags below


@admin.register(User)
class AccountAdmin(UserAdmin):
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Personal info"), {"fields": ("first_name", "last_name", "email")}),
        (_("Permissions"), {"fields": ("is_active", *RIGHTS)}),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    list_filter = ("is_active", *RIGHTS)
    filter_horizontal = ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _asked_again(request) or super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        before = User.objects.filter(pk=obj.pk).first() if change else None
        super().save_model(request, obj, form, change)
        for kind in _changes(before, obj):
            also = before.email if before is not None and kind == AccountEventKind.ADDRESS_CHANGED else ""
            record(kind, user=obj, request=request, by=_person(request), also_to=also)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002
        asked = _asked_again(request)
        if asked is not None:
            return asked
        with transaction.atomic():
            before = self.get_object(request, id)
            answer = super().user_change_password(request, id, form_url)
            after = self.get_object(request, id)
            if before is not None and after is not None and before.password != after.password:
                record(AccountEventKind.PASSWORD_SET, user=after, request=request, how="admin", by=_person(request))
                own = after.pk == getattr(request.user, "pk", None)
                keep = request.session.session_key if own else None
                sessions_end(user=after, request=request, by=_person(request), keep=keep)
        return answer


def _changes(before: User | None, after: User) -> list[AccountEventKind]:
    """What a line of the record says of an account that was saved; `before` is None where it is new."""
    found = []
    if before is not None and (before.email, before.username) != (after.email, after.username):
        found.append(AccountEventKind.ADDRESS_CHANGED)
    if any(getattr(before, name, False) != getattr(after, name) for name in RIGHTS):
        found.append(AccountEventKind.RIGHTS_CHANGED)
    if before is not None and before.is_active != after.is_active:
        found.append(AccountEventKind.OPENED if after.is_active else AccountEventKind.CLOSED)
    return found


def own_password(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """For the site admin's own page to change one's password, which knows neither limits nor record."""
    return redirect("password_change")


def _person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _asked_again(request: HttpRequest) -> HttpResponse | None:
    """Off to show who it is, and back. What was typed is not kept meanwhile: it may hold a password."""
    if not is_reauthentication_required(request, app="account"):
        return None
    way_back = urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})
    return redirect(f"{reverse('account_reauthenticate')}?{way_back}")
