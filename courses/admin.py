"""Accounts on the site admin's pages. They are not deleted there: what a deletion has to reach, and the histories that
it may open, are known to the page of a person (grading.services.student_deletion); staff accounts are deactivated."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest

admin.site.unregister(User)


@admin.register(User)
class AccountAdmin(UserAdmin):
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
