"""Who has to have a second factor."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings

from courses.querysets import STAFF_ROLES, is_admin


def is_staff(user: Any) -> bool:
    """Admins, and whoever teaches or assists in any course."""
    return is_admin(user) or user.memberships.filter(role__in=STAFF_ROLES).exists()


def has_second_factor(user: Any) -> bool:
    return Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.TOTP).exists()


def must_have_second_factor(user: Any) -> bool:
    return settings.REQUIRE_STAFF_TWO_FACTOR and user.is_authenticated and is_staff(user)
